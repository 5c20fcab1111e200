"""The log engine beside Drain3 with masks: grouping, and speed on a million lines.

    python bench/logs.py DATA [--only grouping|digits|values|hostile] [--lines 1000000]

DATA holds <system>.csv (content,event_id) and <system>.templates.csv (event_id,event_template).
Both sides run in one go, A B A B, the best of two counts. The ratio is of lines per second of processor time,
summed over both of our processes: a clock tells little on a shared machine. Needs requirements/bench.txt.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from log_data import Labelled, grow_digits, grow_ids, grow_random_words, grow_values, load, scores, systems

from steadyhand.journey.evidence.patterns.masks import WordMasks
from steadyhand.journey.evidence.patterns.mine import numbered, templates_of

try:
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig
except ImportError:
    sys.exit("Drain3 is not installed: python -m pip install -r requirements/bench.txt")

# Every other system by name: masks and merge rules were written looking at the errors of the first half only.
FIRST_HALF = ("Android", "BGL", "HDFS", "Linux", "Linux_full", "Proxifier", "Proxifier_full", "Windows")
DIGIT_FILES = ("HDFS", "OpenSSH", "BGL", "Zookeeper")
VALUE_FILES = ("HDFS", "OpenSSH", "BGL", "Zookeeper", "Hadoop", "Android")
_DRAIN_LINES = 20_000
_EDGE_BEFORE, _EDGE_AFTER = r"((?<=[^A-Za-z0-9])|^)", r"((?=[^A-Za-z0-9])|$)"
_MASKS = (  # those of its example configuration, but for the one that names a product's command
    (r"(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))", "ID"),
    (r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})", "IP"),
    (r"([0-9a-f]{6,} ?){3,}", "SEQ"),
    (r"([0-9A-F]{4} ?){4,}", "SEQ"),
    (r"(0x[a-f0-9A-F]+)", "HEX"),
    (r"([\-\+]?\d+)", "NUM"),
)


def drain3(lines: Sequence[str]) -> list[int]:
    """The group of each line by Drain3: similarity 0.4, depth 4, its example masks."""
    config = TemplateMinerConfig()
    config.drain_sim_th, config.drain_depth = 0.4, 4
    config.masking_instructions = [
        MaskingInstruction(_EDGE_BEFORE + pattern + _EDGE_AFTER, name) for pattern, name in _MASKS
    ]
    miner = TemplateMiner(config=config)
    return [miner.add_log_message(line)["cluster_id"] for line in lines]


def ours(lines: Sequence[str]) -> list[object]:
    """The group of each line by the engine."""
    templates, numbers = numbered("\n".join(lines).encode(), WordMasks())
    home = templates_of(templates)
    return [home[templates[one]] for one in numbers]


def grouping(folder: Path) -> None:
    """Accuracy of both, per system and averaged over both halves."""
    print("| system | half | GA ours | Drain3 | FGA ours | Drain3 | groups ours / Drain3 / true |")
    print("|---|---|---|---|---|---|---|")
    table: dict[str, list[tuple[float, ...]]] = {"first": [], "second": []}
    for name in systems(folder):
        data = load(folder, name)
        a, b = scores(ours(data.lines), data.truth), scores(drain3(data.lines), data.truth)
        half = "first" if name in FIRST_HALF else "second"
        if not name.endswith("_full"):
            table[half].append((a[0], b[0], a[1], b[1]))
        print(
            f"| {name} | {half} | {a[0]:.3f} | {b[0]:.3f} | {a[1]:.3f} | {b[1]:.3f}"
            f" | {a[2]} / {b[2]} / {a[3]} |"
        )
    for half, rows in (*table.items(), ("both", table["first"] + table["second"])):
        ga, ga3, fga, fga3 = (fmean(column) for column in zip(*rows, strict=True))
        print(f"| mean of 2k sets | {half} | {ga:.3f} | {ga3:.3f} | {fga:.3f} | {fga3:.3f} | |")


def speed(folder: Path, count: int, only: str | None) -> None:
    """Lines per second of both on grown files, and how the grouping holds up there."""
    print(
        f"| file of {count:,} lines | s by the clock | s of processors | per processor, of Drain3's", end=""
    )
    print(" | by the clock | of `wc -l` | peak MB | FGA (small) | GA | groups |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    ratios: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for kind, name, grow, data in _files(folder):
            if only not in {None, kind}:
                continue
            path = Path(scratch) / "lines"
            grow(path, count)
            ratio = _measure(f"{kind}: {name}", path, data)
            ratios.setdefault(kind, []).append(ratio)
    for kind, found in ratios.items():
        print(f"{kind}: lowest {min(found):.0f}x, median {median(found):.0f}x of Drain3, n = {len(found)}")


def _files(folder: Path) -> list[tuple[str, str, Callable[[Path, int], None], Labelled | None]]:
    known = {name: load(folder, name) for name in {*DIGIT_FILES, *VALUE_FILES}}

    def grown(how: Callable[[Labelled, Path, int], None], name: str) -> Callable[[Path, int], None]:
        return lambda path, count: how(known[name], path, count)

    return [
        *(("digits", name, grown(grow_digits, name), known[name]) for name in DIGIT_FILES),
        *(("values", name, grown(grow_values, name), known[name]) for name in VALUE_FILES),
        ("values", "ids everywhere", grow_ids, None),
        ("hostile", "no word twice", grow_random_words, None),
    ]


def _measure(name: str, path: Path, data: Labelled | None) -> float:
    with path.open(encoding="utf-8") as file:
        lines = [line.rstrip("\n") for _, line in zip(range(_DRAIN_LINES), file, strict=False)]
    groups = path.with_suffix(".groups")
    runs, drains, counts = [], [], []
    for _ in range(2):
        runs.append(_mined(path, groups))
        drains.append(_timed(lambda: drain3(lines)))
        counts.append(_timed(lambda: _run("wc", "-l", str(path))))
    cpu, clock = min(one["cpu"] for one in runs), min(one["seconds"] for one in runs)
    best, share = runs[0], runs[0]["lines"] / len(lines)
    ratio = min(one.cpu for one in drains) * share / cpu
    by_clock = min(one.clock for one in drains) * share / clock
    accuracy = "| | |"
    if data is not None:
        found = array("i")
        found.frombytes(groups.read_bytes())
        ga, fga, _, _ = scores(found, list(data.truth) * (len(found) // len(data.truth)))
        accuracy = f"| {fga:.3f} ({scores(ours(data.lines), data.truth)[1]:.3f}) | {ga:.3f} |"
    print(
        f"| {name} | {clock:.2f} | {cpu:.2f} | {ratio:.0f}x | {by_clock:.0f}x"
        f" | {clock / min(one.clock for one in counts):.0f}x"
        f" | {best['peak_mb']} {accuracy} {best['groups']} |",
        flush=True,
    )
    return ratio


def _mined(path: Path, groups: Path) -> dict[str, float]:
    miner = Path(__file__).with_name("log_miner.py")
    told: dict[str, float] = json.loads(_run(sys.executable, str(miner), str(path), "2", str(groups)))
    return told


def _run(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603 - our own command


class _Spent(NamedTuple):
    clock: float
    cpu: float


def _timed(act: Callable[[], object]) -> _Spent:
    clock, cpu = time.perf_counter(), time.process_time()
    act()
    return _Spent(time.perf_counter() - clock, time.process_time() - cpu)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", choices=("grouping", "digits", "values", "hostile"))
    parser.add_argument("--lines", type=int, default=1_000_000)
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)  # Drain3 tells every cluster
    if given.only in {None, "grouping"}:
        grouping(given.data)
    if given.only != "grouping":
        speed(given.data, given.lines, given.only)


if __name__ == "__main__":
    main()
