"""Labelled log messages, and a million lines grown from them. The path of the data is always given."""

import csv
import random
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_POOL = 1 << 20
_DIGITS = re.compile(rb"\d+")
_RUNS = re.compile(rb"\d+|[a-z]+|[A-Z]+")
_HEX = re.compile(rb"(?:0x)?(?=[^0-9]*[0-9])(?=[^a-fA-F]*[a-fA-F])[0-9a-fA-F]+(?:[:-][0-9a-fA-F]+)*")
_HEX_RUNS = re.compile(rb"[0-9a-f]+|[0-9A-F]+")


@dataclass(frozen=True, slots=True)
class Labelled:
    """Messages of one system and the true template of each."""

    name: str
    lines: Sequence[str]
    truth: Sequence[str]


def systems(folder: Path) -> list[str]:
    """The systems there is labelled data of."""
    return sorted(one.name.removesuffix(".templates.csv") for one in folder.glob("*.templates.csv"))


def load(folder: Path, name: str) -> Labelled:
    """One system's messages. Truth is the template's text: two ids may share one."""
    templates = {row["event_id"]: row["event_template"] for row in _rows(folder / f"{name}.templates.csv")}
    rows = list(_rows(folder / f"{name}.csv"))
    lines = [row["content"].replace("\n", " ") for row in rows]
    return Labelled(name, lines, [templates[row["event_id"]] for row in rows])


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def scores(found: Sequence[Hashable], truth: Sequence[Hashable]) -> tuple[float, float, int, int]:
    """Grouping accuracy GA, FGA, and how many groups were found and are true.

    A found group is right when its messages are exactly those of one true group. GA = messages in
    right groups / all; FGA = 2 right groups / (found + true groups).
    """
    predicted, true = _groups(found), _groups(truth)
    right = [one for one in predicted if one in true]
    ga = sum(len(one) for one in right) / len(found)
    return ga, 2 * len(right) / (len(predicted) + len(true)), len(predicted), len(true)


def _groups(labels: Sequence[Hashable]) -> set[tuple[int, ...]]:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for at, label in enumerate(labels):
        groups[label].append(at)
    return {tuple(one) for one in groups.values()}


class _Redraw:
    """Random characters of the same class and length, from pools that are drawn once."""

    def __init__(self, seed: int) -> None:
        luck = random.Random(seed)  # noqa: S311 - made-up values
        self._pools = {
            kind: luck.randbytes(_POOL).translate(bytes(letters[at % len(letters)] for at in range(256)))
            for kind, letters in {
                "digit": b"0123456789",
                "lower": b"abcdefghijklmnopqrstuvwxyz",
                "upper": b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                "hex": b"0123456789abcdef",
            }.items()
        }
        self._at = 0

    def _draw(self, kind: str, size: int) -> bytes:
        self._at = (self._at + size + 7) % (_POOL // 2)
        return self._pools[kind][self._at : self._at + size]

    def run(self, match: re.Match[bytes]) -> bytes:
        """Another run of digits, of small or of large letters."""
        first = match[0][:1]
        kind = "digit" if first.isdigit() else "lower" if first.islower() else "upper"
        return self._draw(kind, len(match[0]))

    def hex_run(self, match: re.Match[bytes]) -> bytes:
        """Another run of hexadecimal digits."""
        drawn = self._draw("hex", len(match[0]))
        return drawn.upper() if match[0].isupper() else drawn

    def value(self, value: bytes) -> bytes:
        """Another value that looks like this one: hexadecimal stays so, all else letter by letter."""
        if _HEX.fullmatch(value):
            head = b"0x" if value.startswith(b"0x") else b""
            return head + _HEX_RUNS.sub(self.hex_run, value[len(head) :])
        return _RUNS.sub(self.run, value)


def grow_digits(data: Labelled, path: Path, count: int) -> None:
    """At least `count` lines, the system's over and over with every digit drawn anew."""
    redraw = _Redraw(1)
    block = "".join(f"{one}\n" for one in data.lines).encode()
    _write(path, lambda: _DIGITS.sub(redraw.run, block), count, len(data.lines))


def grow_values(data: Labelled, path: Path, count: int) -> None:
    """The same with every parameter drawn anew, letters and hexadecimal digits too."""
    redraw = _Redraw(2)
    parts: list[bytes] = []  # constant, value, constant, value, ..
    for line, template in zip(data.lines, data.truth, strict=True):
        constant, *rest = _parts(line, template)
        if parts:
            constant = parts.pop() + constant
        parts.extend([constant, *rest[:-1], rest[-1] + b"\n"] if rest else [constant + b"\n"])
    _write(
        path,
        lambda: b"".join(redraw.value(one) if at % 2 else one for at, one in enumerate(parts)),
        count,
        len(data.lines),
    )


def _parts(line: str, template: str) -> list[bytes]:
    """Constants and values of a line in turn, as its true template has them."""
    match = re.fullmatch("(.*?)".join(map(re.escape, template.split("<*>"))), line, re.DOTALL)
    if match is None:
        return [line.encode()]
    out, at = [], 0
    for start, end in (match.span(group) for group in range(1, match.re.groups + 1)):
        out += [line[at:start], line[start:end]]
        at = end
    return [one.encode() for one in (*out, line[at:])]


def _write(path: Path, block: Callable[[], bytes], count: int, size: int) -> None:
    with path.open("wb") as file:
        for _ in range(-(-count // size)):
            file.write(block())


def grow_random_words(path: Path, count: int) -> None:
    """Lines in which every word is another one each time: nothing can be grouped."""
    luck = random.Random(3)  # noqa: S311 - made-up words
    pool = luck.randbytes(_POOL).translate(bytes(97 + at % 26 for at in range(256))).decode()
    with path.open("w") as file:
        for _ in range(count):
            starts = [luck.randrange(_POOL - 12) for _ in range(7)]
            file.write(" ".join([pool[at : at + 5 + at % 7] for at in starts]) + "\n")


def grow_ids(path: Path, count: int) -> None:
    """Lines of a few messages that are full of UUIDs and hashes."""
    luck = random.Random(4)  # noqa: S311 - made-up ids
    kinds = (
        "span {0} of trace {1} closed by {2}",
        "object {0} moved to shard {1}",
        "lease {0} renewed: {1} {2}",
    )
    with path.open("w") as file:
        for at in range(count):
            hexes = f"{luck.getrandbits(512):0128x}"
            uuid = f"{hexes[:8]}-{hexes[8:12]}-{hexes[12:16]}-{hexes[16:20]}-{hexes[20:32]}"
            file.write(kinds[at % 3].format(uuid, hexes[32:64], hexes[64:104]) + "\n")
