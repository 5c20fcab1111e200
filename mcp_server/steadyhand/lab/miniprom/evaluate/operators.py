"""Binary operators on two numbers, with IEEE 754 results where Python would raise."""

import math
import operator
from collections.abc import Callable, Mapping


def divide(left: float, right: float) -> float:
    """Return the quotient; x/0 is an infinity, 0/0 is NaN."""
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def modulo(left: float, right: float) -> float:
    """Return the remainder with the sign of `left`; NaN where there is none."""
    try:
        return math.fmod(left, right)
    except ValueError:
        return math.nan


def power(left: float, right: float) -> float:
    """Return `left` to the power of `right`; NaN or an infinity where it is not a finite number."""
    odd = right % 2 == 1
    try:
        return math.pow(left, right)
    except OverflowError:
        return -math.inf if left < 0 and odd else math.inf
    except ValueError:
        if left != 0:
            return math.nan
        return math.copysign(math.inf, left) if odd else math.inf


ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divide,
    "%": modulo,
    "^": power,
}

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}

SET_OPERATORS = frozenset({"and", "or", "unless"})

OPERATORS = frozenset(ARITHMETIC) | frozenset(COMPARISONS) | SET_OPERATORS
