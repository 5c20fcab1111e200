"""The identity of a series."""

from collections.abc import Iterable, Mapping

Labels = tuple[tuple[str, str], ...]
"""Label pairs sorted by name; an empty value is an absent label."""

NAME = "__name__"

_FNV_OFFSET = 0xCBF29CE484222325
_FNV_PRIME = 0x100000001B3
_SEPARATOR = b"\xff"


def labels_from(pairs: Mapping[str, str]) -> Labels:
    """Return the pairs in canonical order, without those whose value is empty."""
    return tuple(sorted(pair for pair in pairs.items() if pair[1]))


def without_name(labels: Labels) -> Labels:
    """Return the labels without the metric name."""
    return tuple(pair for pair in labels if pair[0] != NAME)


def only(labels: Labels, names: Iterable[str]) -> Labels:
    """Return the labels whose name is among `names`."""
    kept = frozenset(names)
    return tuple(pair for pair in labels if pair[0] in kept)


def without(labels: Labels, names: Iterable[str]) -> Labels:
    """Return the labels whose name is neither among `names` nor the metric name."""
    dropped = {NAME, *names}
    return tuple(pair for pair in labels if pair[0] not in dropped)


def show(labels: Labels) -> str:
    """Write the labels as PromQL does, e.g. {job="shop"}."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"


def fingerprint(labels: Labels) -> str:
    """Return Prometheus' identity of a label set: 64-bit FNV-1a over name and value, in hex."""
    text = b"".join(
        part + _SEPARATOR for name, value in sorted(labels) for part in (name.encode(), value.encode())
    )
    digest = _FNV_OFFSET
    for byte in text:
        digest = ((digest ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"
