"""A plan and samples to values."""

from collections.abc import Callable, Iterator, Mapping

from steadyhand.lab.miniprom.evaluate.aggregate import aggregate, topk
from steadyhand.lab.miniprom.evaluate.functions import KEEPS_NAME, OVER_TIME, ROUNDING, Points
from steadyhand.lab.miniprom.evaluate.matching import both, either, one_to_one, unmatched, with_scalar
from steadyhand.lab.miniprom.evaluate.operators import ARITHMETIC
from steadyhand.lab.miniprom.evaluate.plan import (
    Aggregation,
    Binary,
    Expr,
    Negation,
    Number,
    OverTime,
    Quantile,
    Rounding,
    Selector,
    Top,
    Window,
)
from steadyhand.lab.miniprom.evaluate.quantile import histogram_quantile
from steadyhand.lab.miniprom.evaluate.vector import Sample, Vector, distinct
from steadyhand.lab.miniprom.labels import Labels, without_name
from steadyhand.lab.miniprom.samples import Series, Store

_SET_OPERATIONS: Mapping[str, Callable[[Vector, Vector], Vector]] = {
    "and": both,
    "or": either,
    "unless": unmatched,
}


class Evaluation:
    """One query over one store; series are looked up once, however many instants are asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._picked: dict[Selector, list[Series]] = {}

    def at(self, expr: Expr, at: int) -> float | Vector:
        """Return the value at an instant (unix ms).

        Raises EvaluationError when there is no unambiguous result.
        """
        match expr:
            case Number(value):
                return value
            case Selector():
                return self._current(expr, at)
            case OverTime(function, window):
                return self._over_time(function, window, at)
            case Negation(operand):
                return _negated(self.at(operand, at))
            case Binary(operator, left, right):
                return _binary(operator, self.at(left, at), self.at(right, at))
            case _:
                return self._derived(expr, at)

    def raw(self, window: Window, at: int) -> Iterator[tuple[Labels, Points]]:
        """Return the samples of each series in a window that ends at an instant (unix ms)."""
        for series in self.series(window.selector):
            points = _points(series, window, at)
            if points.times:
                yield series.labels, points

    def _current(self, selector: Selector, at: int) -> Vector:
        return [
            Sample(series.labels, value)
            for series in self.series(selector)
            if (value := series.latest(at)) is not None
        ]

    def _over_time(self, function: str, window: Window, at: int) -> Vector:
        compute, keeps_name = OVER_TIME[function], function in KEEPS_NAME
        found = []
        for series in self.series(window.selector):
            points = _points(series, window, at)
            value = compute(points) if points.times else None
            if value is not None:
                found.append(Sample(series.labels if keeps_name else series.bare, value))
        return distinct(found)

    def _derived(self, expr: Rounding | Quantile | Aggregation | Top, at: int) -> Vector:
        vector = self._vector(expr.operand, at)
        match expr:
            case Rounding(function):
                return _each(ROUNDING[function], vector)
            case Quantile(quantile):
                return distinct(histogram_quantile(self._scalar(quantile, at), vector))
            case Aggregation(operator, labels=labels, without=drop):
                return aggregate(operator, vector, labels, drop=drop)
            case Top(limit, labels=labels, without=drop):
                return topk(self._scalar(limit, at), vector, labels, drop=drop)

    def series(self, selector: Selector) -> list[Series]:
        """Return the series a selector stands for in this query."""
        if selector not in self._picked:
            self._picked[selector] = selector.pick(self._store)
        return self._picked[selector]

    def _vector(self, expr: Expr, at: int) -> Vector:
        value = self.at(expr, at)
        assert not isinstance(value, float), "the parser has checked the types"
        return value

    def _scalar(self, expr: Expr, at: int) -> float:
        value = self.at(expr, at)
        assert isinstance(value, float), "the parser has checked the types"
        return value


def _points(series: Series, window: Window, at: int) -> Points:
    low = at - window.span_ms
    times, values = series.between(low, at)
    return Points(times, values, low, at)


def _each(compute: Callable[[float], float], vector: Vector) -> Vector:
    return distinct([Sample(without_name(one.labels), compute(one.value)) for one in vector])


def _negated(value: float | Vector) -> float | Vector:
    return -value if isinstance(value, float) else _each(lambda one: -one, value)


def _binary(operator: str, left: float | Vector, right: float | Vector) -> float | Vector:
    if isinstance(left, float):
        if isinstance(right, float):
            return ARITHMETIC[operator](left, right)
        return with_scalar(operator, right, lambda value: (left, value))
    if isinstance(right, float):
        return with_scalar(operator, left, lambda value: (value, right))
    if operator in _SET_OPERATIONS:
        return _SET_OPERATIONS[operator](left, right)
    return one_to_one(operator, left, right)
