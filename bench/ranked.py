"""From ten thousand series and a million log lines to ranked hypotheses.

    python bench/ranked.py [--series 10000] [--lines 1000000] [--runs 3]

Everything is made up and seeded: series as in bench/metrics.py, held in memory, and a file of lines for each
of ten services as in bench/page.py. Timed is what a diagnosis needs of them: counting the messages of the
files, the metric items and bearings of the page, and the ranking. Seconds by the clock, on however many
processors there are, and of all processors.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

from metrics import START, STEP_S, TOPOLOGY, made
from page import SERVICES, write_logs

from steadyhand.adapters.logs.files import FileLogs, FileLogSettings
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.evidence.model import Page, Series, Window
from steadyhand.journey.evidence.page import assemble
from steadyhand.journey.evidence.patterns.tally import TalliedLogs
from steadyhand.journey.evidence.rule import EvidenceRule

POINTS = 360
CALM = 0.4
PARTS = ("count the lines", "lay out the page", "rank", "all")


def laid_out(series: list[Series], said: TalliedLogs, window: Window) -> Page:
    """The page of the first service's incident."""
    calm = Window(start=window.start, end=window.start + (window.end - window.start) * CALM)
    return assemble(
        incident="bench",
        service=SERVICES[0],
        window=window,
        baseline=calm,
        topology=TOPOLOGY,
        tallies=[said.tallies],
        series=series,
    )


def once(files: FileLogs, series: list[Series], window: Window) -> tuple[Diagnosis, list[float], list[float]]:
    """The diagnosis; seconds of each part by the clock, then of all processors."""
    marks = [_now()]
    said = asyncio.run(files.tally(SERVICES, window, EvidenceRule().max_templates))
    marks.append(_now())
    page = laid_out(series, said, window)
    marks.append(_now())
    found = diagnose(page, TOPOLOGY, DiagnosisRule())
    marks.append(_now())
    parts = [*pairwise(marks), (marks[0], marks[-1])]
    clock, work = ([late[at] - soon[at] for soon, late in parts] for at in (0, 1))
    return found, clock, work


def _now() -> tuple[float, float]:
    used = os.times()
    return time.perf_counter(), used.user + used.system + used.children_user + used.children_system


def parsed() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    return parser.parse_args()


def tell(title: str, runs: list[list[float]], of: Callable[[list[float]], float]) -> None:
    """One row of the table."""
    print(
        f"| {title} | "
        + " | ".join(f"{of([one[at] for one in runs]):.2f}" for at in range(len(PARTS)))
        + " |"
    )


def main() -> None:
    """Print the figures and the first hypothesis."""
    given = parsed()
    window = Window(start=START, end=START + timedelta(seconds=STEP_S * POINTS))
    series = made(given.series, POINTS)
    with tempfile.TemporaryDirectory() as name:
        write_logs(Path(name), given.lines, int(START.timestamp()))
        files = FileLogs(FileLogSettings(files={one: (f"{name}/{one}.log",) for one in SERVICES}))
        runs = [once(files, series, window) for _ in range(given.runs)]
    print(f"| {given.series} series, {given.lines} lines, n = {given.runs} | " + " | ".join(PARTS) + " |")
    print("|---" * (1 + len(PARTS)) + "|")
    tell("by the clock, median s", [clock for _, clock, _ in runs], median)
    tell("by the clock, worst s", [clock for _, clock, _ in runs], max)
    tell("of all processors, median s", [work for *_, work in runs], median)
    best = runs[0][0].hypotheses[0]
    print(f"{len(runs[0][0].hypotheses)} hypotheses, first {best.cause.entity}: {best.cause.fault_class}")


if __name__ == "__main__":
    main()
