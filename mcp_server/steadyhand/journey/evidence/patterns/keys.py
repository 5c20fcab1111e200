"""Lines become keys: equal but for their digits, in a few calls that touch a whole block at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from steadyhand.journey.evidence.patterns.alike import Form, unified

_MANY = 200
_MOST_DISTINCT = 0.02  # of all lines
_DIGITS = b"0123456789"
_TO_ZERO = bytes.maketrans(b"123456789", b"0" * 9)


@dataclass(frozen=True, slots=True)
class Keyed:
    """The key of each line of one block by its number, and of each key the number of its first line."""

    keys: Sequence[bytes]
    numbers: Sequence[int]
    first: Sequence[int]
    forms: Mapping[bytes, Form]

    def shown(self, lines: Sequence[bytes]) -> list[bytes]:
        """Of each key its first line, with a zero for what is known to be a value."""
        out = []
        for key, at in zip(self.keys, self.first, strict=True):
            form = self.forms.get(key)
            out.append(form.shown(lines[at]) if form else lines[at])
        return out


def keyed(block: bytes) -> Keyed:
    """The key of every line. All that looks closer than this looks at one line of each key only."""
    every = _keys(block)
    found = dict.fromkeys(every)
    forms: Mapping[bytes, Form] = {}
    number: dict[bytes, int] = {}
    if _too_many(found, every):
        wide, forms = unified(list(found))
        of_key = {key: number.setdefault(one, len(number)) for key, one in zip(found, wide, strict=True)}
    else:
        of_key = number = {key: at for at, key in enumerate(found)}
    numbers = list(map(of_key.__getitem__, every))
    return Keyed(list(number), numbers, _firsts(numbers, len(number)), forms)


def _too_many(found: Collection[bytes], every: Sequence[bytes]) -> bool:
    """Whether values of letters keep lines apart: no program has so many messages."""
    return len(found) > max(_MANY, _MOST_DISTINCT * len(every))


def _firsts(numbers: Sequence[int], count: int) -> list[int]:
    """Where each number first stands; they are in the order in which they first come."""
    first, at = [], 0
    for number in range(count):
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
