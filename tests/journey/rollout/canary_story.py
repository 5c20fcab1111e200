"""A canary's story told second by second: what each arm answers, and what the judge then says."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from steadyhand.journey.rollout.judge import judge
from steadyhand.journey.rollout.model import Arms, Counts, Metric, Verdict
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.watch import Phi, Watch, begin, tick

T0 = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
INDEPENDENT: Phi = {"errors": 1.0, "slow90": 1.0, "slow99": 1.0}
RULE = CanaryRule()


def counts(requests: int, errors: int = 0, slow90: int = 0, slow99: int = 0) -> Counts:
    return Counts(requests=requests, errors=errors, slow90=slow90, slow99=slow99)


def plus(one: Counts, other: Counts) -> Counts:
    return Counts(**{name: getattr(one, name) + getattr(other, name) for name in Counts.model_fields})


NOTHING = counts(0)
EARLIER = Arms(at=T0, stable=counts(70_000, 700, 7_000, 700), canary=counts(40, 1, 4, 1))


def started(
    *,
    target: Metric | None = None,
    share: float = 0.05,
    phi: Phi | None = INDEPENDENT,
    settle: timedelta = 5 * SECOND,
    error_floor: float | None = None,
) -> Watch:
    return begin(
        EARLIER, T0, target=target, asked_share=share, phi=phi, settle=settle, error_floor=error_floor
    )


@dataclass
class Story:
    """A watch that time passes for; the counters' clock and ours agree unless told otherwise."""

    watch: Watch
    now: datetime = T0
    rule: CanaryRule = field(default_factory=CanaryRule)

    def second(self, canary: Counts, stable: Counts, *, healthy: bool = True) -> "Story":
        self.now += SECOND
        last = self.watch.last
        arms = Arms(at=self.now, stable=plus(last.stable, stable), canary=plus(last.canary, canary))
        self.watch = tick(self.watch, arms, self.now, healthy=healthy)
        return self

    def seconds(self, number: int, canary: Counts, stable: Counts) -> "Story":
        for _ in range(number):
            self.second(canary, stable)
        return self

    @property
    def verdict(self) -> Verdict:
        return judge(self.watch, self.now, self.rule)
