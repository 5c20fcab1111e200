"""What happens in a world: the tracks of every entity, and how trouble travels up the calls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import exp
from random import Random

from steadyhand.evaluation.worlds.shape import World

STEP_S = 10.0
CALM = 180  # steps
STEPS = 270
SHARE = 0.6  # of a callee's time a caller feels: it makes that share of its calls
SPREAD = 0.7  # of a callee's failures a caller passes on
_WIRE_S = 0.001
Track = list[float]
Arrow = tuple[str, str]
Form = Callable[[int], float]


def step_from(start: int) -> Form:
    """All at once."""
    return lambda at: 1.0 if at >= start else 0.0


def ramp_from(start: int, length: int) -> Form:
    """Along a line up to 1."""
    return lambda at: min(1.0, max(0.0, (at - start) / length))


@dataclass
class Course:
    """The tracks of one world; a fault adds to them before the trouble travels."""

    world: World
    chance: Random
    noise: float
    own: dict[str, Track] = field(default_factory=dict)
    failing: dict[str, Track] = field(default_factory=dict)
    cpu: dict[str, Track] = field(default_factory=dict)
    memory: dict[str, Track] = field(default_factory=dict)
    pool: dict[str, Track] = field(default_factory=dict)
    load: dict[str, Track] = field(default_factory=dict)
    hits: dict[str, Track] = field(default_factory=dict)
    rows: dict[str, Track] = field(default_factory=dict)
    alive: dict[str, Track] = field(default_factory=dict)
    waiting: dict[str, Track] = field(default_factory=dict)  # share of its time it has no processor
    others: dict[str, Track] = field(default_factory=dict)  # of a node: processors other processes take
    wire: dict[Arrow, Track] = field(default_factory=dict)  # seconds between a caller and a callee
    lost: dict[Arrow, Track] = field(default_factory=dict)  # share of calls that do not arrive
    latency: dict[str, Track] = field(default_factory=dict)
    errors: dict[str, Track] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.world.everybody:
            base = self.chance.uniform(0.01, 0.08)
            self.own[name] = self._noisy(base)
            self.failing[name] = [0.002] * STEPS
            self.cpu[name] = self._noisy(self.chance.uniform(0.15, 0.5))
            self.memory[name] = self._noisy(self.chance.uniform(2e8, 8e8), 0.1)
            self.pool[name] = self._noisy(self.chance.uniform(3, 8))
            self.load[name] = self._noisy(self.chance.uniform(15, 60), 0.6)
            self.hits[name] = self._noisy(0.92, 0.1)
            self.rows[name] = self._noisy(self.chance.uniform(1e3, 4e3))
            self.alive[name] = [1.0] * STEPS
            self.waiting[name] = self._noisy(0.01)
            for callee in self.world.calls[name]:
                self.wire[name, callee] = [_WIRE_S] * STEPS
                self.lost[name, callee] = [0.0] * STEPS
        for node in self.world.nodes:
            self.others[node] = self._noisy(self.chance.uniform(0.2, 0.6))

    def _noisy(self, base: float, share: float = 1.0) -> Track:
        """A level with noise that remembers a little of itself."""
        found, drift = [], 0.0
        for _ in range(STEPS):
            drift = 0.5 * drift + self.chance.gauss(0, 0.05 * self.noise * share)
            found.append(base * exp(drift))
        return found

    def bend(self, track: Track, form: Form, *, times: float = 1.0, plus: float = 0.0) -> None:
        """Bend a track by a form: multiplied by up to `times`, with up to `plus` added."""
        for at in range(STEPS):
            share = form(at)
            track[at] = track[at] * (1 + (times - 1) * share) + plus * share

    def travel(self) -> None:
        """Carry slowness and failures up from callees to callers."""
        for name in self._callees_first():
            slow, bad = list(self.own[name]), list(self.failing[name])
            for callee in self.world.calls[name]:
                seen, failed = self.seen_by(name, callee)
                for at in range(STEPS):
                    slow[at] += SHARE * seen[at]
                    bad[at] = 1 - (1 - bad[at]) * (1 - SPREAD * failed[at])
            self.latency[name], self.errors[name] = slow, bad

    def seen_by(self, caller: str, callee: str) -> tuple[Track, Track]:
        """How long the callee's answers take and how many fail, as this caller sees them."""
        arrow = caller, callee
        slow = [a + b for a, b in zip(self.latency[callee], self.wire[arrow], strict=True)]
        bad = [1 - (1 - a) * (1 - b) for a, b in zip(self.errors[callee], self.lost[arrow], strict=True)]
        return slow, bad

    def _callees_first(self) -> list[str]:
        order: list[str] = []

        def visit(name: str) -> None:
            if name not in order:
                for callee in self.world.calls[name]:
                    visit(callee)
                order.append(name)

        for name in self.world.everybody:
            visit(name)
        return order

    def alert_at(self, onset: int) -> int:
        """The step at which the front's alert fires: twice as slow or 5 % failures, two steps on end."""
        front = self.world.front
        calm = sum(self.latency[front][:CALM]) / CALM
        bad = [
            self.latency[front][at] > 2 * calm or self.errors[front][at] > 0.05  # noqa: PLR2004
            for at in range(STEPS)
        ]
        fired = (at for at in range(max(onset, 1), STEPS - 1) if bad[at] and bad[at - 1])
        return min(next(fired, onset + 30), STEPS - 2)
