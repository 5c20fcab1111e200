"""Simulated traffic of a service with a canary. Poisson arrivals; errors alone or in bursts."""

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import exp, lgamma, log, sqrt
from random import Random
from typing import NamedTuple

from steadyhand.journey.rollout.model import Counts
from steadyhand.journey.rollout.watch import HISTORY_SECONDS, Phi, measured_phi

SHARE = 0.05


class Answers(NamedTuple):
    """One arm's answers in one second."""

    requests: int
    errors: int
    slow90: int
    slow99: int


class Second(NamedTuple):
    """Both arms' answers in one second."""

    canary: Answers
    stable: Answers


NONE = Answers(0, 0, 0, 0)
Traffic = Iterator[Second]


@dataclass(frozen=True)
class World:
    """A service with a canary: answers a second, the control's error rate, canary/control, mean burst."""

    rps: float
    base: float
    ratio: float = 1.0
    burst: float = 1.0


class Poisson:
    """Draws by inversion from a table: exact, and quick for a mean that stays."""

    def __init__(self, mean: float) -> None:
        reach = 10 * sqrt(mean) + 20
        self.first = max(0, int(mean - reach))
        terms = range(self.first, int(mean + reach))
        chances = (exp(k * log(mean) - mean - lgamma(k + 1)) for k in terms) if mean else iter((1.0,))
        self.table = list(accumulate(chances))

    def draw(self, chance: Random) -> int:
        """One count."""
        return self.first + bisect(self.table, chance.random() * self.table[-1])


class Arm:
    """One arm's answers, second by second. The kinds of answer are independent Poisson streams."""

    def __init__(self, rps: float, error_rate: float, burst: float) -> None:
        fine = rps * (1 - error_rate)
        self.burst = burst
        self.bursts = Poisson(rps * error_rate / burst)
        self.fast, self.slow, self.slowest = Poisson(fine * 0.9), Poisson(fine * 0.09), Poisson(fine * 0.01)

    def second(self, chance: Random) -> Answers:
        """What it answers in one more second."""
        errors = self.bursts.draw(chance)
        if self.burst > 1:
            errors = sum(self._burst(chance) for _ in range(errors))
        slowest = self.slowest.draw(chance)
        slow = self.slow.draw(chance) + slowest
        return Answers(self.fast.draw(chance) + slow + errors, errors, slow, slowest)

    def _burst(self, chance: Random) -> int:
        return 1 + int(log(1 - chance.random()) / log(1 - 1 / self.burst))


class Service:
    """The traffic of a world, and what was measured of it before the start."""

    def __init__(self, world: World) -> None:
        self.stable = Arm(world.rps * (1 - SHARE), world.base, world.burst)
        self.canary = Arm(world.rps * SHARE, world.base * world.ratio, world.burst)

    def traffic(self, chance: Random) -> Traffic:
        """Second after second, without end."""
        while True:
            yield Second(self.canary.second(chance), self.stable.second(chance))

    def phi(self, chance: Random) -> Phi | None:
        """The dispersion as a rollout measures it: from 120 s of the control before the start."""
        past = accumulate((self.stable.second(chance) for _ in range(HISTORY_SECONDS)), plus, initial=NONE)
        return measured_phi([counts(one) for one in past])


def plus(one: Answers, other: Answers) -> Answers:
    """Both together."""
    return Answers(*(a + b for a, b in zip(one, other, strict=True)))


def counts(answers: Answers) -> Counts:
    """The same, as the judge reads it."""
    requests, errors, slow90, slow99 = answers
    return Counts(requests=requests, errors=errors, slow90=slow90, slow99=slow99)
