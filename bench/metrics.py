"""How long thousands of series take to become the metric items of a page, on one processor.

    python bench/metrics.py [--series 10000] [--points 360] [--runs 5]

All series are made up and seeded: gauges that only waver, gauges with a daily swing, counters, counters by
code, and histograms, of 40 services; of every hundredth something breaks. Timed is all that the page does
with them, from samples in memory to the items shown, and of it the screen and what only the ranker of causes
takes from them, in seconds of one processor (other jobs on the machine do not count). No package for arrays
is needed.
"""

import argparse
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from math import sin
from statistics import median
from time import process_time as clock

from steadyhand.journey.evidence.bearings.taken import bearings_of
from steadyhand.journey.evidence.grid import grid_for
from steadyhand.journey.evidence.model import Series, Window
from steadyhand.journey.evidence.page import assemble
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.series import signals
from steadyhand.journey.evidence.sieve import sift
from steadyhand.journey.topology import Service, Topology

START = datetime(2026, 1, 31, 2, tzinfo=UTC)
STEP_S = 5
SERVICES = tuple(f"service-{number}" for number in range(40))
TOPOLOGY = Topology(services=tuple(Service(name=one, metrics=(f'{{service="{one}"}}',)) for one in SERVICES))
LES = ("0.05", "0.1", "0.25", "0.5", "1", "+Inf")
_BROKEN_EVERY = 100


def made(count: int, points: int) -> list[Series]:
    """That many series of that many points; the same ones each time."""
    luck = random.Random(7)  # noqa: S311 - made-up samples
    times = tuple(START.timestamp() + STEP_S * index for index in range(points))
    return list(islice(_all(luck, times), count))


def _all(luck: random.Random, times: tuple[float, ...]) -> Iterator[Series]:
    number = 0
    while True:
        service, broken = SERVICES[number % len(SERVICES)], number % _BROKEN_EVERY == 0
        kind, at = number // len(SERVICES) % 6, luck.randrange(len(times) // 2, len(times) - 40)
        labels = {"service": service, "instance": f"10.0.0.{number % 7}:9100", "part": str(number)}
        number += 1
        if kind == 5:
            yield from _histogram(luck, times, labels, at if broken else len(times))
            continue
        name, values = _SHAPES[kind]
        lift = [3.0 if broken and index >= at else 1.0 for index in range(len(times))]
        yield Series(name=name, labels=labels, times=times, values=tuple(values(luck, lift)))


def _gauge(luck: random.Random, lift: list[float]) -> list[float]:
    return [luck.gauss(40, 2) * one for one in lift]


def _swing(luck: random.Random, lift: list[float]) -> list[float]:
    return [one * (40 + 6 * sin(index / 30)) + luck.gauss(0, 1) for index, one in enumerate(lift)]


def _counter(luck: random.Random, lift: list[float]) -> list[float]:
    return list(accumulate(float(int(luck.gauss(50, 6) * one)) for one in lift))


_SHAPES = (
    ("queue_depth", _gauge),
    ("memory_resident_bytes", _swing),
    ("jobs_done_total", _counter),
    ("pool_connections_in_use", _gauge),
    ("cpu_seconds_total", _counter),
)


def _histogram(
    luck: random.Random, times: tuple[float, ...], labels: dict[str, str], at: int
) -> Iterator[Series]:
    """The cumulative buckets of one histogram; from `at` on everything is slow."""
    shares = (0.3, 0.6, 0.85, 0.95, 0.99, 1.0)
    answers = [luck.randrange(40, 60) for _ in times]
    for share, bound in zip(shares, LES, strict=True):
        late = (share if bound == "+Inf" else share / 4 for _ in times)
        gains = (
            float(int(count * (slow if index >= at else share)))
            for index, (count, slow) in enumerate(zip(answers, late, strict=True))
        )
        yield Series(
            name="answer_seconds_bucket",
            labels={**labels, "le": bound},
            times=times,
            values=tuple(accumulate(gains)),
        )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--points", type=int, default=360)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    series = made(given.series, given.points)
    end = START + timedelta(seconds=STEP_S * given.points)
    window = Window(start=START, end=end)
    baseline = Window(start=START, end=START + (end - START) * 0.4)
    whole, screen, ranked = [], [], []
    for _ in range(given.runs):
        began = clock()
        page = assemble(
            incident="bench",
            service=SERVICES[0],
            window=window,
            baseline=baseline,
            topology=TOPOLOGY,
            series=series,
        )
        whole.append(clock() - began)
        known = signals(series, grid_for(series, window), TOPOLOGY, SERVICES[0])
        began = clock()
        sift(known, baseline, (), EvidenceRule())
        screen.append(clock() - began)
        began = clock()
        bearings_of(known, (), (), TOPOLOGY, SERVICES[0], baseline)
        ranked.append(clock() - began)
    items = [all_of_it - theirs for all_of_it, theirs in zip(whole, ranked, strict=True)]
    print(page.coverage["metrics"])
    print(f"| {given.series} series x {given.points} points, n = {given.runs} | median s | worst s |")
    print("|---|---|---|")
    print(f"| samples to items | {median(items):.2f} | {max(items):.2f} |")
    print(f"| of it the screen | {median(screen):.2f} | {max(screen):.2f} |")
    print(f"| with what the ranker takes | {median(whole):.2f} | {max(whole):.2f} |")


if __name__ == "__main__":
    main()
