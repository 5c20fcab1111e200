"""Envelopes that container runtimes put around each line a program writes: Docker's json-file, and CRI's."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from steadyhand.journey.evidence.patterns.formats import stamps
from steadyhand.journey.evidence.patterns.formats.parsed import LONGEST_MESSAGE, Parsed, severity_in

_DOCKER = {"log", "stream", "time", "attrs"}
_CRI = re.compile(
    rf"(?P<stamp>{stamps.ISO}) (?P<stream>stdout|stderr) (?P<tag>[FP])(?::\S*)? ?(?P<text>.*)", re.DOTALL
)
_PARTED = re.compile(rf"{stamps.ISO} (?:stdout|stderr) P")
_LEAST_PART = 4_096  # characters: Docker parts a line after 16,384 bytes
_MOST_PIECES = 64
_CONTINUES = re.compile(r"[ \t]|Caused by: |Traceback \(most recent|\.\.\. \d+ more|[}\])]")
Inner = Callable[[str], Parsed | None]


@dataclass(frozen=True, slots=True)
class Piece:
    """A line in an envelope; `goes_on` where its stream's next line has the rest of it."""

    stamp: str
    stream: str
    text: str
    goes_on: bool


def piece_of(line: str) -> Piece | None:
    """The line of a program that this one is, or is a part of; None where it is in no envelope."""
    if match := _CRI.match(line):
        return Piece(match["stamp"], match["stream"], match["text"], match["tag"] == "P")
    if not line.startswith('{"log":'):
        return None
    try:
        decoded = json.loads(line)
    except (ValueError, RecursionError):
        return None
    text, stream, stamp = (decoded.get(name) for name in ("log", "stream", "time"))
    if not (isinstance(text, str) and isinstance(stream, str) and isinstance(stamp, str)):
        return None
    return Piece(stamp, stream, text, len(text) >= _LEAST_PART and not text.endswith("\n"))


def joined(lines: Sequence[str]) -> str:
    """The pieces of one line in one envelope."""
    pieces = [piece for line in lines if (piece := piece_of(line)) is not None]
    text = "".join([one.text for one in pieces]).rstrip("\r\n")
    return f"{pieces[0].stamp} {pieces[0].stream} F {text}"


def may_be_parted(block: bytes) -> bool:
    """Whether it is worth a look at each line of a block; in a few calls."""
    docker = block.startswith(b'{"log":')
    return (
        b" stdout P" in block
        or b" stderr P" in block
        or (docker and block.count(b'","stream":') > block.count(b'\\n","stream":'))
    )


def whole(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Numbered lines, those that a runtime parted put together under the number of their first piece."""
    begun: dict[str, tuple[int, list[str]]] = {}
    for number, line in lines:
        piece = piece_of(line) if begun or _goes_on(line) else None
        if piece is None or not (piece.goes_on or piece.stream in begun):
            yield number, line
            continue
        first, pieces = begun.setdefault(piece.stream, (number, []))
        pieces.append(line)
        if not piece.goes_on or len(pieces) == _MOST_PIECES:
            yield first, joined(pieces)
            del begun[piece.stream]
    yield from ((first, joined(pieces)) for first, pieces in begun.values())


def _goes_on(line: str) -> bool:
    if line.startswith("{"):
        return len(line) > _LEAST_PART
    return _PARTED.match(line) is not None


def docker_text(decoded: Mapping[str, object]) -> str | None:
    """The line in Docker's envelope; None when this is another JSON object."""
    text = decoded.get("log")
    return text.rstrip("\r\n") if isinstance(text, str) and decoded.keys() <= _DOCKER else None


def cri_line(line: str, inner: Inner) -> Parsed | None:
    """A line in the envelope of containerd and CRI-O."""
    match = _CRI.match(line)
    return (
        None if match is None else opened(match["stamp"], match["text"], {"stream": match["stream"]}, inner)
    )


def opened(stamp: str | float, text: str, fields: Mapping[str, str], inner: Inner) -> Parsed:
    """The record of a line in an envelope. The runtime's stamp counts: it names its zone, and is in order."""
    if _CONTINUES.match(text):
        return Parsed(stamp, text[:LONGEST_MESSAGE], fields=dict(fields), continues=True)
    found = inner(text)
    if found is None:
        return Parsed(stamp, text[:LONGEST_MESSAGE], severity_in(text), dict(fields))
    return replace(found, stamp=stamp, fields={**found.fields, **fields})
