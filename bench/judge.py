"""How often is the canary judge wrong, and how soon is it right? Simulated, seeded, standard library only.

Traffic is Poisson; errors come alone or in bursts of geometric size; 10 % of answers are over the first
limit and 1 % over the second. The judge under test is the shipped one, asked at every tick as in a rollout;
seconds count from the first tick it may use (the settling time is over). Beside it, on the same traffic:
two fixed thresholds and a z-test. Ends with 1 when a bar is missed.

    python bench/judge.py [--runs 2000] [--seed 1]
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from math import inf, sqrt
from random import Random
from statistics import quantiles
from typing import NamedTuple

from canary_traffic import NONE, SHARE, Second, Service, Traffic, World, counts, plus

from steadyhand.journey.rollout.judge import judge
from steadyhand.journey.rollout.model import Arms, Back, Hold, Metric, Promote, Verdict
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.watch import COLD_START, Phi, begin, tick

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTLE = int(COLD_START.total_seconds())
WINDOW = 30
LONGEST = 300
AT_ONCE = CanaryRule(soak=timedelta(0))
NEVER = CanaryRule(soak=timedelta(hours=1))  # no promotion cuts a run short


class Ended(NamedTuple):
    """A run's last verdict and the second it came at, from the first tick used; inf when it still held."""

    verdict: Verdict
    second: float


def observe(readings: Iterator[Arms], phi: Phi | None, target: Metric | None, rule: CanaryRule) -> Ended:
    """The shipped judge, asked at every tick until it says more than hold or the readings end."""
    watch = begin(next(readings), START, target=target, asked_share=SHARE, phi=phi)
    verdict = judge(watch, START, rule)
    for second, arms in enumerate(readings, 1):
        now = START + timedelta(seconds=second)
        watch = tick(watch, arms, now, healthy=True)
        verdict = judge(watch, now, rule)
        if not isinstance(verdict, Hold):
            return Ended(verdict, second - SETTLE)
    return Ended(verdict, inf)


def readings_of(traffic: Sequence[Second] | Traffic) -> Iterator[Arms]:
    """The cumulative counters, read once a second."""
    canary, stable = NONE, NONE
    yield Arms(at=START, canary=counts(canary), stable=counts(stable))
    for second, both in enumerate(traffic, 1):
        canary, stable = plus(canary, both.canary), plus(stable, both.stable)
        at = START + timedelta(seconds=second)
        yield Arms(at=at, canary=counts(canary), stable=counts(stable))


# --- the rivals: each says whether it would take the canary back within the window


def over_one_percent(used: Sequence[Second]) -> bool:
    """Fixed threshold: more than 1 % errors at the end."""
    canary, _ = totals(used)[-1]
    return canary.errors > 0.01 * canary.requests


def over_twice_control(used: Sequence[Second]) -> bool:
    """Threshold against the control: more than twice its error rate at the end."""
    canary, stable = totals(used)[-1]
    return canary.errors * stable.requests > 2 * stable.errors * canary.requests


def z_once(used: Sequence[Second]) -> bool:
    """Two-proportion z-test, one-sided at 1 %, once at the end."""
    return z_score(totals(used)[-1]) > 2.326


def z_peeked(used: Sequence[Second]) -> bool:
    """The same test, read each second."""
    return any(z_score(so_far) > 2.326 for so_far in totals(used))


def totals(used: Sequence[Second]) -> list[Second]:
    """The sums after each second."""
    canary, stable = (
        accumulate((one.canary for one in used), plus),
        accumulate((one.stable for one in used), plus),
    )
    return [Second(*both) for both in zip(canary, stable, strict=True)]


def z_score(so_far: Second) -> float:
    """Pooled two-proportion z; 0 where nothing can be said."""
    canary, stable = so_far
    requests = canary.requests + stable.requests
    pooled = (canary.errors + stable.errors) / requests if requests else 0.0
    spread = pooled * (1 - pooled) * (1 / canary.requests + 1 / stable.requests) if canary.requests else 0.0
    return (
        (canary.errors / canary.requests - stable.errors / stable.requests) / sqrt(spread) if spread else 0.0
    )


RIVALS: dict[str, Callable[[Sequence[Second]], bool]] = {
    "> 1 %": over_one_percent,
    "> 2x control": over_twice_control,
    "z once": z_once,
    "z each s": z_peeked,
}


# --- the questions


def compare(
    world: World, runs: int, chance: Random, seconds: int = WINDOW
) -> tuple[dict[str, float], list[float]]:
    """Share of runs taken back by each judge, and when the shipped one did it."""
    service = Service(world)
    back = dict.fromkeys(("judge", *RIVALS), 0)
    times = []
    for _ in range(runs):
        traffic = list(islice(service.traffic(chance), SETTLE + seconds))
        ended = observe(readings_of(traffic), service.phi(chance), None, NEVER)
        back["judge"] += isinstance(ended.verdict, Back)
        times.append(ended.second if isinstance(ended.verdict, Back) else inf)
        for name, rival in RIVALS.items():
            back[name] += rival(traffic[SETTLE:])
    return {name: 100 * number / runs for name, number in back.items()}, times


def false_rollback(runs: int, chance: Random) -> bool:
    """Equal arms; the bar is on all runs together."""
    print(f"\n### Equal arms: taken back though nothing is wrong, % of {runs:,} runs\n")
    header("rps / errors", "mean burst", "seconds", "**judge**", *RIVALS)
    wrong, asked = 0.0, 0
    plain = World(rps=100, base=0.01)
    busy = World(rps=1_000, base=0.01)
    for world, seconds, part in (
        (replace(plain, rps=10), WINDOW, 4),
        (plain, WINDOW, 1),
        (busy, WINDOW, 2),
        (replace(plain, burst=3), WINDOW, 1),
        (replace(busy, burst=3), WINDOW, 2),
        (replace(busy, burst=10), WINDOW, 2),
        (replace(busy, burst=3), LONGEST, 4),
    ):
        found, _ = compare(world, runs // part, chance, seconds)
        wrong, asked = wrong + found["judge"] * (runs // part), asked + runs // part
        row(
            f"{world.rps:g} / {world.base:.0%}",
            f"{world.burst:g}",
            f"{seconds} ({runs // part:,} runs)",
            f"**{found['judge']:.2f}**",
            *(f"{found[name]:.1f}" for name in RIVALS),
        )
    print(f"\nAll {asked:,} runs together: {wrong / asked:.2f} %")
    return wrong / asked < 1


def power(runs: int, chance: Random) -> bool:
    """A worse canary."""
    print(f"\n### A worse canary: taken back within {WINDOW} s, % of {runs:,} runs, 1 % errors in control\n")
    header("rps", "truly", "**judge**", "median / p90 s", "> 2x control", "z once")
    met = True
    for rps in (10, 50, 100, 500, 1_000):
        for ratio in (2, 5, 10):
            found, times = compare(World(rps=rps, base=0.01, ratio=ratio), runs, chance)
            row(
                f"{rps:,}",
                f"{ratio}x",
                f"**{found['judge']:.0f}**",
                spread_of(times, WINDOW),
                *(f"{found[name]:.0f}" for name in ("> 2x control", "z once")),
            )
            if (rps, ratio) == (100, 10):
                met = sum(second < 25 for second in times) >= 0.9 * runs
    return met


def incident(runs: int, chance: Random) -> bool:
    """A sick control and a fix."""
    print(
        f"\n### The control is sick: proven at most half as bad, seconds, {runs:,} runs, up to {LONGEST} s\n"
    )
    header("rps", "errors control -> canary", "median / p90 s", "proven by 30 s, %", "taken back, %")
    met = True
    for rps, sick, well in (
        (10, 0.2, 0.01),
        (50, 0.2, 0.01),
        (100, 0.2, 0.01),
        (100, 0.5, 0.05),
        (1_000, 0.2, 0.01),
    ):
        ended = [proof(Service(World(rps=rps, base=sick, ratio=well / sick)), chance) for _ in range(runs)]
        times = [one.second if isinstance(one.verdict, Promote) else inf for one in ended]
        row(
            f"{rps:,}",
            f"{sick:.0%} -> {well:.0%}",
            spread_of(times, LONGEST),
            f"{100 * sum(second <= WINDOW for second in times) / runs:.0f}",
            f"{100 * sum(isinstance(one.verdict, Back) for one in ended) / runs:.1f}",
        )
        if (rps, well) == (100, 0.01):
            met = sum(second < 35 for second in times) >= 0.9 * runs
    return met


def proof(service: Service, chance: Random) -> Ended:
    """One incident until the target is proven."""
    readings = readings_of(islice(service.traffic(chance), SETTLE + LONGEST))
    return observe(readings, service.phi(chance), "errors", AT_ONCE)


def never_promoted(runs: int, chance: Random) -> bool:
    """What must never pass for success."""
    print(f"\n### Never promoted: {runs:,} runs each, 100 rps, control at 20 % errors, soak {WINDOW} s\n")
    header("what happens", "promoted", "taken back for", "a human is asked")
    fixed, bad = Service(World(rps=100, base=0.2, ratio=0.05)), Service(World(rps=100, base=0.2))
    cases: dict[str, tuple[Service, Callable[[Traffic], Iterator[Arms]]]] = {
        "the canary gets no traffic": (fixed, lambda traffic: readings_of(unserved(traffic))),
        "counters stand still from a random second on": (fixed, lambda traffic: frozen(traffic, chance)),
        "a counter is reset in a random second": (fixed, lambda traffic: reset(traffic, chance)),
        "the canary is as bad as the control": (bad, readings_of),
    }
    total = 0
    for name, (service, spoil) in cases.items():
        ended = [
            observe(
                spoil(islice(service.traffic(chance), LONGEST)), service.phi(chance), "errors", CanaryRule()
            ).verdict
            for _ in range(runs)
        ]
        promoted = sum(isinstance(one, Promote) for one in ended)
        reasons = sorted({one.reason for one in ended if isinstance(one, Back)})
        listed = ", ".join(
            f"{why} {sum(isinstance(one, Back) and one.reason == why for one in ended)}" for why in reasons
        )
        row(name, f"**{promoted}**", listed or "-", f"{sum(one.kind == 'undecided' for one in ended)}")
        total += promoted
    return total == 0


def unserved(traffic: Traffic) -> Traffic:
    """The same, with the canary getting nothing."""
    return (one._replace(canary=NONE) for one in traffic)


def frozen(traffic: Traffic, chance: Random) -> Iterator[Arms]:
    """Half of the time the time stamp stands still too."""
    stop, stamped = chance.randint(6, WINDOW - 4), chance.random() < 0.5
    known = list(islice(readings_of(traffic), stop))
    yield from known
    for second in range(stop, LONGEST):
        at = START + timedelta(seconds=second) if stamped else known[-1].at
        yield known[-1].model_copy(update={"at": at})


def reset(traffic: Traffic, chance: Random) -> Iterator[Arms]:
    """One arm's counters start again from nothing."""
    when, arm = chance.randint(6, WINDOW - 1), chance.choice(("canary", "stable"))
    for second, arms in enumerate(readings_of(traffic)):
        yield arms.model_copy(update={arm: counts(NONE)}) if second == when else arms


# --- words


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
    parser.add_argument("--runs", type=int, default=2_000, help="equal-arms runs; the others are parts of it")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = Random(asked.seed)  # noqa: S311 simulated traffic, not a secret
    bars: dict[str, Callable[[], bool]] = {
        "false rollback < 1 %": lambda: false_rollback(asked.runs, chance),
        "10x at 100 rps / 1 % back in < 25 s in 90 % of runs": lambda: power(asked.runs // 5, chance),
        "20 % -> 1 % at 100 rps proven in < 35 s in 90 % of runs": lambda: incident(asked.runs // 5, chance),
        "nothing unproven promoted": lambda: never_promoted(asked.runs // 2, chance),
    }
    missed = 0
    for name, question in bars.items():
        began = time.perf_counter()
        met = question()
        missed += not met
        print(f"\nBar: {name}: {'met' if met else 'MISSED'} ({time.perf_counter() - began:.0f} s)")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
