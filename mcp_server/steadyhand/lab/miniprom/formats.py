"""Numbers as Prometheus (Go) writes them."""

import math
from decimal import Decimal

SMALLEST_PLAIN = 1e-4
LARGEST_PLAIN = 1e6

_NOT_FINITE = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}


def plain(value: float) -> str:
    """Write a sample's value: shortest digits, never an exponent, e.g. "1000000" or "+Inf"."""
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return _NOT_FINITE.get(text) or text.removesuffix(".0")


def scientific(value: float) -> str:
    """Write the value of an alert in /api/v1/alerts: shortest digits with an exponent, e.g. "1.5e+00"."""
    return f"{value:.{_digits(value) - 1}e}" if math.isfinite(value) else plain(value)


def general(value: float) -> str:
    """Write `{{ $value }}`: shortest digits, with an exponent below 1e-4 and from 1e6 on."""
    if value == 0 or not math.isfinite(value):
        return plain(value)
    return plain(value) if SMALLEST_PLAIN <= abs(value) < LARGEST_PLAIN else scientific(value)


def _digits(value: float) -> int:
    digits = Decimal(repr(value)).normalize().as_tuple().digits
    return len(digits)
