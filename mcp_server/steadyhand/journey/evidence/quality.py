"""What is wrong with the data itself: each fault has a name, and none of them means healthy."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from operator import sub

from steadyhand.journey.evidence.families import Families
from steadyhand.journey.evidence.grid import Grid
from steadyhand.journey.evidence.model import Flag, Series
from steadyhand.journey.evidence.owners import Owners
from steadyhand.journey.evidence.signal import Signal
from steadyhand.journey.evidence.wording import clock

_HOLE_STEPS = 3.5  # a scrape or two may be late
_SPARSE = 0.5


def flags(series: Sequence[Series], known: Sequence[Signal], grid: Grid, owners: Owners) -> tuple[Flag, ...]:
    """The faults of these series and signals, by entity: gaps, resets, low counts."""
    found = [
        *_gaps(series, grid, owners),
        *_resets(series, owners),
        *_low(known, grid),
    ]
    return tuple(sorted(found, key=lambda one: (one.kind, one.entity)))


def _gaps(series: Sequence[Series], grid: Grid, owners: Owners) -> Iterator[Flag]:
    holes: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in series:
        spanned = (one.times[-1] - one.times[0]) / grid.step if one.times else 0.0
        if spanned + 1.5 > len(one.times) + _HOLE_STEPS - 1:
            widest, at = max((later - before, before) for before, later in pairwise(one.times))
            if widest > _HOLE_STEPS * grid.step:
                holes[owners.of(one.name, one.labels)].append((widest, at))
    for entity, found in holes.items():
        widest, at = max(found)
        text = f"{len(found)} series have holes, the widest {widest:.0f} s from {_clock(at)}"
        yield Flag(kind="gaps", entity=entity, text=text)


def _resets(series: Sequence[Series], owners: Owners) -> Iterator[Flag]:
    families = Families(series)
    fell: dict[str, list[float]] = defaultdict(list)
    for one in series:
        if families.kind(one.name) == "counter" and min(map(sub, one.values[1:], one.values), default=0) < 0:
            at = next(at for at, (a, b) in zip(one.times[1:], pairwise(one.values), strict=True) if b < a)
            fell[owners.of(one.name, one.labels)].append(at)
    for entity, found in fell.items():
        text = f"{len(found)} counters began anew, first at {_clock(min(found))}: a restart"
        yield Flag(kind="resets", entity=entity, text=text)


def _low(known: Sequence[Signal], grid: Grid) -> Iterator[Flag]:
    judged = [one for one in known if one.smoothing and (one.role == "latency" or one.unit == "share")]
    sparse = Counter(one.entity for one in judged if len(one.times) < _SPARSE * grid.size)
    for entity, count in sparse.items():
        text = f"{count} percentiles or shares rest on fewer than ten answers most of the time"
        yield Flag(kind="low_counts", entity=entity, text=text)


def _clock(at: float) -> str:
    return clock(datetime.fromtimestamp(at, UTC))
