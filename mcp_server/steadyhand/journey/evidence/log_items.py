"""Log evidence: messages that are new, gone, or far more or less frequent than before."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from steadyhand.journey.evidence.masking import Masker, quoted
from steadyhand.journey.evidence.model import Item, Onset, Window
from steadyhand.journey.evidence.onset import bend, onset_between
from steadyhand.journey.evidence.patterns.compare import Pattern
from steadyhand.journey.evidence.patterns.skew import Skew
from steadyhand.journey.evidence.screen import Span
from steadyhand.journey.evidence.wording import since

_EXEMPLAR = 160
_SKEW = 80
_SECOND = 1.0
_INSIDE = 0.5  # of a second: where in it its lines are taken to be
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
        any(start <= at <= end for start, end in masked) for at in _instants(pattern)
    )


def _instants(pattern: Pattern) -> tuple[float, ...]:
    return (pattern.first, pattern.last, *map(float, list(pattern.seconds)[1:]))


def kept(found: Sequence[Pattern], most: int) -> list[Pattern]:
    """The first `most`, with two slots held for new messages that came only a few times."""
    beyond = found[most - _RARE_SLOTS :] if len(found) > most else []
    rare = [one for one in beyond if one.change == "new" and one.now <= _RARE]
    rare.sort(key=lambda one: (-one.rank, one.now, one.template))
    slots = rare[:_RARE_SLOTS]
    return [*found[: most - len(slots)], *slots]


def log_item(
    pattern: Pattern, window: Window, baseline: Window, masker: Masker, skew: Skew | None = None
) -> Item:
    """The item that tells how one message changed; its id is given later."""
    change = pattern.change or "new"
    onset = _onset(pattern, window, baseline)
    exemplar = masker.text(pattern.exemplar.text, _EXEMPLAR)
    counts = f"{pattern.now} lines now, {pattern.before} before"
    code = f" [{masker.text(pattern.codes, 40)}]" if pattern.codes else ""
    part = f", {masker.text(str(skew), _SKEW)}" if skew else ""
    head = f"{pattern.severity.upper()[:10]} {change}{code}: "
    tail = f", {counts}, since {since(onset)}{part}"
    title = head + quoted(exemplar) + tail
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
            "first_seen": _clock(pattern.first),
            "last_seen": _clock(pattern.last),
            **({"skew": masker.text(str(skew), _SKEW)} if skew else {}),
            **({"codes": masker.text(pattern.codes, 60)} if pattern.codes else {}),
        },
        ref=masker.text(pattern.exemplar.ref, 200),
    )


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}Z"


def _onset(pattern: Pattern, window: Window, baseline: Window) -> Onset:
    border = baseline.end.timestamp()
    if pattern.change == "new":
        return _around(max(pattern.first, border), pattern.width)
    if pattern.change == "vanished":
        return _around(pattern.last + pattern.width, pattern.width)
    return _rate_onset(pattern, window, baseline)


def _around(at: float, width: float) -> Onset:
    instant, lo = (datetime.fromtimestamp(one, UTC) for one in (at, at - width))
    return Onset(at=instant, lo=lo, hi=instant)


def _rate_onset(pattern: Pattern, window: Window, baseline: Window) -> Onset:
    """The bend of the message's counts per second."""
    start, end = window.start.timestamp(), window.end.timestamp()
    width = max(float(pattern.width), (end - start) / _MOST_SECONDS)
    counts = [0.0] * (int((end - start) / width) + 1)
    for second, count in pattern.seconds.items():
        counts[max(0, int((second + _INSIDE - start) / width))] += count
    calm = max(1, int(baseline.length.total_seconds() / width))
    normal = pattern.before / calm
    sign = 1.0 if pattern.change == "surged" else -1.0
    excess = [sign * (one - normal) for one in counts]
    crossing = min(calm, len(excess) - 1)
    times = [start + index * width for index in range(len(counts))]
    return onset_between(times, bend(excess, excess, crossing, len(excess) - 1, 0))
