"""The hand-set table and the learned ranker heard together: one score of each suspect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steadyhand.journey.diagnosis.ranking.weights import Blend

_LEAST, _MOST = -6.0, 8.0  # log-odds of a place that count
_UNKNOWN = -8.0  # of a place the ranker does not list
_MOST_DOUBT = -4.0
_MARKED = 1.0


@dataclass(frozen=True)
class Said:
    """What the table says of one suspect; `place` if only its place is suspected."""

    entity: str
    hand: float
    place: bool


def traits(said: Sequence[Said], odds: Mapping[str, float]) -> list[tuple[float, ...]]:
    """Of each suspect what the weights of the blend are multiplied with, in their order."""
    best = max(odds.values(), default=0.0)
    marks = max((one.hand for one in said if not one.place), default=0.0)
    return [_traits(one, odds.get(one.entity, _UNKNOWN), best, max(0.0, marks - _MARKED)) for one in said]


def _traits(one: Said, odds: float, best: float, marks: float) -> tuple[float, ...]:
    if one.place:
        return 0.0, 0.0, 0.0, 1.0, one.hand, min(max(odds, _LEAST), _MOST), marks
    return 1.0, one.hand, min(max(odds - best, _MOST_DOUBT), 0.0), 0.0, 0.0, 0.0, 0.0


def blended(said: Sequence[Said], odds: Mapping[str, float], blend: Blend) -> list[float]:
    """The score of each suspect; "none of these" scores 0."""
    weights = tuple(getattr(blend, name) for name in Blend.model_fields)
    return [sum(w * x for w, x in zip(weights, row, strict=True)) for row in traits(said, odds)]
