"""Does the digest of a million lines hold the root cause? Ten classes of causes, and quiet windows.

    python bench/digest.py [--lines 1000000] [--incidents 20] [--quiet 40] [--onsets 40]

All logs are made up and seeded (bench/log_incidents.py). The quiet lines are tallied once per background;
an incident's lines stand in a file of their own of the same service. A cause is found when its template,
its value and its onset within two seconds are in the digest; of a ramp, or of a value whose share grows, the
onset may be off by as much as the digest itself says, and two seconds. Then the onsets of generated
series, by shape and step.
"""

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from log_incidents import CLASSES, Background, Cause, written
from onset_series import onset_errors

from steadyhand.journey.evidence.log_digest import MAX_TOKENS, NOTHING, log_digest
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.model import Window
from steadyhand.journey.evidence.patterns.block import Block, tally_block
from steadyhand.journey.evidence.patterns.compare import compare
from steadyhand.journey.evidence.patterns.formats.reader import Reader
from steadyhand.journey.evidence.patterns.formats.stamps import Clock
from steadyhand.journey.evidence.patterns.masks import WordMasks
from steadyhand.journey.evidence.patterns.tally import Tallies, total

START = datetime(2026, 1, 31, 2, tzinfo=UTC)
SECONDS, CALM, MOST = 900.0, 360.0, 5_000
WINDOW = Window(start=START, end=START + timedelta(seconds=SECONDS))
BASELINE = Window(start=START, end=START + timedelta(seconds=CALM))
GRADUAL = ("slow ramp", "value only")
_BLOCK = 80_000
_EXACT_S = 2.0


def tallied(lines: Iterable[tuple[float, str, str]], path: str) -> list[Tallies]:
    """The tallies of these lines, in blocks as a file gives them."""
    masks, out, part = WordMasks(), [], []
    for one in lines:
        part.append(one)
        if len(part) == _BLOCK:
            out.append(_block(part, path, masks))
            part = []
    return [*out, _block(part, path, masks)] if part else out


def _block(lines: Sequence[tuple[float, str, str]], path: str, masks: WordMasks) -> Tallies:
    span = WINDOW.start.timestamp(), WINDOW.end.timestamp()
    block = Block(written(lines, START).encode(), 0, path, "shop", Reader(), Clock(UTC, WINDOW.end), *span)
    return tally_block(block, masks, MOST)


def digest(parts: Sequence[Tallies]) -> dict[str, object]:
    """What the engine says of these lines."""
    patterns = compare(total(parts, MOST), WINDOW, BASELINE)
    text = log_digest(patterns, WINDOW, BASELINE, masker=Masker())
    found: dict[str, object] = json.loads(text)
    return found | {"tokens": len(text) / 3}


def found_in(told: dict[str, object], cause: Cause) -> bool:
    """Whether the digest holds the cause, with its value and its moment."""
    entries = [*told["changed"], *told.get("also_new", [])]  # type: ignore[misc]
    for one in entries:
        text = " ".join(str(one.get(name, "")) for name in ("exemplar", "skew", "codes"))
        if cause.tells in text and cause.value in text and _dated(one, cause):
            return True
    return False


def _dated(entry: dict[str, object], cause: Cause) -> bool:
    at = datetime.combine(START.date(), datetime.strptime(str(entry["onset"]), "%H:%M:%S").time(), UTC)  # noqa: DTZ007
    late = (at - START).total_seconds() - cause.onset
    allowed = _EXACT_S + (float(str(entry.get("onset_s", 0))) if cause.name in GRADUAL else 0.0)
    return abs(late) <= allowed + 0.5  # told to the second


def recall(lines: int, incidents: int) -> None:
    """Share of the causes of each class that the digest holds."""
    luck = random.Random(11)  # noqa: S311 - made-up incidents
    hits: dict[str, list[bool]] = defaultdict(list)
    tokens, seconds = [], []
    for seed in range(2):
        quiet = tallied(Background(seed).lines(lines, SECONDS), "quiet.log")
        for name, make in CLASSES.items():
            for _ in range(incidents // 2):
                cause = make(luck, luck.uniform(420, 800), SECONDS - 1)
                began = time.perf_counter()
                told = digest([*copied(quiet), *tallied(cause.lines, "incident.log")])
                seconds.append(time.perf_counter() - began)
                tokens.append(float(str(told["tokens"])))
                hits[name].append(found_in(told, cause))
    print(f"| class | found in the digest, n = {incidents} |\n|---|---|")
    for name, found in hits.items():
        print(f"| {name} | {sum(found) / len(found):.2f} |")
    print(
        f"longest digest {max(tokens):.0f} of {MAX_TOKENS} tokens; {max(seconds):.1f} s at most once tallied"
    )


def copied(parts: Sequence[Tallies]) -> list[Tallies]:
    """Tallies are added up in place; the quiet ones are used again."""
    return [
        Tallies({kind: tally.copy() for kind, tally in one.kinds.items()}, one.lines, one.unclustered)
        for one in parts
    ]


def quiet(windows: int, lines: int) -> None:
    """Share of quiet windows of which the digest says that nothing changed."""
    calm = [
        digest(tallied(Background(100 + seed).lines(lines, SECONDS), "quiet.log"))["verdict"] == NOTHING
        for seed in range(windows)
    ]
    print(f"\nquiet windows of {lines:,} lines: {sum(calm)} of {windows} say '{NOTHING}'")


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--incidents", type=int, default=20)
    parser.add_argument("--quiet", type=int, default=40)
    parser.add_argument("--onsets", type=int, default=40)
    given = parser.parse_args()
    if given.incidents:
        recall(given.lines, given.incidents)
    if given.quiet:
        quiet(given.quiet, 50_000)
    if given.onsets:
        onset_errors(given.onsets)


if __name__ == "__main__":
    main()
