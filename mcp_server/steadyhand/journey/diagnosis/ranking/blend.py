"""The hand-set table and the learned ranker heard together: one score of each suspect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from steadyhand.journey.diagnosis.ranking.weights import Blend

_LEAST, _MOST = -6.0, 8.0  # log-odds of a place that count; beyond the most all count less by as much
_UNKNOWN = -8.0  # of a place the ranker does not list
_MOST_DOUBT = -4.0
_MARKED = 1.0
Candidate = Literal["mechanism", "place", "change", "edge"]


@dataclass(frozen=True)
class Said:
    """What the table says of one suspect, and what kind of candidate it is.

    An edge lies between its entity and `other`; `signs` says whether anything but its effects speaks for it.
    """

    entity: str
    hand: float
    kind: Candidate
    other: str = ""
    signs: bool = True


def traits(said: Sequence[Said], odds: Mapping[str, float], *, felt: bool) -> list[tuple[float, ...]]:
    """Of each suspect what the weights of the blend are multiplied with, in their order.

    `felt` says whether anybody suffers.
    """
    best = max((0.0, *odds.values()))  # nobody's are 0
    marks = max((one.hand for one in said if one.kind != "place"), default=0.0)
    beyond = max(0.0, marks - _MARKED)
    return [(*_traits(one, _odds(one, odds), best, beyond), float(not felt)) for one in said]


def _odds(one: Said, odds: Mapping[str, float]) -> float:
    """Those of the likelier of its ends."""
    return max(odds.get(one.entity, _UNKNOWN), odds.get(one.other, _UNKNOWN))


def _traits(one: Said, odds: float, best: float, marks: float) -> tuple[float, ...]:
    known, doubt = max(odds - max(best - _MOST, 0.0), _LEAST), min(max(odds - best, _MOST_DOUBT), 0.0)
    blank = (0.0, 0.0, 0.0)
    match one.kind:
        case "mechanism":
            return float(one.signs), one.hand, doubt, *blank, *blank, *blank, 0.0
        case "change":
            return *blank, 1.0, one.hand, known, *blank, *blank, 0.0
        case "edge":
            return *blank, *blank, 1.0, one.hand, doubt, *blank, 0.0
        case "place":
            return *blank, *blank, *blank, 1.0, one.hand, known, marks


def blended(said: Sequence[Said], odds: Mapping[str, float], blend: Blend, *, felt: bool) -> list[float]:
    """The score of each suspect; "none of these" scores 0."""
    weights = tuple(getattr(blend, name) for name in Blend.model_fields)
    return [sum(w * x for w, x in zip(weights, row, strict=True)) for row in traits(said, odds, felt=felt)]
