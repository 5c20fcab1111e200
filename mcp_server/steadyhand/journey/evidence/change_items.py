"""Change evidence: everything somebody did in the look-back, with its lag to the alert."""

from collections.abc import Sequence
from datetime import datetime

from steadyhand.journey.evidence.masking import Masker, quoted
from steadyhand.journey.evidence.model import Change, Item, Onset, Window
from steadyhand.journey.evidence.wording import clock, lag

_DIFF = 400
_SUMMARY = 160


def looked_back(changes: Sequence[Change], window: Window) -> list[Change]:
    """Changes begun in the window or still running in it, earliest first."""
    inside = [
        one
        for one in changes
        if one.started_at < window.end and (one.finished_at or one.started_at) >= window.start
    ]
    return sorted(inside, key=lambda one: (one.started_at, one.id))


def change_item(change: Change, alert_at: datetime, masker: Masker) -> Item:
    """The item that tells one change; its id is given later."""
    before = alert_at - change.started_at
    took = change.finished_at - change.started_at if change.finished_at else None

    def told(raw: str, most: int) -> str:
        return masker.text(raw, most, commits=True)

    summary, author = told(change.summary, _SUMMARY), told(change.author, 40)
    step = " -> ".join(told(one, 40) for one in (change.previous, change.version) if one)
    diff = told(change.diff, _DIFF)
    title = (
        f"{change.kind} change of {change.service} {step}".strip()
        + (f" by {author}" if author else "")
        + (f": {quoted(summary)}" if summary else "")
        + f", {clock(change.started_at)}, {lag(before)}"
    )
    facts = {
        "change_id": told(change.id, 100),
        "change_kind": change.kind,
        "version": told(change.version, 80),
        "previous": told(change.previous, 80),
        "author": author,
        "summary": summary,
        "seconds_before": f"{before.total_seconds():.0f}",
        "took_s": "" if took is None else f"{took.total_seconds():.0f}",
        "diff": diff,
        "sql": diff if change.kind == "migration" else "",
    }
    return Item(
        id="",
        kind="change",
        role="change",
        entity=change.service,
        title=title[:300],
        onset=Onset(at=change.started_at, lo=change.started_at, hi=change.started_at),
        facts={key: value for key, value in facts.items() if value},
        ref=told(change.id, 100),
    )
