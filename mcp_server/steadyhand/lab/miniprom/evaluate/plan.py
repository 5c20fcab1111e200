"""What a query asks for: a closed union of frozen nodes, each of which mini-prom can answer."""

import re
from dataclasses import dataclass, field
from typing import Literal

from steadyhand.lab.miniprom.labels import NAME
from steadyhand.lab.miniprom.samples import Series, Store

MatchOperator = Literal["Equal", "NotEqual", "Re", "NotRe"]


class NotCovered(ValueError):
    """The query is PromQL that mini-prom does not answer; the message names the part."""


class BadQuery(ValueError):
    """The query is no PromQL."""


class EvaluationError(ValueError):
    """The query has no unambiguous result over these samples, e.g. many-to-many matching."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label; regular expressions match the whole value."""

    name: str
    operator: MatchOperator
    value: str
    pattern: re.Pattern[str] | None = field(default=None, compare=False)

    def accepts(self, value: str) -> bool:
        """Tell whether a label value (empty when absent) meets the condition."""
        if self.pattern is None:
            return (value == self.value) == (self.operator == "Equal")
        return bool(self.pattern.fullmatch(value)) == (self.operator == "Re")


@dataclass(frozen=True, slots=True)
class Selector:
    """The series that meet all matchers."""

    matchers: tuple[Matcher, ...]

    def pick(self, store: Store) -> list[Series]:
        """Return the matching series of the store."""
        name = next((one.value for one in self.matchers if (one.name, one.operator) == (NAME, "Equal")), None)
        rest = [(one.name, one.accepts) for one in self.matchers]
        candidates = store.every() if name is None else store.named(name)
        return [
            series
            for series in candidates
            if all(accepts(series.tags.get(label, "")) for label, accepts in rest)
        ]


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Window:
    """The samples of a selector within the last `span_ms` milliseconds, both ends included."""

    selector: Selector
    span_ms: int


@dataclass(frozen=True, slots=True)
class OverTime:
    """A function over each series' window, e.g. rate."""

    function: str
    window: Window


@dataclass(frozen=True, slots=True)
class Rounding:
    """A function of each value, e.g. abs."""

    function: str
    operand: "Expr"


@dataclass(frozen=True, slots=True)
class Quantile:
    """histogram_quantile over the `le` buckets of the operand."""

    quantile: "Expr"
    operand: "Expr"


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One value per group: by the labels, or by all but the labels."""

    operator: str
    operand: "Expr"
    labels: tuple[str, ...]
    without: bool


@dataclass(frozen=True, slots=True)
class Top:
    """The largest samples of each group."""

    limit: "Expr"
    operand: "Expr"
    labels: tuple[str, ...]
    without: bool


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two operands; vectors match one to one on all labels but the name."""

    operator: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True)
class Negation:
    """Unary minus."""

    operand: "Expr"


Expr = Number | Selector | OverTime | Rounding | Quantile | Aggregation | Top | Binary | Negation
"""A query with a scalar or a vector as its result."""

Query = Expr | Window
"""A whole query; a bare window is answered with raw samples, at one instant only."""
