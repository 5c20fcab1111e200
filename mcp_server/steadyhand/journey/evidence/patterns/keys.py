"""Lines become keys: equal but for their digits, in a few calls that touch a whole block at once."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from steadyhand.journey.evidence.patterns.alike import Form, unified

_MANY = 200
_MOST_DISTINCT = 0.02  # of all lines
_SAMPLE = 500
_DIGITS = b"0123456789"
_Value = TypeVar("_Value")
_TO_ZERO = bytes.maketrans(b"123456789", b"0" * 9)


@dataclass(frozen=True, slots=True)
class Keyed:
    """The keys of one block's lines, in the order in which they first come.

    `codes` is which distinct line (without digits) each line is, `of` which key each of those has, and
    `first` the number of each key's first line.
    """

    keys: Sequence[bytes]
    codes: Sequence[int]
    of: Sequence[int]
    first: Sequence[int]
    forms: Mapping[bytes, Form]

    def each(self, values: Sequence[_Value]) -> Iterator[_Value]:
        """Of each line the value of its key; all are looked up in one pass."""
        return map(list(map(values.__getitem__, self.of)).__getitem__, self.codes)

    def shown(self, lines: Sequence[bytes]) -> list[bytes]:
        """Of each key its first line, with a zero for what is known to be a value."""
        out = []
        for key, at in zip(self.keys, self.first, strict=True):
            form = self.forms.get(key)
            out.append(form.shown(lines[at]) if form else lines[at])
        return out


def keyed(block: bytes) -> Keyed:
    """The key of every line. All that looks closer than this looks at one line of each key only."""
    distinct, codes = _coded(_keys(block))
    if len(distinct) <= max(_MANY, _MOST_DISTINCT * len(codes)):
        return Keyed(distinct, codes, range(len(distinct)), _firsts(codes, range(len(distinct))), {})
    wide, forms = unified(distinct)  # values of letters keep lines apart: no program has so many messages
    keys, of = _coded(wide)
    return Keyed(keys, codes, of, _firsts(codes, _firsts(of, range(len(keys)))), forms)


def _coded(values: list[bytes]) -> tuple[list[bytes], list[int]]:
    """The distinct ones in the order in which they first come, and which of them each is."""
    if _all_differ(values):
        return values, list(range(len(values)))
    number: dict[bytes, int] = defaultdict(count().__next__)
    codes = list(map(number.__getitem__, values))
    return list(number), codes


def _all_differ(values: list[bytes]) -> bool:
    """Whether no two are the same, as where each line has an id of its own; a sample mostly tells at once."""
    sample = values[:: len(values) // _SAMPLE + 1]
    return len(set(sample)) == len(sample) and len(set(values)) == len(values)


def _firsts(numbers: Sequence[int], wanted: Iterable[int]) -> list[int]:
    """Where each wanted number first stands; they are in the order in which they first come."""
    first, at = [], 0
    for number in wanted:
        at = numbers.index(number, at)
        first.append(at)
    return first


def _keys(block: bytes) -> list[bytes]:
    keys = block.translate(None, _DIGITS).split(b"\n")
    if not keys[-1]:
        keys.pop()
    return keys


def zeroed(texts: Iterable[str]) -> list[str]:
    """Texts of one line each with every digit a zero: which digits they are makes no template."""
    whole = "\n".join([one.replace("\n", " ") for one in texts])
    return whole.encode(errors="replace").translate(_TO_ZERO).decode().split("\n")
