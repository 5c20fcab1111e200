"""The second of every raw line, parsed once for each distinct stamp."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steadyhand.journey.evidence.patterns.formats import stamps
from steadyhand.journey.evidence.patterns.formats.parsed import Parsed

NEVER = -1
_SPLIT = re.compile(rb"(.*\d\d:\d\d:\d\d)([.,]\d+)?(.*)", re.DOTALL)
_DIGIT = re.compile(rb"\d")
_EPOCH = r"\b\d{10,19}(?:\.\d+)?\b"
_FORMS = (stamps.CLF, stamps.ISO, stamps.APACHE, stamps.DASHED, stamps.SLASHED, stamps.SYSLOG, _EPOCH)
_ANYWHERE = re.compile("|".join(_FORMS).encode())
_SLASHED = re.compile(rb"\d\d?/\d\d?/")  # of one or two digits, so never in one place
_MOST_STAMPS = 100_000


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a line's stamp is, to the second, and what is put behind it: its zone."""

    start: int
    end: int
    rest: bytes


class _Read(dict[bytes, int]):
    """Each stamp and its second, remembered."""

    def __init__(self, clock: stamps.Clock, assumed: set[str]) -> None:
        super().__init__()
        self._clock = clock
        self._assumed = assumed

    def __missing__(self, stamp: bytes) -> int:
        if len(self) >= _MOST_STAMPS:
            self.clear()
        found = stamps.moment(stamp.decode(errors="replace"), self._clock)
        if found is not None:
            self._assumed.add(found.assumed)
        second = self[stamp] = NEVER if found is None else int(found.at.timestamp())
        return second


class SecondsOf:
    """Reads the second of each line, in UTC; lines of one key have their stamp in the same place.

    `assumed` is what stamps left out and was filled in.
    """

    def __init__(self, clock: stamps.Clock, cuts: Mapping[bytes, Cut | None]) -> None:
        self.assumed: set[str] = set()
        self._cuts = cuts
        self._read = _Read(clock, self.assumed)

    def of(self, keys: Sequence[bytes], lines: Sequence[bytes]) -> list[int]:
        """The unix second of each of these lines, -1 where it cannot be read."""
        read, cuts = self._read, self._cuts
        one, *others = set(cuts.values()) or {None}
        if one is not None and not others:
            start, end, rest = one.start, one.end, one.rest
            return [read[line[start:end] + rest] for line in lines]
        return [
            self._searched(line) if (cut := cuts[key]) is None else read[line[cut.start : cut.end] + cut.rest]
            for key, line in zip(keys, lines, strict=True)
        ]

    def _searched(self, line: bytes) -> int:
        match = _ANYWHERE.search(line)
        return NEVER if match is None else self._read[_to_the_second(match[0])]


def _to_the_second(stamp: bytes) -> bytes:
    match = _SPLIT.fullmatch(stamp)
    return stamp if match is None else match[1] + match[3]


def cut_for(line: bytes, parsed: Parsed) -> Cut | None:
    """Where lines of this one's key have their stamp; None where that differs from line to line."""
    stamp = str(parsed.stamp).encode(errors="replace")
    start = line.find(stamp)
    if start < 0 or _DIGIT.search(line[:start]) or _SLASHED.match(stamp):
        return None
    match = _SPLIT.fullmatch(stamp)
    if match is None:
        return Cut(start, start + len(stamp), b"")
    if not match[2]:
        return Cut(start, start + len(stamp), b"")
    if _DIGIT.search(
        match[3]
    ):  # an offset behind a fraction of any length: another line may have another one
        return None
    return Cut(start, start + len(match[1]), match[3])
