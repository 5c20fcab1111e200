"""When the cause itself began, once it is known which change brought it, if one did."""

from collections.abc import Iterable
from datetime import timedelta

from steadyhand.journey.diagnosis.scene import earliest, number, started
from steadyhand.journey.evidence.model import Item, Onset

_SETTLES = timedelta(seconds=5)


def dated(onset: Onset | None, signs: Iterable[Item], change: Item | None) -> Onset | None:
    """The onset read off the signs, corrected by what a change that brought the fault tells.

    A rollout moves gauges by itself, and a slope fitted through that can begin before the rollout did.
    A database session that began within the rollout carries its own exact date; and nothing that a change
    brought began before the change.
    """
    began = None if change is None else started(change)
    if onset is None or change is None or began is None:
        return onset
    ended = began + timedelta(seconds=number(change, "took_s")) + _SETTLES
    exact = earliest(one for one in signs if one.kind == "database")
    if exact is not None and onset.at <= ended and began <= exact.hi and exact.at <= ended:
        return exact
    return Onset(at=max(onset.at, began), lo=max(onset.lo, began), hi=max(onset.hi, began))
