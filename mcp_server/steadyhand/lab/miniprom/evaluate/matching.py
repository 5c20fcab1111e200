"""Binary operators with a vector on at least one side."""

from collections.abc import Callable

from steadyhand.lab.miniprom.evaluate.operators import ARITHMETIC, COMPARISONS
from steadyhand.lab.miniprom.evaluate.plan import EvaluationError
from steadyhand.lab.miniprom.evaluate.vector import Sample, Vector, distinct
from steadyhand.lab.miniprom.labels import Labels, show, without_name


def with_scalar(operator: str, vector: Vector, number: Callable[[float], tuple[float, float]]) -> Vector:
    """Apply an operator to each sample and a scalar; `number` puts both in the order they were written.

    Arithmetic drops the metric name; a comparison keeps the samples for which it holds.
    """
    if operator in COMPARISONS:
        holds = COMPARISONS[operator]
        return [sample for sample in vector if holds(*number(sample.value))]
    compute = ARITHMETIC[operator]
    return distinct([Sample(without_name(one.labels), compute(*number(one.value))) for one in vector])


def one_to_one(operator: str, left: Vector, right: Vector) -> Vector:
    """Apply an operator to pairs with equal labels, the metric name left out.

    Raises EvaluationError when a pair is ambiguous (many-to-many, many-to-one).
    """
    if not left or not right:
        return []
    partners = _partners(right)
    matched: dict[Labels, Sample] = {}
    for sample in left:
        key = without_name(sample.labels)
        partner = partners.get(key)
        result = None if partner is None else _pair(operator, sample, partner.value, key)
        if result is None:
            continue
        if key in matched:
            raise EvaluationError(
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            )
        matched[key] = result
    return distinct(list(matched.values()))


def both(left: Vector, right: Vector) -> Vector:
    """Return the left samples that have a partner (`and`)."""
    keys = _keys(right)
    return [sample for sample in left if without_name(sample.labels) in keys]


def either(left: Vector, right: Vector) -> Vector:
    """Return the left samples, then the right ones that have no partner (`or`)."""
    return left + unmatched(right, left)


def unmatched(left: Vector, right: Vector) -> Vector:
    """Return the left samples that have no partner (`unless`)."""
    keys = _keys(right)
    return [sample for sample in left if without_name(sample.labels) not in keys]


def _keys(vector: Vector) -> set[Labels]:
    return {without_name(sample.labels) for sample in vector}


def _partners(right: Vector) -> dict[Labels, Sample]:
    partners: dict[Labels, Sample] = {}
    for sample in right:
        key = without_name(sample.labels)
        if key in partners:
            raise EvaluationError(
                f"found duplicate series for the match group {show(key)} on the right hand-side of the "
                f"operation: [{show(sample.labels)}, {show(partners[key].labels)}];many-to-many matching "
                "not allowed: matching labels must be unique on one side"
            )
        partners[key] = sample
    return partners


def _pair(operator: str, left: Sample, right: float, key: Labels) -> Sample | None:
    if operator in COMPARISONS:
        return left if COMPARISONS[operator](left.value, right) else None
    return Sample(key, ARITHMETIC[operator](left.value, right))
