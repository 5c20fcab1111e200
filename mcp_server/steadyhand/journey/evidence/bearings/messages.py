"""Figures of what an entity says, against what all say and against the rest of what it says itself."""

from collections.abc import Iterable, Sequence
from math import log1p

from steadyhand.journey.evidence.bearings.observed import Said
from steadyhand.journey.evidence.bearings.scene import Figures
from steadyhand.journey.evidence.bearings.strength import beyond_usual, signed_g

Totals = tuple[float, float, float]


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
        "log_new": log1p(sum(1 for one in said if one.calm == 0)),
        "log_gone": log1p(sum(1 for one in said if one.since == 0 and one.calm > 1)),
        "log_new_errors": log1p(sum(one.since for one in said if one.calm == 0 and one.error)),
    }


def _beyond(one: Said, every: Totals) -> float:
    """How surely there are more of them since, beyond what calm itself wanders; negative: fewer."""
    calm, since, lately = every
    usual = signed_g(one.calm - one.lately, one.lately, calm - lately, lately)
    return beyond_usual(signed_g(one.calm, one.since, calm, since), usual)
