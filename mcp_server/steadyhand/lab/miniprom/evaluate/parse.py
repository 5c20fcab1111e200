"""PromQL text to a plan, by promql-parser; what the plan cannot say is refused by name."""

import re
from datetime import timedelta
from functools import lru_cache

import promql_parser as promql

from steadyhand.lab.miniprom.evaluate.aggregate import AGGREGATIONS
from steadyhand.lab.miniprom.evaluate.functions import OVER_TIME, ROUNDING
from steadyhand.lab.miniprom.evaluate.operators import OPERATORS
from steadyhand.lab.miniprom.evaluate.plan import (
    Aggregation,
    BadQuery,
    Binary,
    Expr,
    Matcher,
    MatchOperator,
    Negation,
    NotCovered,
    Number,
    OverTime,
    Quantile,
    Query,
    Rounding,
    Selector,
    Top,
    Window,
)
from steadyhand.lab.miniprom.labels import NAME

_MATCH_OPERATORS: tuple[tuple[promql.MatchOp, MatchOperator], ...] = (
    (promql.MatchOp.Equal, "Equal"),
    (promql.MatchOp.NotEqual, "NotEqual"),
    (promql.MatchOp.Re, "Re"),
    (promql.MatchOp.NotRe, "NotRe"),
)


@lru_cache(maxsize=512)
def parse(text: str) -> Query:
    """Read a query.

    Raises BadQuery when it is no PromQL, NotCovered when it is PromQL beyond the subset.
    """
    try:
        tree = _unwrapped(promql.parse(text))
    except ValueError as error:
        raise BadQuery(f'invalid parameter "query": {error}') from error
    return _window(tree) if isinstance(tree, promql.MatrixSelector) else _expr(tree)


def parse_expr(text: str) -> Expr:
    """Read a query whose result is a scalar or an instant vector; raises as `parse` does."""
    query = parse(text)
    if isinstance(query, Window):
        raise BadQuery(
            'invalid expression type "range vector" for range query, must be Scalar or instant Vector'
        )
    return query


def parse_selector(text: str) -> Selector:
    """Read a `match[]` argument; raises as `parse` does, and BadQuery for all but a selector."""
    query = parse(text)
    if not isinstance(query, Selector):
        raise BadQuery(f'invalid parameter "match[]": {text!r} is no series selector')
    return query


def parse_duration_ms(text: str) -> int:
    """Read a PromQL duration such as 15s or 1m30s as milliseconds; raises BadQuery."""
    try:
        return _milliseconds(promql.parse_duration(text))
    except ValueError as error:
        raise BadQuery(f"cannot parse {text!r} to a valid duration") from error


def _expr(tree: object) -> Expr:
    match _unwrapped(tree):
        case promql.NumberLiteral(val=value):
            return Number(value)
        case promql.VectorSelector() as selector:
            return _selector(selector)
        case promql.UnaryExpr(expr=operand):
            return Negation(_expr(operand))
        case promql.Call() as call:
            return _call(call)
        case promql.AggregateExpr() as aggregate:
            return _aggregation(aggregate)
        case promql.BinaryExpr() as binary:
            return _binary(binary)
        case other:
            raise NotCovered(f"mini-prom does not cover {type(other).__name__}: {other}")


def _unwrapped(tree: object) -> object:
    while isinstance(tree, promql.ParenExpr):
        tree = tree.expr
    return tree


def _selector(tree: promql.VectorSelector) -> Selector:
    if tree.offset is not None or tree.at is not None:
        raise NotCovered("mini-prom does not cover the modifiers offset and @")
    if tree.matchers.or_matchers:
        raise NotCovered("mini-prom does not cover `or` between matchers")
    named = (Matcher(NAME, "Equal", tree.name),) if tree.name else ()
    return Selector(named + tuple(_matcher(one) for one in tree.matchers.matchers))


def _matcher(tree: promql.Matcher) -> Matcher:
    operator = next(ours for theirs, ours in _MATCH_OPERATORS if theirs == tree.op)
    if operator in {"Equal", "NotEqual"}:
        return Matcher(tree.name, operator, tree.value)
    try:
        pattern = re.compile(tree.value, re.ASCII)
    except re.error as error:
        raise NotCovered(f"mini-prom does not cover the pattern {tree.value!r}: {error}") from error
    return Matcher(tree.name, operator, tree.value, pattern)


def _window(tree: promql.MatrixSelector) -> Window:
    return Window(_selector(tree.vector_selector), _milliseconds(tree.range))


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _call(tree: promql.Call) -> Expr:
    name, arguments = tree.func.name, [_unwrapped(one) for one in tree.args]
    if name in OVER_TIME:
        if not isinstance(arguments[0], promql.MatrixSelector):
            raise NotCovered(f"mini-prom does not cover subqueries, as in {name}()")
        return OverTime(name, _window(arguments[0]))
    if name in ROUNDING:
        return Rounding(name, _expr(arguments[0]))
    if name == "histogram_quantile":
        return Quantile(_expr(arguments[0]), _expr(arguments[1]))
    raise NotCovered(f"mini-prom does not cover the function {name}()")


def _aggregation(tree: promql.AggregateExpr) -> Expr:
    operator, operand, modifier = str(tree.op), _expr(tree.expr), tree.modifier
    labels = tuple(modifier.labels) if modifier else ()
    without = modifier is not None and modifier.type == promql.AggModifierType.Without
    if operator == "topk":
        return Top(_expr(tree.param), operand, labels, without)
    if operator in AGGREGATIONS:
        return Aggregation(operator, operand, labels, without)
    raise NotCovered(f"mini-prom does not cover the aggregation {operator}")


def _binary(tree: promql.BinaryExpr) -> Expr:
    operator = str(tree.op)
    if operator not in OPERATORS:
        raise NotCovered(f"mini-prom does not cover the operator {operator}")
    modifier = tree.modifier
    if modifier is not None and (modifier.return_bool or modifier.matching or modifier.group_labels):
        raise NotCovered("mini-prom does not cover bool, on, ignoring, group_left and group_right")
    return Binary(operator, _expr(tree.lhs), _expr(tree.rhs))
