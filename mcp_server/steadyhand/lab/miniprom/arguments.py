"""Reading the parameters of a request as Prometheus does."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from steadyhand.lab.miniprom.evaluate.parse import parse_duration_ms
from steadyhand.lab.miniprom.evaluate.plan import BadQuery

MAX_POINTS = 11_000


@dataclass(frozen=True, slots=True)
class Grid:
    """The instants of a range query, in unix milliseconds, both ends included."""

    start: int
    end: int
    step: int

    @property
    def instants(self) -> range:
        """Return all instants in order."""
        return range(self.start, self.end + 1, self.step)


def instant(given: Mapping[str, str], name: str, default: int | None = None) -> int:
    """Read a time (unix seconds or RFC 3339) as unix milliseconds; raises BadQuery."""
    text = given.get(name, "")
    if not text and default is not None:
        return default
    return _milliseconds(name, text, _timestamp(text))


def grid(given: Mapping[str, str]) -> Grid:
    """Read start, end and step; raises BadQuery, also for more than 11,000 points."""
    start, end, step = instant(given, "start"), instant(given, "end"), _step(given.get("step", ""))
    if end < start:
        raise BadQuery('invalid parameter "end": end timestamp must not be before start time')
    if step <= 0:
        raise BadQuery(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
            "Try a positive integer"
        )
    if (end - start) / step > MAX_POINTS:
        raise BadQuery(
            "exceeded maximum resolution of 11,000 points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )
    return Grid(start, end, step)


def _step(text: str) -> int:
    try:
        seconds = float(text)
    except ValueError:
        return parse_duration_ms(text)
    return _milliseconds("step", text, seconds)


def _timestamp(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return _rfc3339(text)


def _rfc3339(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()


def _milliseconds(name: str, text: str, seconds: float | None) -> int:
    if seconds is None or not math.isfinite(seconds):
        raise BadQuery(f'invalid parameter "{name}": cannot parse {text!r} to a valid timestamp')
    return round(seconds * 1000)
