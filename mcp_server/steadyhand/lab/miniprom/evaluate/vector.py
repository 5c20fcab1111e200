"""An instant vector and what every operation on one must keep."""

from typing import NamedTuple

from steadyhand.lab.miniprom.evaluate.plan import EvaluationError
from steadyhand.lab.miniprom.labels import Labels


class Sample(NamedTuple):
    """One series' value at an instant."""

    labels: Labels
    value: float


Vector = list[Sample]


def distinct(vector: Vector) -> Vector:
    """Return the vector; raises EvaluationError when two samples have the same labels."""
    if len({sample.labels for sample in vector}) != len(vector):
        raise EvaluationError("vector cannot contain metrics with the same labelset")
    return vector
