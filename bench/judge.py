"""How often is the canary judge wrong, and how soon is it right? Simulated, seeded, standard library only.

Traffic is Poisson; errors come alone or in bursts of geometric size; 10 % of answers are over the first
limit and 1 % over the second. The judge under test is the shipped one, asked at every tick as in a rollout;
seconds count from the first tick it may use (the settling time is over). Beside it, on the same traffic:
two fixed thresholds, a z-test read once and each second, and Mann-Whitney at 98 % on points of one second
and of ten. Each observation is judged twice: with 120 s of history, and without, when the burstiness is only
known from the watch itself. Ends with 1 when a bar is missed.

    python bench/judge.py [--runs 1000] [--seed 1] [--only equal|worse|sick|bad|never]
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from math import inf
from random import Random
from statistics import quantiles
from typing import NamedTuple

from canary_rivals import RIVALS
from canary_traffic import NONE, SHARE, Second, Service, Traffic, World, counts, plus

from steadyhand.journey.rollout.judge import judge
from steadyhand.journey.rollout.model import Arms, Back, Metric, Promote, Verdict
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.watch import COLD_START, Phi, begin, tick

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTLE = int(COLD_START.total_seconds())
WINDOW = 30
SHORT = 40
LONGEST = 300
AT_ONCE = CanaryRule(soak=timedelta(0))
NEVER = CanaryRule(soak=timedelta(hours=1))  # no promotion cuts a run short


class Ended(NamedTuple):
    """A run's last verdict and the second it came at, from the first tick used; inf when it still held."""

    verdict: Verdict
    second: float


def observe(readings: Iterator[Arms], phi: Phi | None, target: Metric | None, rule: CanaryRule) -> Ended:
    """The shipped judge, asked at every tick until it moves the traffic or the readings end."""
    watch = begin(next(readings), START, target=target, asked_share=SHARE, phi=phi)
    verdict = judge(watch, START, rule)
    for second, arms in enumerate(readings, 1):
        now = START + timedelta(seconds=second)
        watch = tick(watch, arms, now, healthy=True)
        verdict = judge(watch, now, rule)
        if isinstance(verdict, Back | Promote):  # while a human is asked it goes on judging
            return Ended(verdict, second - SETTLE)
    return Ended(verdict, inf)


def both_ways(
    readings: Iterator[Arms], phi: Phi | None, target: Metric | None, rule: CanaryRule
) -> tuple[Ended, Ended]:
    """The same readings judged with the burstiness that a history showed, and without a history."""
    same = list(readings)
    return observe(iter(same), phi, target, rule), observe(iter(same), None, target, rule)


def readings_of(traffic: Sequence[Second] | Traffic) -> Iterator[Arms]:
    """The cumulative counters, read once a second."""
    canary, stable = NONE, NONE
    yield Arms(at=START, canary=counts(canary), stable=counts(stable))
    for second, both in enumerate(traffic, 1):
        canary, stable = plus(canary, both.canary), plus(stable, both.stable)
        at = START + timedelta(seconds=second)
        yield Arms(at=at, canary=counts(canary), stable=counts(stable))


# --- the questions


class Outcomes(NamedTuple):
    """How the same observations ended with a history and without; % that the rivals took back."""

    known: list[Ended]
    unknown: list[Ended]
    rivals: dict[str, float]


def compare(world: World, runs: int, chance: Random, seconds: int = WINDOW) -> Outcomes:
    """Every judge on the same traffic. None of them promotes here."""
    service = Service(world)
    ended, back = [], dict.fromkeys(RIVALS, 0)
    for _ in range(runs):
        traffic = list(islice(service.traffic(chance), SETTLE + seconds))
        ended.append(both_ways(readings_of(traffic), service.phi(chance), None, NEVER))
        for name, rival in RIVALS.items():
            back[name] += rival(traffic[SETTLE:])
    known, unknown = zip(*ended, strict=True)
    return Outcomes(list(known), list(unknown), {name: 100 * number / runs for name, number in back.items()})


def false_rollback(runs: int, chance: Random) -> bool:
    """Equal arms; the bar is on all runs together, and without a history on each row."""
    print("\n### Equal arms: taken back though nothing is wrong, %\n")
    header("rps / errors", "mean burst", "seconds", "**judge**", "**no history**", *RIVALS)
    known: list[Ended] = []
    worst = 0.0
    plain = World(rps=100, base=0.01)
    busy = World(rps=1_000, base=0.01)
    for world, seconds, part in (
        (replace(plain, rps=10), WINDOW, 2),
        *((replace(plain, burst=burst), WINDOW, 1) for burst in (1, 3, 5)),
        (replace(plain, base=0.003, burst=5), WINDOW, 1),
        (busy, WINDOW, 2),
        *((replace(busy, burst=burst), WINDOW, 1) for burst in (3, 5)),
        (replace(busy, burst=10), WINDOW, 2),
        (replace(busy, burst=3), LONGEST, 10),
    ):
        found = compare(world, runs // part, chance, seconds)
        known += found.known
        worst = max(worst, percent(Back, found.unknown))
        row(
            f"{world.rps:g} / {world.base:.1%}",
            f"{world.burst:g}",
            f"{seconds} ({runs // part:,} runs)",
            f"**{percent(Back, found.known):.2f}**",
            f"**{percent(Back, found.unknown):.2f}**",
            *(f"{share:.1f}" for share in found.rivals.values()),
        )
    print(
        f"\nAll {len(known):,} runs together: {percent(Back, known):.2f} %; "
        f"without a history at most {worst:.2f} %"
    )
    return percent(Back, known) < 1 and worst < 1


_BESIDE = ("> 2x control", "z once", "MW 1 s", "MW 10 s")


def power(runs: int, chance: Random) -> bool:
    """A worse canary."""
    print(f"\n### A worse canary: taken back within {WINDOW} s, % of {runs:,} runs, 1 % errors in control\n")
    columns = "**judge**", "median / p90 s", "**no history**", "median / p90 s", *_BESIDE
    header("rps", "truly", *columns)
    met = True
    for rps in (10, 50, 100, 500, 1_000, 5_000):
        for ratio in (2, 5, 10):
            found = compare(World(rps=rps, base=0.01, ratio=ratio), runs, chance)
            known, unknown = (times(Back, ended) for ended in (found.known, found.unknown))
            row(
                f"{rps:,}",
                f"{ratio}x",
                f"**{percent(Back, found.known):.0f}**",
                spread_of(known, WINDOW),
                f"**{percent(Back, found.unknown):.0f}**",
                spread_of(unknown, WINDOW),
                *(f"{found.rivals[name]:.0f}" for name in _BESIDE),
            )
            if (rps, ratio) == (100, 10):
                met = sum(second < 25 for second in known) >= 0.9 * runs
    return met


def incident(runs: int, chance: Random) -> bool:
    """A sick control and a fix. The last bar counts from the start: the settling time is part of its 35 s."""
    print(
        f"\n### The control is sick: proven at most half as bad, seconds, {runs:,} runs, up to {LONGEST} s\n"
    )
    columns = "median / p90 s", f"by {WINDOW} s, %", "no history: median / p90 s", f"by {WINDOW} s, %"
    header("rps", "errors control -> canary", "mean burst", *columns, "taken back, %")
    met = True
    for rps, sick, well, burst in (
        (10, 0.2, 0.01, 1),
        (50, 0.2, 0.01, 1),
        (100, 0.2, 0.01, 1),
        (1_000, 0.2, 0.01, 1),
        (5_000, 0.2, 0.01, 1),
        (100, 0.5, 0.05, 1),
        (100, 0.2, 0.1, 1),
        (50, 0.6, 0.01, 1),
        (100, 0.6, 0.01, 1),
        (100, 0.6, 0.01, 3),
    ):
        known, unknown = cures(World(rps=rps, base=sick, ratio=well / sick, burst=burst), runs, chance)
        shown = [times(Promote, ended) for ended in (known, unknown)]
        soon = [100 * sum(second <= WINDOW for second in seconds) / runs for seconds in shown]
        row(
            f"{rps:,}",
            f"{sick:.0%} -> {well:.0%}",
            f"{burst:g}",
            *chain(
                *((spread_of(one, LONGEST), f"{share:.0f}") for one, share in zip(shown, soon, strict=True))
            ),
            f"{percent(Back, known):.1f} / {percent(Back, unknown):.1f}",
        )
        if (rps, sick, well, burst) == (100, 0.2, 0.01, 1):
            met = met and sum(second < 35 for second in shown[0]) >= 0.9 * runs
        if (rps, sick, burst) == (50, 0.6, 1):
            met = met and soon[1] >= 90
    return met


def cures(
    world: World, runs: int, chance: Random, seconds: int = LONGEST
) -> tuple[tuple[Ended, ...], tuple[Ended, ...]]:
    """Incidents judged until the target is proven, with a history and without."""
    service = Service(world)
    ended = [
        both_ways(
            readings_of(islice(service.traffic(chance), SETTLE + seconds)),
            service.phi(chance),
            "errors",
            AT_ONCE,
        )
        for _ in range(runs)
    ]
    known, unknown = zip(*ended, strict=True)
    return known, unknown


def as_bad(runs: int, chance: Random) -> bool:
    """Both arms are equally sick; promoted at any tick would be wrong."""
    print(f"\n### Equal and bad, with a target: % of {runs:,} runs within {SHORT} s, no soak\n")
    header("rps / errors", "mean burst", "promoted", "taken back", "no history: promoted", "taken back")
    met = True
    for world in (World(rps=50, base=0.2, burst=burst) for burst in (1, 3, 5)):
        found = cures(world, runs, chance, SHORT)
        row(
            f"{world.rps:g} / {world.base:.0%}",
            f"{world.burst:g}",
            *(f"{percent(kind, ended):.2f}" for ended in found for kind in (Promote, Back)),
        )
        met = met and all(percent(Promote, ended) == 0 for ended in found)
    return met


def never_promoted(runs: int, chance: Random) -> bool:
    """What must never pass for success."""
    print(f"\n### Never promoted: {runs:,} runs each, 100 rps, a fix of 20 % errors, soak {WINDOW} s\n")
    header("what happens", "promoted", "taken back for", "no history: promoted", "taken back for")
    service = Service(World(rps=100, base=0.2, ratio=0.05))
    cases: dict[str, Callable[[Traffic], Iterator[Arms]]] = {
        "the canary gets no traffic": lambda traffic: readings_of(unserved(traffic)),
        "counters stand still from a random second on": lambda traffic: frozen(traffic, chance),
        "a counter is reset in a random second": lambda traffic: reset(traffic, chance),
    }
    total = 0
    for name, spoil in cases.items():
        ended = [
            both_ways(
                spoil(islice(service.traffic(chance), SHORT)), service.phi(chance), "errors", CanaryRule()
            )
            for _ in range(runs)
        ]
        cells = []
        for one_way in zip(*ended, strict=True):
            promoted = sum(isinstance(one.verdict, Promote) for one in one_way)
            reasons = Counter(one.verdict.reason for one in one_way if isinstance(one.verdict, Back))
            cells += [
                f"**{promoted}**",
                ", ".join(f"{why} {number}" for why, number in reasons.most_common()),
            ]
            total += promoted
        row(name, *cells)
    return total == 0


def unserved(traffic: Traffic) -> Traffic:
    """The same, with the canary getting nothing."""
    return (one._replace(canary=NONE) for one in traffic)


def frozen(traffic: Traffic, chance: Random) -> Iterator[Arms]:
    """Half of the time the time stamp stands still too."""
    stop, stamped = chance.randint(6, WINDOW - 4), chance.random() < 0.5
    known = list(islice(readings_of(traffic), stop))
    yield from known
    for second in range(stop, SHORT):
        at = START + timedelta(seconds=second) if stamped else known[-1].at
        yield known[-1].model_copy(update={"at": at})


def reset(traffic: Traffic, chance: Random) -> Iterator[Arms]:
    """One arm's counters start again from nothing."""
    when, arm = chance.randint(6, WINDOW - 1), chance.choice(("canary", "stable"))
    for second, arms in enumerate(readings_of(traffic)):
        yield arms.model_copy(update={arm: counts(NONE)}) if second == when else arms


# --- words


def percent(kind: type[Back | Promote], ended: Sequence[Ended]) -> float:
    """How many of the observations ended so."""
    return 100 * sum(isinstance(one.verdict, kind) for one in ended) / len(ended)


def times(kind: type[Back | Promote], ended: Sequence[Ended]) -> list[float]:
    """When they ended so; inf when they did not."""
    return [one.second if isinstance(one.verdict, kind) else inf for one in ended]


def spread_of(times: Sequence[float], limit: int) -> str:
    """Median and 90th percentile, where a run that never ended counts as longer than the limit."""
    known = [min(second, 10.0 * limit) for second in times]
    deciles = quantiles(known, n=10, method="inclusive")
    return " / ".join(f"> {limit}" if one > limit else f"{one:.0f}" for one in (deciles[4], deciles[8]))


def header(*names: str) -> None:
    """A table's first two lines."""
    row(*names)
    row(*("---" for _ in names))


def row(*cells: str) -> None:
    """A table's next line."""
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> int:
    """Ask every question; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--runs", type=int, default=1_000, help="of equal arms; other questions take parts of it"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="equal, worse, sick, bad or never")
    asked = parser.parse_args()
    chance = Random(asked.seed)  # noqa: S311 simulated traffic, not a secret
    bars: dict[str, tuple[str, Callable[[], bool]]] = {
        "equal": ("false rollback < 1 %", lambda: false_rollback(asked.runs, chance)),
        "worse": (
            "10x at 100 rps / 1 % back in < 25 s in 90 % of runs",
            lambda: power(asked.runs // 8, chance),
        ),
        "sick": (
            (
                "in 90 % of runs 20 % -> 1 % at 100 rps proven in < 35 s, "
                "and without a history 60 % -> 1 % at 50 rps within 35 s of the start"
            ),
            lambda: incident(asked.runs // 5, chance),
        ),
        "bad": ("equal and bad never promoted", lambda: as_bad(asked.runs, chance)),
        "never": ("nothing unproven promoted", lambda: never_promoted(asked.runs, chance)),
    }
    missed = 0
    for name, question in (bars[one] for one in bars if asked.only in ("", one)):
        began = time.process_time()
        met = question()
        missed += not met
        print(f"\nBar: {name}: {'met' if met else 'MISSED'} ({time.process_time() - began:.0f} s)")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
