"""Tallies parts of log files; alone in a process of its own where there is much to read.

A thread would hold the interpreter the service's timers run in. The parts come in, and their tallies go
out, as pickles over the pipes of a process we started ourselves.
"""

import gc
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from steadyhand.journey.evidence.patterns.block import Block, tally_block
from steadyhand.journey.evidence.patterns.formats.reader import Reader
from steadyhand.journey.evidence.patterns.formats.stamps import Clock
from steadyhand.journey.evidence.patterns.masks import WordMasks
from steadyhand.journey.evidence.patterns.tally import Tallies

_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of one file, whole records, and how and for when they are read; `shown` names it for people."""

    number: int
    path: str
    shown: str
    inode: tuple[int, int]
    start: int
    end: int
    service: str
    reader: Reader
    clock: Clock
    window: tuple[float, float]
    most: int


def tally_parts(parts: Sequence[Part], seconds: float) -> dict[int, Tallies]:
    """The tallies by part number. Begins no further part once `seconds` have passed."""
    stop_at = time.monotonic() + seconds
    masks = WordMasks()
    out: dict[int, Tallies] = {}
    for part in parts:
        if out and time.monotonic() >= stop_at:
            break
        raw = _bytes(part)
        if raw is not None:
            block = Block(raw, part.start, part.shown, part.service, part.reader, part.clock, *part.window)
            out[part.number] = tally_block(block, masks, part.most)
    return out


def _bytes(part: Part) -> bytes | None:
    """What is to be read, without a last line that is still being written; None once the file is another."""
    try:
        with open(part.path, "rb") as file:  # noqa: PTH123 - the fast way to bytes
            about = os.fstat(file.fileno())
            file.seek(part.start)
            raw = file.read(part.end - part.start)
    except OSError:
        return None  # a part without a tally is told as not read
    if (about.st_dev, about.st_ino) != part.inode:
        return None
    whole = raw.rfind(b"\n") + 1
    return raw if whole == len(raw) or raw[whole:].endswith(b"}") else raw[:whole]


def tally_apart(parts: Sequence[Part], seconds: float, workers: int) -> dict[int, Tallies]:
    """The same in `workers` processes, the parts dealt out in turn. A process that fails gives none."""
    hands = [
        subprocess.Popen(
            [sys.executable, "-m", "steadyhand.adapters.logs.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(workers)
    ]
    try:
        for at, hand in enumerate(hands):
            assert hand.stdin is not None
            pickle.dump((parts[at::workers], seconds), hand.stdin)
            hand.stdin.close()
            hand.stdin = None
        out: dict[int, Tallies] = {}
        for hand in hands:
            out.update(_answer(hand, seconds + _GRACE_S))
        return out
    finally:
        for hand in hands:
            hand.kill()
            hand.wait()


def _answer(hand: "subprocess.Popen[bytes]", seconds: float) -> dict[int, Tallies]:
    try:
        told, _ = hand.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return {}
    found: dict[int, Tallies] = pickle.loads(told) if hand.returncode == 0 else {}  # noqa: S301 - our child's
    return found


def _main() -> None:
    gc.disable()  # a short life, in which nothing refers to itself
    parts, seconds = pickle.load(sys.stdin.buffer)  # noqa: S301 - our parent's
    pickle.dump(tally_parts(parts, seconds), sys.stdout.buffer)


if __name__ == "__main__":
    _main()
