"""Lines become keys: equal but for their digits, in a few calls that touch a whole block at once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_IDS = re.compile(rb"[0-9a-fA-F]{8,}")
_HEAD = 100_000  # bytes looked at first
_MANY = 100
_HALF = 2
_DIGITS = b"0123456789"
_TO_ZERO = bytes.maketrans(b"123456789", b"0" * 9)


@dataclass(frozen=True, slots=True)
class Keyed:
    """The lines of one block without their digits, and the number of the first line of each such key."""

    keys: Sequence[bytes]
    first: Mapping[bytes, int]


def keyed(block: bytes) -> Keyed:
    """The key of every line. All that looks closer than this looks at one line of each key only.

    Where the first lines show that long hexadecimal ids keep lines apart, those are left out too.
    """
    head = block[: block.find(b"\n", _HEAD) + 1] if len(block) > _HEAD else block
    few = set(_keys(head))
    if len(few) > _MANY and _HALF * len(set(_keys(_IDS.sub(b"", head)))) < len(few):
        block = _IDS.sub(b"", block)
    keys = _keys(block)
    return Keyed(keys, dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True)))


def _keys(block: bytes) -> list[bytes]:
    keys = block.translate(None, _DIGITS).split(b"\n")
    if not keys[-1]:
        keys.pop()
    return keys


def zeroed(texts: Iterable[str]) -> list[str]:
    """Texts of one line each with every digit a zero: which digits they are makes no template."""
    whole = "\n".join([one.replace("\n", " ") for one in texts])
    return whole.encode(errors="replace").translate(_TO_ZERO).decode().split("\n")
