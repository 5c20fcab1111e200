"""A scraped program with one native histogram, in the protobuf form a Prometheus server asks for.

Fields as in Prometheus' `io.prometheus.client` messages; only what this histogram needs is written.
"""

import math
import struct
from itertools import pairwise

TYPE = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
_HISTOGRAM = 4
SCHEMA = 3  # eight buckets for each doubling


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def exposed(name: str, observed: list[float], labels: dict[str, str]) -> bytes:
    """The exposition of a histogram with these observations, all above zero."""
    places = [math.ceil(math.log2(one) * 2**SCHEMA) for one in observed]
    first, last = min(places), max(places)
    counts = [places.count(place) for place in range(first, last + 1)]
    deltas = [counts[0], *(later - before for before, later in pairwise(counts))]
    span = _number(1, _zigzag(first)) + _number(2, len(counts))
    histogram = (
        _number(1, len(observed))
        + _double(2, math.fsum(observed))
        + _number(5, _zigzag(SCHEMA))
        + _double(6, 1e-9)
        + _number(7, 0)
        + _bytes(12, span)
        + _bytes(13, b"".join(_varint(_zigzag(one)) for one in deltas))
    )
    pairs = b"".join(
        _bytes(1, _bytes(1, key.encode()) + _bytes(2, to.encode())) for key, to in labels.items()
    )
    metric = pairs + _bytes(7, histogram)
    family = _bytes(1, name.encode()) + _bytes(2, b"made up") + _number(3, _HISTOGRAM) + _bytes(4, metric)
    return _varint(len(family)) + family
