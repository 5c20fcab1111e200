"""Mine a file of bare messages with the engine, alone in its process; prints seconds and peak memory.

    python bench/log_miner.py FILE [WORKERS] [GROUPS]

Reads blocks, numbers their lines in WORKERS processes, merges the templates of all blocks. GROUPS is
where the number of each line's group is written (32-bit integers).
"""

import gc
import json
import multiprocessing
import resource
import sys
import time
from array import array
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from steadyhand.journey.evidence.patterns.masks import WordMasks
from steadyhand.journey.evidence.patterns.mine import numbered, templates_of
from steadyhand.journey.evidence.patterns.template import Template

_BLOCK = 6 << 20
_MASKS = WordMasks()


def cuts(path: Path) -> list[tuple[Path, int, int]]:
    """The file in equal blocks of whole lines."""
    size, places = path.stat().st_size, [0]
    count = max(1, round(size / _BLOCK))
    with path.open("rb") as file:
        for number in range(1, count):
            file.seek(max(places[-1], number * size // count))
            file.readline()
            places.append(file.tell())
    return [(path, one, after) for one, after in zip(places, [*places[1:], size], strict=True) if one < after]


def mine_block(cut: tuple[Path, int, int]) -> tuple[tuple[Template, ...], "array[int]"]:
    """One block's templates, and the number of each of its lines."""
    path, start, end = cut
    with path.open("rb") as file:
        file.seek(start)
        return numbered(file.read(end - start), _MASKS)


def mine(path: Path, workers: int) -> Iterator["array[int]"]:
    """The group of every line, block by block."""
    if workers == 1:
        blocks = [mine_block(one) for one in cuts(path)]
    else:
        with multiprocessing.get_context("fork").Pool(workers, gc.disable) as pool:
            blocks = pool.map(mine_block, cuts(path), chunksize=1)
    home = templates_of(sorted({one for templates, _ in blocks for one in templates}))
    group: dict[Template, int] = {}
    for templates, lines in blocks:
        yield _grouped([group.setdefault(home[one], len(group)) for one in templates], lines)


def _grouped(number: list[int], lines: "array[int]") -> "array[int]":
    """The group of each line, by the number of its template; in one call where a byte holds both."""
    if lines.typecode == "B" and max(number, default=0) < 256:
        return array("B", lines.tobytes().translate(bytes(number).ljust(256)))
    return array("i", map(number.__getitem__, lines))


def main() -> None:
    """Mine one file and tell."""
    path, workers = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2
    began, begun_cpu = time.perf_counter(), time.process_time()
    blocks = list(mine(path, workers))
    seconds = time.perf_counter() - began
    own, child = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(one.ru_utime + one.ru_stime for one in (own, child)) - begun_cpu
    peak = (own.ru_maxrss + (child.ru_maxrss * workers if workers > 1 else 0)) / 1024
    groups = array("i", chain.from_iterable(blocks))
    if len(sys.argv) > 3:
        Path(sys.argv[3]).write_bytes(groups.tobytes())
    told = {
        "lines": len(groups),
        "seconds": seconds,
        "cpu": cpu,
        "peak_mb": round(peak),
        "groups": len(set(groups)),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
