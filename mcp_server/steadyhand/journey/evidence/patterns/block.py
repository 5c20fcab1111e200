"""One block of a log file becomes tallies: the path every raw line takes, so it makes few calls a line."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, compress

from steadyhand.journey.evidence.patterns.codes import codes_of, may_hold_code, raw_code
from steadyhand.journey.evidence.patterns.fold import summary, text_of
from steadyhand.journey.evidence.patterns.formats.envelope import may_be_parted, whole
from steadyhand.journey.evidence.patterns.formats.parsed import LONGEST_MESSAGE, Parsed
from steadyhand.journey.evidence.patterns.formats.reader import Reader
from steadyhand.journey.evidence.patterns.formats.stamps import NO_TIME, Clock, assumption, moment
from steadyhand.journey.evidence.patterns.keys import keyed
from steadyhand.journey.evidence.patterns.masks import WordMasks
from steadyhand.journey.evidence.patterns.mine import rows_of
from steadyhand.journey.evidence.patterns.seconds import NEVER, Cut, SecondsOf, cut_for
from steadyhand.journey.evidence.patterns.tally import Example, Kind, Tallies, Tally, picked

_MOST_FOLLOWING = 60
_MOST_SAMPLES = 4_000
_SAMPLES_OF_KIND = 400
_FEWEST_SAMPLES = 2


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one file: their bytes, where they begin in it, and how and for when they are read.

    `starts` are where the lines begin in the block, unless each begins where the one before ends.
    """

    raw: bytes
    offset: int
    path: str
    service: str
    reader: Reader
    clock: Clock
    start: float
    end: float
    starts: Sequence[int] = ()


@dataclass(slots=True)
class _Records:
    """The records of a block: the key of each, the line it begins on, and one parsed of each key."""

    lines: Sequence[bytes]
    keys: Sequence[bytes]
    heads: Sequence[int]
    parsed: Mapping[bytes, Parsed]


def tally_block(block: Block, masks: WordMasks, most: int) -> Tallies:
    """The tallies of the records that begin in this block and lie in its window."""
    if may_be_parted(block.raw):
        block = _rejoined(block)
    records, read = _records(block)
    seconds = read.of(records.keys, [records.lines[head] for head in records.heads])
    if NEVER in seconds:
        seconds = _filled(seconds)
        read.assumed.add(NO_TIME)
    inside = [int(block.start) <= one < block.end for one in seconds]
    if not all(inside):
        keys, heads = list(compress(records.keys, inside)), list(compress(records.heads, inside))
        records, seconds = replace(records, keys=keys, heads=heads), list(compress(seconds, inside))
    told = {assumption(one, block.service, block.clock) for one in read.assumed if one}
    out = Tallies(assumptions=told)
    numbers, kinds = _kinds(records, block, masks)
    for number, tally in _tallied(records, numbers, seconds, block).items():
        out.add(kinds[number], tally, most)
    return out


def _rejoined(block: Block) -> Block:
    """The block with one line for each that a container's runtime parted."""
    lines = block.raw.split(b"\n")
    starts = _starts(lines)
    numbered = sorted(whole(enumerate(map(_text, lines))))
    raw = "\n".join([text for _, text in numbered]).encode(errors="replace")
    return replace(block, raw=raw, starts=[starts[number] for number, _ in numbered])


def _starts(lines: Sequence[bytes]) -> list[int]:
    return [0, *accumulate(len(one) + 1 for one in lines)]


def _filled(seconds: Sequence[int]) -> list[int]:
    """The seconds, with that of the record before where one cannot be read."""
    return list(accumulate(seconds, _or_before))


def _or_before(before: int, one: int) -> int:
    return before if one == NEVER else one


def _records(block: Block) -> tuple[_Records, SecondsOf]:
    found = keyed(block.raw)
    lines = block.raw.split(b"\n")
    shown = dict(zip(found.keys, found.shown(lines), strict=True))
    parsed: dict[bytes, Parsed] = {}
    for key, line in shown.items():
        record = block.reader.parse(_text(line))
        if record is not None:
            parsed[key] = record
    cuts = {key: cut_for(shown[key], one) for key, one in parsed.items()}
    keys = list(found.each(found.keys))
    if len(parsed) == len(shown):
        return _Records(lines, keys, range(len(keys)), parsed), SecondsOf(block.clock, cuts)
    records = _folded(lines, keys, parsed, cuts, block.reader)
    return records, SecondsOf(block.clock, cuts)


def _folded(
    lines: Sequence[bytes],
    keys: Sequence[bytes],
    parsed: dict[bytes, Parsed],
    cuts: dict[bytes, Cut | None],
    reader: Reader,
) -> _Records:
    """Lines that begin no record belong to the one before; what follows makes it another key."""
    heads: list[int] = []
    following: dict[int, list[int]] = defaultdict(list)
    for at, key in enumerate(keys):
        if key in parsed:
            heads.append(at)
        elif heads:
            following[len(heads) - 1].append(at)
    own = [keys[at] for at in heads]
    for number, more in following.items():
        key = b"\n".join([own[number], *(keys[at] for at in more[:_MOST_FOLLOWING])])
        if key not in parsed:
            text = [reader.text(_text(lines[at])) for at in more[:_MOST_FOLLOWING]]
            parsed[key] = _with(parsed[own[number]], text)
            cuts[key] = cuts[own[number]]
        own[number] = key
    return _Records(lines, own, heads, parsed)


def _with(head: Parsed, following: Sequence[str]) -> Parsed:
    return replace(head, message=f"{head.message} {summary(following)}"[:LONGEST_MESSAGE])


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode(errors="replace")


def _kinds(records: _Records, block: Block, masks: WordMasks) -> tuple[list[int], list[Kind]]:
    """The number of each record's kind, and the kinds by number."""
    texts = {key: text_of(one.message, one.fields) for key, one in records.parsed.items()}
    rows = rows_of(texts, masks)
    hints = [" ".join(one) for one in rows.templates]
    coded = {key for key, one in records.parsed.items() if may_hold_code(hints[rows.of_key[key]], one.fields)}
    number: dict[Kind, int] = {}

    def kind(key: bytes, severity: str, codes: str) -> int:
        one = Kind(block.service, severity, codes, rows.templates[rows.of_key[key]])
        return number.setdefault(one, len(number))

    known = {
        (key, b""): kind(key, one.severity, "") for key, one in records.parsed.items() if key not in coded
    }

    def told(key: bytes, head: int) -> int:
        line = records.lines[head]
        found = known.get((key, code := raw_code(line)))
        if found is None:
            record = block.reader.parse(_text(line)) or records.parsed[key]
            found = known[key, code] = kind(key, record.severity, codes_of(record.message, record.fields))
        return found

    numbers = [
        told(key, head) if key in coded else known[key, b""]
        for key, head in zip(records.keys, records.heads, strict=True)
    ]
    return numbers, list(number)


def _tallied(
    records: _Records, numbers: Sequence[int], seconds: Sequence[int], block: Block
) -> Mapping[int, Tally]:
    counts = Counter(zip(numbers, seconds, strict=True))
    by_kind: dict[int, Counter[int]] = defaultdict(Counter)
    for (number, second), count in counts.items():
        by_kind[number][second] = count
    places: dict[int, list[int]] = defaultdict(list)
    for place, number in enumerate(numbers):
        places[number].append(place)
    room = max(_FEWEST_SAMPLES, min(_SAMPLES_OF_KIND, _MOST_SAMPLES // max(1, len(by_kind))))
    starts = _Starts(records, block)
    out = {}
    for number, cells in by_kind.items():
        own = places[number]
        some = [own[at] for at in picked(len(own), room)]
        samples = [starts.example(place, seconds[place]) for place in some]
        out[number] = Tally(min(samples, key=_when), float(max(cells)), cells, samples)
    return out


def _when(example: Example) -> float:
    return example.at


class _Starts:
    """Examples of records, with the place each can be opened again."""

    def __init__(self, records: _Records, block: Block) -> None:
        self._records = records
        self._block = block
        self._offsets = block.starts

    def example(self, index: int, second: int) -> Example:
        """The record of this number; `second` is when, if its stamp says no better."""
        records, block = self._records, self._block
        line = records.lines[records.heads[index]]
        parsed, key = block.reader.parse(_text(line)), records.keys[index]
        known = parsed or records.parsed[key]
        found = moment(known.stamp, block.clock)
        message = records.parsed[key].message if b"\n" in key else known.message
        return Example(
            at=float(second) if found is None else found.at.timestamp(),
            text=text_of(message, known.fields),
            fields=known.fields,
            ref=f"{block.path}:{block.offset + self._offset(records.heads[index])}",
        )

    def _offset(self, line: int) -> int:
        """Where this line begins in the block."""
        self._offsets = self._offsets or _starts(self._records.lines)
        return self._offsets[line]
