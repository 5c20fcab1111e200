"""Which format a source writes, and each of its lines read by it or by any other that fits."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from steadyhand.journey.evidence.patterns.formats.envelope import cri_line
from steadyhand.journey.evidence.patterns.formats.headed import HEADED, plain_line
from steadyhand.journey.evidence.patterns.formats.parsed import Parsed
from steadyhand.journey.evidence.patterns.formats.structured import (
    FieldNames,
    json_line,
    logfmt_line,
    torn_json_line,
)

SAMPLE = 200
_CLEAR_SHARE = 0.8
_JSON = "JSON"
_INDENT = (" ", "\t")
Parse = Callable[[str], Parsed | None]


@dataclass(slots=True)
class Reader:
    """Reads lines of one source. The format seen most is tried first, so mixed files survive."""

    names: FieldNames = field(default_factory=FieldNames)
    order: list[tuple[str, Parse]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.order:
            inner = partial(_inside, names=self.names, formats=[parse for _, parse in _written(self.names)])
            self.order = [
                (_JSON, partial(json_line, names=self.names, inner=inner)),
                ("CRI", partial(cri_line, inner=inner)),
                *_written(self.names)[1:],
            ]

    def parse(self, line: str) -> Parsed | None:
        """The record this line begins; None when it continues the one before (a stack trace, noise).

        A torn JSON line is one too: of unreadable time ("") only where most lines are JSON.
        """
        if line.startswith(_INDENT) or not line:
            return None
        found = self._first(line)
        if found is None and line[0] == "{":
            torn = torn_json_line(line, self.names)
            return torn if torn and (torn.stamp or self.order[0][0] == _JSON) else None
        return None if found is not None and found.continues else found

    def text(self, line: str) -> str:
        """What a line that begins no record says: of one in an envelope only what is inside."""
        found = self._first(line)
        return found.message if found is not None and found.continues else line

    def _first(self, line: str) -> Parsed | None:
        return next((found for _, parse in self.order if (found := parse(line)) is not None), None)

    def format_of(self, line: str) -> str:
        """The name of the format this line is written in, "" when it begins no record."""
        if line.startswith(_INDENT):
            return ""
        return next((name for name, parse in self.order if parse(line) is not None), "")


def _written(names: FieldNames) -> list[tuple[str, Parse]]:
    """The formats that programs write."""
    return [
        (_JSON, partial(json_line, names=names)),
        *((one.name, one.parse) for one in HEADED),
        ("logfmt", partial(logfmt_line, names=names)),
        ("text after a time", plain_line),
    ]


def _inside(line: str, names: FieldNames, formats: Sequence[Parse]) -> Parsed | None:
    """A line that was in an envelope; it needs no time of its own."""
    return next((found for parse in formats if (found := parse(line))), None) or torn_json_line(line, names)


def detected(lines: Iterable[str], names: FieldNames) -> tuple[Reader, str]:
    """A reader tuned to these first lines of a source, and what it found, for people.

    The format of most lines is tried first. With less than four fifths of the lines the source is mixed;
    "" when no line begins with a time.
    """
    reader = Reader(names)
    seen = Counter(name for line in lines if (name := reader.format_of(line)))
    if not seen:
        return reader, ""
    reader.order.sort(key=lambda one: -seen[one[0]])
    best, count = seen.most_common(1)[0]
    if count >= _CLEAR_SHARE * seen.total():
        return reader, best
    return reader, "mixed: " + ", ".join(name for name, _ in seen.most_common(3))
