"""The messages of one incident as the bearings take them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from steadyhand.journey.evidence.bearings.observed import Said
from steadyhand.journey.evidence.bearings.strength import signed_g
from steadyhand.journey.evidence.model import Window
from steadyhand.journey.evidence.patterns.compare import Patterns, compare
from steadyhand.journey.evidence.patterns.tally import Tallies

_WARNING = 2
_BACK_S = (120.0, 180.0, 240.0)


def said_of(patterns: Patterns) -> tuple[Said, ...]:
    """How often each kind of message came, calm and since."""
    return tuple(
        Said(
            entity=one.service,
            calm=float(one.before),
            since=float(one.now),
            error=one.rank >= _WARNING or "exception" in one.template.lower(),
        )
        for one in patterns.found
    )


def divided(
    counted: Tallies, window: Window, alert_at: float, since_at: float
) -> tuple[tuple[Said, ...], float]:
    """The messages before and after the instant, of a few before the alert, that divides them best.

    Best is where one service's own mix of messages changes most; all instants in unix seconds.
    """
    start = window.start.timestamp()
    instants = [at for at in (since_at, *(alert_at - back for back in _BACK_S)) if at > start]
    ways = [(said_of(compare(counted, window, _until(window, at))), at) for at in instants]
    return max(ways, key=lambda way: _contrast(way[0]), default=((), since_at))


def _until(window: Window, at: float) -> Window:
    return Window(start=window.start, end=datetime.fromtimestamp(at, UTC))


def _contrast(said: Iterable[Said]) -> float:
    """The strongest change of one kind of message against the rest its service says."""
    by_entity: dict[str, list[Said]] = defaultdict(list)
    for one in said:
        by_entity[one.entity].append(one)
    return max(
        (
            abs(signed_g(one.calm, one.since, sum(o.calm for o in own), sum(o.since for o in own)))
            for own in by_entity.values()
            for one in own
        ),
        default=0.0,
    )
