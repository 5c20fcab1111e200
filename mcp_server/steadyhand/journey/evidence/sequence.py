"""In which order things began, as far as their intervals allow to say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from steadyhand.journey.evidence.model import Item, Onset
from steadyhand.journey.evidence.wording import clock, since

Step = tuple[Item, ...]
_CLOCKS = timedelta(seconds=1)  # two sources' clocks, and how they round, may differ by this much


@dataclass(frozen=True, slots=True)
class Told:
    """Steps one surely after the other, items of one step in no known order; `apart` fit between no two."""

    steps: tuple[Step, ...]
    apart: Step


def sequence(items: Sequence[Item]) -> Told:
    """The order of those with an onset, none claimed that the intervals do not allow.

    A step ends where everything in it began at the latest, a second before anything later can have begun at
    the earliest. An item so uncertain that it would hold two steps together is set apart.
    """
    dated = sorted((one for one in items if one.onset), key=lambda one: (_of(one).at, one.id))
    apart: list[Item] = []
    while (wide := _bridge(dated)) is not None:
        dated.remove(wide)
        apart.append(wide)
    return Told(tuple(_steps(dated)), tuple(sorted(apart, key=lambda one: (_of(one).lo, one.id))))


def _of(item: Item) -> Onset:
    assert item.onset is not None
    return item.onset


def _steps(dated: Sequence[Item]) -> list[Step]:
    steps: list[list[Item]] = []
    latest: datetime | None = None
    for index, one in enumerate(dated):
        earliest = min(_of(later).lo for later in dated[index:])
        if latest is None or earliest < latest + _CLOCKS:
            steps = steps or [[]]
            steps[-1].append(one)
        else:
            steps.append([one])
        latest = max(latest, _of(one).hi) if latest else _of(one).hi
    return [tuple(step) for step in steps]


def _bridge(dated: Sequence[Item]) -> Item | None:
    """The widest item of a step of three or more that would fall into more steps without it."""
    for step in _steps(dated):
        for one in sorted(step, key=lambda item: _of(item).lo - _of(item).hi)[: len(step) - 2]:
            rest = [other for other in step if other is not one]
            if len(_steps(rest)) > 1 and _spans_two(one, rest):
                return one
    return None


def _spans_two(wide: Item, rest: Sequence[Item]) -> bool:
    inside = sum(_of(wide).lo <= _of(one).at <= _of(wide).hi for one in rest)
    return inside > 1


def in_words(told: Told) -> str:
    """One line, e.g. "m1 14:23:05 ±2 s > m2 14:23:11 > l1 = m4 14:23:17"."""
    steps = " > ".join(_step(one) for one in told.steps)
    unknown = ", ".join(f"{one.id} {clock(_of(one).lo)}-{clock(_of(one).hi)}" for one in told.apart)
    return steps + (f"; no place for {unknown}" if unknown else "")


def _step(step: Step) -> str:
    first = since(_of(step[0])) if len(step) == 1 else clock(_of(step[0]).at)
    return f"{' = '.join(one.id for one in step)} {first}"
