"""Figures of what an entity says, against what all say and against the rest of what it says itself."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import log1p

from steadyhand.journey.evidence.bearings.observed import Said
from steadyhand.journey.evidence.bearings.scene import Figures
from steadyhand.journey.evidence.bearings.strength import beyond_usual, signed_g

Totals = tuple[float, float, float]
_FEWEST = 4
_SOME = 1.0  # sigmas
_ABOUT = (-1.0, 0.0, 1.0)  # a pair may be cut by the end of calm


def totals(said: Iterable[Said]) -> Totals:
    """How many messages calm, since, and in the last stretch of calm."""
    known = tuple(said)
    return sum(one.calm for one in known), sum(one.since for one in known), sum(one.lately for one in known)


def messages(said: Sequence[Said], every: Totals) -> Figures:
    """The figures of one entity's messages; `mix` are those against the rest of its own."""
    own = totals(said)
    g = [(one, _beyond(one, every)) for one in said]
    mix = [(one, _beyond(one, own)) for one in said]
    return {
        "log_change": max((abs(x) for _, x in g), default=0.0),
        "log_fewer": max((-x for _, x in g if x < 0), default=0.0),
        "log_errors": max((x for one, x in g if one.error and x > 0), default=0.0),
        "log_mix": max((abs(x) for _, x in mix), default=0.0),
        "log_mix_fewer": max((-x for _, x in mix if x < 0), default=0.0),
        "log_mix_errors": max((x for one, x in mix if one.error and x > 0), default=0.0),
        "log_swapped": _swapped(mix),
        "log_parted": _sure(_parted(said)),
        "log_new": log1p(sum(1 for one in said if one.calm == 0)),
        "log_gone": log1p(sum(1 for one in said if one.since == 0 and one.calm > 1)),
        "log_new_errors": log1p(sum(one.since for one in said if one.calm == 0 and one.error)),
    }


def _beyond(one: Said, every: Totals) -> float:
    """How surely there are more of them since, beyond what calm itself wanders; negative: fewer."""
    calm, since, lately = every
    usual = signed_g(one.calm - one.lately, one.lately, calm - lately, lately)
    return beyond_usual(signed_g(one.calm, one.since, calm, since), usual)


def _swapped(mix: Iterable[tuple[Said, float]]) -> float:
    """How surely errors come instead of what was said before: the weaker of the two."""
    known = tuple(mix)
    more = max((x for one, x in known if one.error), default=0.0)
    fewer = max((-x for one, x in known if not one.error), default=0.0)
    return _sure(min(more, fewer))


def _sure(sigmas: float) -> float:
    return sigmas if sigmas > _SOME else 0.0


def _parted(said: Sequence[Said]) -> float:
    """How surely one of two messages that came equally often while calm no longer comes with the other.

    A function that ends early says its first message and not its last, however busy it is
    (after Lou et al., Mining Invariants from Console Logs, USENIX ATC 2010). Errors that cease are no loss.
    """
    most: dict[tuple[float, float], float] = defaultdict(float)
    for one in said:
        most[one.calm, one.lately] = max(most[one.calm, one.lately], one.since)
    return max(
        (_left_behind(one, most) for one in said if one.calm >= _FEWEST and not one.error), default=0.0
    )


def _left_behind(one: Said, most: Mapping[tuple[float, float], float]) -> float:
    alike = [most.get((one.calm + x, one.lately + y), 0.0) for x in _ABOUT for y in _ABOUT]
    other = max(alike)
    return max(0.0, -signed_g(one.calm, one.since, 2 * one.calm, one.since + other))
