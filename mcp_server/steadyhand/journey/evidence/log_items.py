"""Log evidence: messages that are new, gone, or far more or less frequent than before."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from steadyhand.journey.evidence.masking import Masker, quoted
from steadyhand.journey.evidence.model import Item, Onset, Window
from steadyhand.journey.evidence.onset import bend, onset_between
from steadyhand.journey.evidence.patterns import Pattern
from steadyhand.journey.evidence.screen import Span
from steadyhand.journey.evidence.wording import since

_EXEMPLAR = 160
_SECOND = 1.0
_MOST_SECONDS = 7_200
_RARE = 5
_RARE_SLOTS = 2
_WARNING = 2
_DIRECTIONS: Mapping[str, Literal["new", "gone", "up", "down"]] = {
    "new": "new",
    "vanished": "gone",
    "surged": "up",
    "dropped": "down",
}


def changed(patterns: Sequence[Pattern], masked: Sequence[Span]) -> list[Pattern]:
    """The ones that changed, strongest first; plain start-and-stop lines of a rollout are none."""
    found = [one for one in patterns if one.change and not _is_rollout_talk(one, masked)]
    return sorted(found, key=lambda one: (-one.rank * abs(one.surprise), one.template))


def _is_rollout_talk(pattern: Pattern, masked: Sequence[Span]) -> bool:
    return pattern.rank < _WARNING and all(
        any(start <= at <= end for start, end in masked) for at in pattern.times
    )


def kept(found: Sequence[Pattern], most: int) -> list[Pattern]:
    """The first `most`, with two slots held for new messages that came only a few times."""
    beyond = found[most - _RARE_SLOTS :] if len(found) > most else []
    rare = [one for one in beyond if one.change == "new" and one.now <= _RARE]
    rare.sort(key=lambda one: (-one.rank, one.now, one.template))
    slots = rare[:_RARE_SLOTS]
    return [*found[: most - len(slots)], *slots]


def log_item(pattern: Pattern, window: Window, baseline: Window, masker: Masker) -> Item:
    """The item that tells how one message changed; its id is given later."""
    change = pattern.change or "new"
    onset = _onset(pattern, window, baseline)
    exemplar = masker.text(pattern.text, _EXEMPLAR)
    counts = f"{pattern.now} lines now, {pattern.before} before"
    code = f" [{masker.text(pattern.codes, 40)}]" if pattern.codes else ""
    title = (
        f"{pattern.severity.upper()[:10]} {change}{code}: {quoted(exemplar)}, {counts}, since {since(onset)}"
    )
    return Item(
        id="",
        kind="log",
        role="new_log" if change == "new" else "log_rate",
        entity=pattern.service,
        title=title[:300],
        onset=onset,
        direction=_DIRECTIONS[change],
        strength=round(abs(pattern.surprise) * pattern.rank, 1),
        now=float(pattern.now),
        normal=round(pattern.expected, 2),
        facts={
            "template": masker.text(pattern.template, 300),
            "severity": pattern.severity,
            "count_now": str(pattern.now),
            "count_before": str(pattern.before),
            "exemplar": exemplar,
            **({"codes": masker.text(pattern.codes, 60)} if pattern.codes else {}),
        },
        ref=masker.text(pattern.exemplar.ref, 200),
    )


def _onset(pattern: Pattern, window: Window, baseline: Window) -> Onset:
    border = baseline.end.timestamp()
    if pattern.change == "new":
        first = next(at for at in pattern.times if at >= border)
        return _around(first)
    if pattern.change == "vanished":
        return _around(pattern.times[-1] + _SECOND)
    return _rate_onset(pattern, window, baseline)


def _around(at: float) -> Onset:
    instant, lo = (datetime.fromtimestamp(one, UTC) for one in (at, at - _SECOND))
    return Onset(at=instant, lo=lo, hi=instant)


def _rate_onset(pattern: Pattern, window: Window, baseline: Window) -> Onset:
    """The bend of the message's counts per second."""
    start, end = window.start.timestamp(), window.end.timestamp()
    width = max(_SECOND, (end - start) / _MOST_SECONDS)
    counts = [0.0] * (int((end - start) / width) + 1)
    for at in pattern.times:
        counts[int((at - start) / width)] += 1.0
    calm = max(1, int(baseline.length.total_seconds() / width))
    normal = pattern.before / calm
    sign = 1.0 if pattern.change == "surged" else -1.0
    excess = [sign * (one - normal) for one in counts]
    crossing = min(calm, len(excess) - 1)
    times = [start + index * width for index in range(len(counts))]
    return onset_between(times, bend(excess, excess, crossing, len(excess) - 1, 0))
