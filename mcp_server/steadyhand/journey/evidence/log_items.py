"""Log evidence: messages that are new, gone, or far more or less frequent than before."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from steadyhand.journey.evidence.clocks import Clocks
from steadyhand.journey.evidence.masking import Masker, quoted
from steadyhand.journey.evidence.model import Item, Onset, Window
from steadyhand.journey.evidence.onset import Bend, bend, onset_between
from steadyhand.journey.evidence.patterns.compare import LATE_SHARE, Pattern
from steadyhand.journey.evidence.screen import Span
from steadyhand.journey.evidence.wording import since

_EXEMPLAR = 160
_SKEW = 80
_SECOND = 1.0
_INSIDE = 0.5  # of a second: where in it its lines are taken to be
_ENOUGH_IN_STEP = 25  # lines
_WIDEST = 10.0
_MOST_SECONDS = 7_200
_FAINT = 3.0
_RARE = 5
RARE_SLOTS = 2
_WARNING = 2
_DIRECTIONS: Mapping[str, Literal["new", "gone", "up", "down", "none"]] = {
    "new": "new",
    "vanished": "gone",
    "surged": "up",
    "dropped": "down",
    "shifted": "none",
}


def changed(patterns: Sequence[Pattern], masked: Sequence[Span]) -> list[Pattern]:
    """The ones that changed, strongest first; plain start-and-stop lines of a rollout are none."""
    found = [one for one in patterns if one.change and not _is_rollout_talk(one, masked)]
    return sorted(found, key=lambda one: (-one.rank * abs(one.surprise), one.template))


def is_rare(pattern: Pattern) -> bool:
    """Whether it is a new message that came only a few times."""
    return pattern.change == "new" and pattern.now <= _RARE


def is_faint(item: Item) -> bool:
    """Whether chance alone gives as much: a stray new line or two."""
    return item.strength < _FAINT


def _is_rollout_talk(pattern: Pattern, masked: Sequence[Span]) -> bool:
    return pattern.rank < _WARNING and all(
        any(start <= at <= end for start, end in masked) for at in _instants(pattern)
    )


def _instants(pattern: Pattern) -> tuple[float, ...]:
    return (pattern.first, pattern.last, *map(float, list(pattern.seconds)[1:]))


def kept(found: Sequence[Pattern], most: int) -> list[Pattern]:
    """The first `most`, with two slots held for new messages that came only a few times."""
    beyond = found[most - RARE_SLOTS :] if len(found) > most else []
    rare = [one for one in beyond if is_rare(one)]
    rare.sort(key=lambda one: (-one.rank, one.now, one.template))
    slots = rare[:RARE_SLOTS]
    return [*found[: most - len(slots)], *slots]


def log_item(
    pattern: Pattern, window: Window, baseline: Window, masker: Masker, clocks: Clocks | None = None
) -> Item:
    """The item that tells how one message changed; its id is given later. `clocks` tell which are off."""
    skew = pattern.skew
    change = pattern.change or "new"
    onset = _onset(pattern, window, baseline)
    onset = clocks.widened(onset, pattern.service) if clocks else onset
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
            "change": change,
            "count_now": str(pattern.now),
            "count_before": str(pattern.before),
            "exemplar": exemplar,
            "first_seen": _clock(pattern.first),
            "last_seen": _clock(pattern.last),
            **({"skew": masker.text(str(skew), _SKEW)} if skew else {}),
            **({"codes": masker.text(pattern.codes, 60)} if pattern.codes else {}),
        },
        ref=masker.place(pattern.exemplar.ref, 200),
    )


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}Z"


def _onset(pattern: Pattern, window: Window, baseline: Window) -> Onset:
    border = baseline.end.timestamp()
    if pattern.change == "new":
        return _around(max(pattern.first, border), pattern.width)
    if pattern.change == "vanished":
        return _around(pattern.last + pattern.width, pattern.width)
    if pattern.change == "shifted" and pattern.skew:
        at, lo, hi = (
            datetime.fromtimestamp(one, UTC) for one in (pattern.skew.at, pattern.skew.lo, pattern.skew.hi)
        )
        return Onset(at=at, lo=lo, hi=hi)
    return _rate_onset(pattern, window, baseline)


def _around(at: float, width: float) -> Onset:
    instant, lo = (datetime.fromtimestamp(one, UTC) for one in (at, at - width))
    return Onset(at=instant, lo=lo, hi=instant)


def _rate_onset(pattern: Pattern, window: Window, baseline: Window) -> Onset:
    """The bend of the message's counts: of those per second, unless it is a slow climb.

    Lines come by chance. Whether they climb shows in wider steps only, with enough lines in each.
    """
    second = max(float(pattern.width), window.length.total_seconds() / _MOST_SECONDS)
    lines, span = pattern.lately[0], (window.end - baseline.end).total_seconds() / LATE_SHARE
    wide = min(_WIDEST, max(second, _ENOUGH_IN_STEP * span / max(1, lines)))
    times, found = _bend(pattern, window, baseline, wide)
    if found.shape != "ramp" and wide > second:
        times, found = _bend(pattern, window, baseline, second)
    return onset_between(times, found, counts=True)


def _bend(pattern: Pattern, window: Window, baseline: Window, width: float) -> tuple[list[float], Bend]:
    """Where the counts per `width` seconds leave their calm rate, and the instants of these steps."""
    start, end = window.start.timestamp(), window.end.timestamp()
    counts = [0.0] * (int((end - start) / width) + 1)
    for second, count in pattern.seconds.items():
        counts[max(0, int((second + _INSIDE - start) / width))] += count
    calm = max(1, int(baseline.length.total_seconds() / width))
    normal = pattern.before / calm
    sign = 1.0 if pattern.change == "surged" else -1.0
    excess = [sign * (one - normal) for one in counts]
    times = [start + index * width for index in range(len(counts))]
    crossing = calm if not _is_late(pattern) else int(len(excess) - (len(excess) - calm) / LATE_SHARE)
    return times, bend(excess, excess, min(crossing, len(excess) - 1), len(excess) - 1, 0)


def _is_late(pattern: Pattern) -> bool:
    """Whether it is the window's last stretch alone that differs: then only there it is surely away."""
    lines, usual = pattern.lately
    return pattern.change == "surged" and lines * pattern.expected > 2 * usual * pattern.now
