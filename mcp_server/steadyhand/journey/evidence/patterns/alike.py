"""Far too many keys: lines that differ only where a sample shows a value get one key, by a few calls a block.

Lines whose punctuation is the same are of one shape and differ in their words alone. A sample of each shape
shows which places hold a value, and a regular expression then takes all lines that agree in the others.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

_LETTERS = bytes(one for one in range(128) if chr(one).isalpha())
_APART = bytes(one if one in _LETTERS else 32 for one in range(256))
_PLACE = re.compile(rb"[^A-Za-z]")
_RAW_PLACE = re.compile(rb"([^A-Za-z0-9])")
_ANY = rb"[A-Za-z]*+"
_FEWEST_LINES = 60  # of one shape: fewer cost little as they are
_SAMPLE = 256
_USUAL = 50  # a word in more than one of so many lines is one a program wrote
_HEX = b"abcdefABCDEF"
_MANY_LETTERS = 8  # so many single letters or hexadecimal digits are no words, and no levels of severity
_MANY_WORDS = 20  # so many unusual words in one place are values
_ENOUGH_LINES = 8  # of the sample
_ROUNDS = 4
_EVERYWHERE = 0.9  # of the lines: a word of the header
_FEWEST_WORDS = 2
_FEW_VALUES = 2  # places: one word names a message of these


@dataclass(frozen=True, slots=True)
class Form:
    """The lines of one key: the key, a number as no line's own key is, and the places of their values."""

    key: bytes
    values: frozenset[int]
    pattern: re.Pattern[bytes]

    def shown(self, line: bytes) -> bytes:
        """A raw line of this form with a zero for each value."""
        parts = _RAW_PLACE.split(line)
        return b"".join(b"0" if at in self.values else one for at, one in _places(parts))


def _places(parts: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Words with their number, what stands between them with -1."""
    return ((-1 if at % 2 else at // 2, one) for at, one in enumerate(parts))


def unified(keys: Sequence[bytes]) -> tuple[list[bytes], Mapping[bytes, Form]]:
    """The key of each line, the same one for lines of one form; and the forms by their key.

    Keys hold no digit. A word nobody saw in a place without values keeps its line apart: it may be news.
    """
    shapes = b"\n".join(keys).translate(None, _LETTERS).split(b"\n")
    by_shape: dict[bytes, list[bytes]] = defaultdict(list)
    for shape, key in zip(shapes, keys, strict=True):
        by_shape[shape].append(key)
    forms: dict[bytes, Form] = {}
    maker = _Maker(_header(keys))
    rewritten = {}
    for shape, lines in by_shape.items():
        if len(lines) >= _FEWEST_LINES:
            lines, found = _of_one_shape(lines, shape, maker)  # noqa: PLW2901 - the same lines, rewritten
            forms.update(found)
        rewritten[shape] = iter(lines)
    return list(map(next, map(rewritten.__getitem__, shapes))), forms


def _header(keys: Sequence[bytes]) -> set[bytes]:
    """Words that nearly every line has: they say nothing of what a line tells."""
    sample = keys[:: len(keys) // _SAMPLE + 1]
    counts = Counter(word for line in sample for word in set(_PLACE.split(line)))
    return {word for word, times in counts.items() if times > _EVERYWHERE * len(sample)} | {b""}


def _of_one_shape(lines: list[bytes], shape: bytes, maker: "_Maker") -> tuple[list[bytes], dict[bytes, Form]]:
    forms: dict[bytes, Form] = {}
    for _ in range(_ROUNDS):
        rest = [one for one in lines if one not in forms] if forms else lines
        few = len(rest) < _FEWEST_LINES
        found = () if few else maker.forms(rest[:: len(rest) // _SAMPLE + 1], shape)
        if not found:
            break
        text = b"\n%b\n" % b"\n".join(lines)
        for form in found:
            text = form.pattern.sub(b"\n" + form.key, text)
            forms[form.key] = form
        lines = text[1:-1].split(b"\n")
    return lines, forms


class _Maker:
    """Learns the forms of lines of one shape from a sample; `header` are words that name no message."""

    def __init__(self, header: Container[bytes]) -> None:
        self._header = header
        self._numbers = count()

    def forms(self, sample: Sequence[bytes], shape: bytes) -> list[Form]:
        """The forms of these lines, the most frequent first."""
        if len(set(sample)) < _MANY_WORDS:
            return []
        size, words = len(sample), b"\n".join(sample).translate(_APART).split(b" ")
        places = [words[at :: len(shape) + 1] for at in range(len(shape) + 1)]
        common: list[bytes | None] = [place[0] for place in places]
        differ = [at for at, place in enumerate(places) if place.count(place[0]) < size]
        told = [_usual(places[at]) for at in differ]
        wide = {at for at, (_, many) in zip(differ, told, strict=True) if many}
        agreed = Counter(zip(*(kept for kept, _ in told), strict=True))
        found = []
        for words_kept, times in agreed.most_common():
            kept = common.copy()
            for at, word in zip(differ, words_kept, strict=True):
                kept[at] = word
            if times >= _ENOUGH_LINES and self._is_form(kept, wide):
                found.append(_form(kept, shape, b"%d" % next(self._numbers)))
        return found

    def _is_form(self, kept: Sequence[bytes | None], wide: Container[int]) -> bool:
        """Whether words enough are left, and what was not kept stands where values do."""
        values = [at for at, word in enumerate(kept) if word is None]
        words = sum(word is not None and word not in self._header for word in kept)
        few = len(values) <= _FEW_VALUES
        return bool(values) and all(at in wide for at in values) and words >= (1 if few else _FEWEST_WORDS)


def _usual(place: Sequence[bytes]) -> tuple[list[bytes | None], bool]:
    """The usual words of a place, None for each other one; and whether those are values, being so many."""
    if len(set(place)) == len(place) >= max(_USUAL, _MANY_WORDS):
        return [None] * len(place), True
    counts = Counter(place)
    if len(counts) >= _MANY_LETTERS and all(not one[1:] or not one.strip(_HEX) for one in counts):
        return [None] * len(place), True
    usual = {word for word, times in counts.items() if times * _USUAL > len(place)}
    many = len(counts) - len(usual) >= _MANY_WORDS
    return [word if word in usual else None for word in place] if usual else [None] * len(place), many


def _form(kept: Sequence[bytes | None], shape: bytes, key: bytes) -> Form:
    after = [re.escape(shape[at : at + 1]) for at in range(len(shape))] + [rb"\n"]
    words = [rb"[^%b]*+" % end if word is None else word for word, end in zip(kept, after, strict=True)]
    if kept[0] is None:
        words[0] = _ANY  # not over the end of a line that has its key already
    body = b"".join([word + end for word, end in zip(words, [*after[:-1], rb"(?=\n)"], strict=True)])
    values = frozenset(at for at, word in enumerate(kept) if word is None)
    return Form(key, values, re.compile(rb"\n" + body))
