"""How numbers, spans and instants are written for a tired reader."""

from datetime import datetime, timedelta

from steadyhand.journey.evidence.model import Onset

_SCALES = ((1e9, "G"), (1e6, "M"), (1e4, "k"))
_UNIT_FACTOR = {"k": 1e3, "M": 1e6, "G": 1e9}


def number(value: float) -> str:
    """A number with three digits that matter, large ones with k, M or G."""
    for least, letter in _SCALES:
        if abs(value) >= least:
            return f"{value / _UNIT_FACTOR[letter]:.3g}{letter}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2g}"  # noqa: PLR2004 - three digits already


def quantity(value: float, unit: str) -> str:
    """A number with its unit; shares in percent."""
    if unit == "share":
        return f"{100 * value:.0f} %"
    if unit in {"/s", "B", "B/s"}:
        return f"{number(value)}{unit}"
    return f"{number(value)} {unit}".strip()


def clock(at: datetime) -> str:
    """Time of day to the second, UTC."""
    return f"{at:%H:%M:%S}"


def since(onset: Onset) -> str:
    """When it began, with its uncertainty, e.g. "02:14:07 ±1 s"."""
    width = max(onset.at - onset.lo, onset.hi - onset.at).total_seconds()
    return f"{clock(onset.at)} ±{max(1, round(width))} s" if width else clock(onset.at)


def lag(span: timedelta) -> str:
    """How far apart two instants are, e.g. "35 s before the alert"."""
    side = "before" if round(span.total_seconds()) >= 0 else "after"
    return f"{spell(span)} {side} the alert"


def spell(span: timedelta) -> str:
    """A span without its sign: "35 s", from two minutes on "2 min 5 s"."""
    amount = abs(round(span.total_seconds()))
    return f"{amount} s" if amount < 120 else f"{amount // 60} min {amount % 60} s"  # noqa: PLR2004 - two minutes
