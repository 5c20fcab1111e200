"""From a line to its template: masked tokens, with quoted text and runs of values as one value."""

import re
from collections.abc import Iterable

from steadyhand.journey.evidence.patterns.masks import PUNCTUATION, VALUE, WordMasks

Template = tuple[str, ...]

_ZEROS = str.maketrans("123456789", "000000000")
_CLOSING = {")": "(", "}": "{"}
_QUOTED = re.compile(r"""(?<!\S)(["'])(?: \S+)*? \1(?!\S)""")
_UNITS = r"bytes?|[KMGTP]i?B|B|msecs?|ms|secs?|seconds?|s|us|ns|min(?:ute)?s?|h(?:our)?s?|days?"
_UNIT = re.compile(rf"(?:(?<!\S)< )?<\*> (?:{_UNITS})(?!\S)")
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DATE = re.compile(rf"(?<!\S)(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]* (?:, )?)?{_MONTH} <\*>(?!\S)")
_LEADING = re.compile(r"^\s*[\w.-]+:0+(?=\s)")  # the host and the port a line begins with


def masked(lines: Iterable[str], masks: WordMasks) -> list[str]:
    """Each line, its digits zeros, as masked tokens with a space between them."""
    word = masks.__getitem__
    rows = [" ".join(map(word, _LEADING.sub(VALUE, line).split())) for line in lines]
    return [_QUOTED.sub(rf"\1 {VALUE} \1", row) if '"' in row or "'" in row else row for row in rows]


def template_of(line: str) -> Template:
    """The template of one line."""
    return tokens_of(masked([line.translate(_ZEROS)], WordMasks())[0])


def tokens_of(row: str) -> Template:
    """The template of a masked line: a number with its unit and a date are one value."""
    if VALUE in row:
        row = _DATE.sub(VALUE, _UNIT.sub(VALUE, row))
    return collapsed(row.split(" "))


def collapsed(tokens: Iterable[str]) -> Template:
    """Neighbouring values, lists of values and a bracketed value after a value become one value."""
    out: list[str] = []
    for part in tokens:
        if part == VALUE:
            if out[-1:] != [VALUE]:
                out.append(VALUE)
        elif part == "," and out[-1:] == [VALUE]:
            continue
        elif part in _CLOSING and (drop := _bracketed(out, _CLOSING[part])):
            del out[-drop:]
        else:
            out.append(part)
    return tuple(out)


def _bracketed(out: list[str], opening: str) -> int:
    """How many tokens at the end are a bracketed value, or nothing in brackets, after a value."""
    if out[-2:] == [VALUE, opening]:
        return 1
    if out[-3:-1] == [VALUE, opening] and (out[-1] == VALUE or "." in out[-1]):
        return 2
    return 0


def shown(template: Template) -> str:
    """A template as one reads it."""
    text = " ".join(template)
    return re.sub(r"\s?([=:,;)\]}|\"'])", r"\1", re.sub(r"([(\[{=\"'])\s", r"\1", text))


def constants(template: Iterable[str]) -> int:
    """How many of its tokens are words."""
    return sum(one != VALUE and one not in PUNCTUATION for one in template)
