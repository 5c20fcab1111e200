"""A dot product and a softmax: the share of the blame each entity bears, and nobody's."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steadyhand.journey.diagnosis.ranking.weights import FigureWeights, RankerWeights
from steadyhand.journey.evidence.model import Bearing

_SAME = 0.99
_MOST = 12.0
_SUREST = 0.98
_FARTHEST = 6.0  # log-odds


@dataclass(frozen=True)
class Ranking:
    """Shares of the blame; they and `nobody` add up to 1."""

    shares: Mapping[str, float]
    nobody: float

    def odds(self, name: str) -> float:
        """Log-odds of this entity against nobody."""
        return math.log(max(self.shares.get(name, 0.0), 1e-12) / max(self.nobody, 1e-12))


def rank(bearings: Sequence[Bearing], weights: RankerWeights) -> Ranking:
    """The ranking of these entities, the likeliest first, equals by name."""
    largest = {name: max((_figure(one, name) for one in bearings), default=0.0) for name in weights.figures}
    equals = {
        name: max(1, sum(top > 0 and _figure(one, name) > _SAME * top for one in bearings))
        for name, top in largest.items()
    }
    scores = {
        one.entity: math.fsum(
            _worth(_figure(one, name), largest[name], equals[name], pair)
            for name, pair in weights.figures.items()
        )
        for one in bearings
    }
    nobody = weights.nobody - math.fsum(
        pair.against_none * _raw(largest[name]) for name, pair in weights.figures.items()
    )
    return _shared(scores, nobody)


def _figure(bearing: Bearing, name: str) -> float:
    return max(0.0, bearing.figures.get(name, 0.0))


def _raw(figure: float) -> float:
    return min(figure, _MOST) / 4


def _worth(figure: float, top: float, equals: int, pair: FigureWeights) -> float:
    if figure <= 0:
        return 0.0
    flag = 1 / equals if figure > _SAME * top else 0.0
    return pair.scaled * figure / top + pair.largest * flag + pair.raw * _raw(figure)


def _shared(scores: Mapping[str, float], nobody: float) -> Ranking:
    top = max((*scores.values(), nobody))
    powers = {name: math.exp(score - top) for name, score in scores.items()}
    rest = math.exp(nobody - top)
    total = math.fsum(powers.values()) + rest
    shares = {name: power / total for name, power in powers.items()}
    return Ranking(dict(sorted(shares.items(), key=lambda one: (-one[1], one[0]))), rest / total)


def calibrated(share: float, weights: RankerWeights) -> float:
    """How often first answers of this share were right; .02 to .98, for no calibration knows more."""
    known = weights.calibration
    log_odds = known.offset + known.slope * log_odds_of(share)
    return min(_SUREST, max(1 - _SUREST, 1 / (1 + math.exp(-log_odds))))


def log_odds_of(share: float) -> float:
    """Of a share, kept within the range in which a calibration is fitted: 6 to either side."""
    return max(-_FARTHEST, min(_FARTHEST, math.log(max(share, 1e-12) / max(1 - share, 1e-12))))


def confidences(shares: Sequence[float], nobody: float, weights: RankerWeights) -> list[float]:
    """The shares of the listed hypotheses as confidences; together they stay at most 1.

    The first is calibrated; the others share what it leaves as they did before. Where nobody is as likely,
    all stay as they are: the calibration speaks of claims, and makes none.
    """
    if not shares or shares[0] <= nobody:
        return list(shares)
    first = calibrated(shares[0], weights)
    rest = 1.0 - shares[0]
    left = (1.0 - first) / rest if rest > 0 else 0.0
    return [first, *(min(first, one * left) for one in shares[1:])]
