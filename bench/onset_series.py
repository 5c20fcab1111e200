"""Series that leave normal at a known moment, by shape and step, and how far off their onset is dated.

    python bench/onset_series.py [--count 40] [--quiet 100] [--held-back]

Then series that never leave normal, by the kind of their noise: how many are said to. The held-back seeds are
for acceptance: no threshold was chosen by them.
"""

import argparse
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import pi, sin
from statistics import median, quantiles

from steadyhand.journey.evidence.model import Window
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.screen import deviation
from steadyhand.journey.evidence.signal import Signal

START = datetime(2026, 1, 31, 2, tzinfo=UTC)
CALM = Window(start=START, end=START + timedelta(seconds=400))
STEPS = (1.0, 2.0, 5.0, 10.0)
_CALM, _LENGTH = 400.0, 1000.0


def _step(_: float) -> float:
    return 60.0


def _ramp(since: float) -> float:
    return min(80.0, since * 0.8)


def _spike(since: float) -> float:
    return 90.0 if since < 80 else 0.0


def _leak(since: float) -> float:
    return since * 0.35


SHAPES: dict[str, Callable[[float], float]] = {
    "step": _step,
    "ramp": _ramp,
    "spike": _spike,
    "leak": _leak,
    "periodic": _step,  # on top of a calm that swings
}


HELD_BACK = 1_000_000  # seeds from here on are for acceptance only


def onset_errors(count: int, first_seed: int = 0) -> None:
    """Median and 95th percentile of the distance between told and true onset, in seconds."""
    print("\n| shape | step | found | median error s | 95th percentile s | true moment in the interval |")
    print("|---|---|---|---|---|---|")
    for shape in SHAPES:
        pooled: list[float] = []
        for step in STEPS:
            errors, inside = errors_of(shape, step, range(first_seed, first_seed + count))
            pooled += errors
            _row(shape, f"{step:g} s", errors, count, f"{inside} of {len(errors)}")
        _row(shape, "all", pooled, count * len(STEPS), "")


def _row(shape: str, step: str, errors: list[float], count: int, inside: str) -> None:
    late = quantiles(errors, n=20)[-1] if len(errors) > 1 else float("nan")
    middle = median(errors) if errors else float("nan")
    print(f"| {shape} | {step} | {len(errors)} of {count} | {middle:.1f} | {late:.1f} | {inside} |")


def errors_of(shape: str, step: float, seeds: range) -> tuple[list[float], int]:
    """Distances between told and true onset in seconds, and how many were in the interval told."""
    errors, inside = [], 0
    for seed in seeds:
        luck = random.Random(f"{shape}{step}{seed}")  # noqa: S311 - made-up samples
        broken = luck.uniform(_CALM + 60, _LENGTH - 250)
        signal = _signal(shape, step, broken, luck)
        found = deviation(
            signal, Window(start=START, end=START + timedelta(seconds=_CALM)), (), EvidenceRule()
        )
        if found is None:
            continue
        true = START + timedelta(seconds=broken)
        errors.append(abs((found.onset.at - true).total_seconds()))
        slack = timedelta(seconds=step)
        inside += found.onset.lo - slack <= true <= found.onset.hi + slack
    return errors, inside


def _white(luck: random.Random, _: float, second: float) -> float:
    del second
    return luck.gauss(0, 2.0)


def _sticky(luck: random.Random, before: float, second: float) -> float:
    """Noise that remembers: the next sample keeps 0.8 of this one's distance."""
    del second
    return 0.8 * before + luck.gauss(0, 1.2)


def _bursts(luck: random.Random, _: float, second: float) -> float:
    """One sample of a hundred is far out."""
    del second
    return luck.gauss(0, 2.0) * (12 if luck.random() < 0.01 else 1)


def _swings(luck: random.Random, _: float, second: float) -> float:
    return 10 * sin(2 * pi * second / 120.0) + luck.gauss(0, 2.0)


QUIET: dict[str, Callable[[random.Random, float, float], float]] = {
    "white": _white,
    "sticky": _sticky,
    "bursts": _bursts,
    "swings": _swings,
}


def false_onsets(count: int, first_seed: int = 0) -> None:
    """How many series that never leave normal are said to."""
    print("\n| noise of quiet series | " + " | ".join(f"{step:g} s" for step in STEPS) + " |")
    print("|---|" + "---|" * len(STEPS))
    for kind in QUIET:
        found = [sum(_cries(kind, step, first_seed + seed) for seed in range(count)) for step in STEPS]
        print(f"| {kind} | " + " | ".join(f"{one} of {count}" for one in found) + " |")


def _cries(kind: str, step: float, seed: int) -> bool:
    luck, far = random.Random(f"{kind}{step}{seed}"), 0.0  # noqa: S311 - made-up samples
    seconds = [index * step for index in range(int(_LENGTH / step))]
    values = []
    for second in seconds:
        far = QUIET[kind](luck, far, second)
        values.append(40.0 + far)
    return deviation(_made(seconds, values), CALM, (), EvidenceRule()) is not None


def _signal(shape: str, step: float, broken: float, luck: random.Random) -> Signal:
    first = luck.random() * step
    seconds = [first + index * step for index in range(int(_LENGTH / step))]
    swing = 10.0 if shape == "periodic" else 0.0
    values = [
        40.0
        + luck.gauss(0, 2.0)
        + swing * sin(2 * pi * second / 120.0)
        + (SHAPES[shape](second - broken) if second >= broken else 0.0)
        for second in seconds
    ]
    return _made(seconds, values)


def _made(seconds: list[float], values: list[float]) -> Signal:
    return Signal(
        metric="pool_in_use",
        name="pool_in_use",
        entity="shop",
        role="saturation",
        unit="",
        labels={},
        target="",
        times=tuple(START.timestamp() + second for second in seconds),
        values=tuple(values),
        fine=tuple(values),
        smoothing=0.0,
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--quiet", type=int, default=100)
    parser.add_argument("--held-back", action="store_true")
    given = parser.parse_args()
    first = HELD_BACK if given.held_back else 0
    onset_errors(given.count, first)
    false_onsets(given.quiet, first)


if __name__ == "__main__":
    main()
