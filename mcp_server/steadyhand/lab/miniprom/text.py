"""The Prometheus text exposition format 0.0.4, without timestamps of the exporter's own."""

import re
from collections.abc import Iterator

from steadyhand.lab.miniprom.labels import NAME

_SERIES = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?")
_PAIR = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


class MalformedText(ValueError):
    """An exposition line does not follow the format; the message holds the line."""


def lines(body: str) -> Iterator[tuple[str, float]]:
    """Return each sample's series as it is written, with its value; comments are skipped.

    Raises MalformedText for a line without a number at its end.
    """
    for line in body.splitlines():
        if not line or line.startswith("#") or line.isspace():
            continue
        series, _, value = line.rstrip().rpartition(" ")
        try:
            yield series.strip(), float(value)
        except ValueError as error:
            raise MalformedText(f"no sample: {line[:200]!r}") from error


def tags_of(series: str) -> dict[str, str]:
    """Read `name{label="value",...}` as labels, the metric name among them.

    Raises MalformedText, also for a line with a timestamp after its value: not covered.
    """
    match = _SERIES.fullmatch(series)
    if match is None:
        raise MalformedText(f"no series (timestamps are not covered): {series[:200]!r}")
    name, inside = match.groups()
    return {NAME: name} | _pairs(inside or "")


def _pairs(inside: str) -> dict[str, str]:
    found, position = {}, 0
    while position < len(inside) and not inside[position:].isspace():
        match = _PAIR.match(inside, position)
        if match is None:
            raise MalformedText(f"no labels: {inside[:200]!r}")
        found[match[1]] = _ESCAPED.sub(_unescape, match[2])
        position = match.end()
    return found


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])
