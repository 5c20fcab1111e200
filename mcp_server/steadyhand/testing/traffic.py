"""A service behind a balancer, simulated: two arms whose counters grow with the clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from steadyhand.journey.rollout.model import Arms, Counts, Observed
from steadyhand.ports import Clock, ForeignChange, LeaseKind, SourceError, SourceRefused


@dataclass(slots=True, kw_only=True)
class Arm:
    """One arm: what it runs, how it behaves, and what it has counted so far."""

    version: str = ""
    replicas: int = 0
    error_rate: float = 0.0
    slow90_rate: float = 0.10
    slow99_rate: float = 0.01
    requests: float = 0.0
    errors: float = 0.0
    slow90: float = 0.0
    slow99: float = 0.0

    def serve(self, requests: float) -> None:
        """Count this many requests at the arm's own rates."""
        self.requests += requests
        self.errors += requests * self.error_rate
        self.slow90 += requests * self.slow90_rate
        self.slow99 += requests * self.slow99_rate

    def counts(self) -> Counts:
        """What the balancer would show, in whole requests."""
        return Counts(
            requests=int(self.requests),
            errors=int(self.errors),
            slow90=int(self.slow90),
            slow99=int(self.slow99),
        )


class TrafficSimulator:
    """A TrafficTarget without a balancer.

    Set `rps` and the arms' rates as you like; `stale` freezes the counters, `lost` drops what the canary
    arm should get, `failure` is raised by every call.
    Answers are spread in exact proportion, without noise: statistics belong to the judge's own tests.
    """

    lease_kind: LeaseKind = "in the proxy"

    def __init__(self, clock: Clock, *, name: str = "shop", version: str = "1.0.0", rps: float = 100) -> None:
        self.name = name
        self.rps = rps
        self.stable = Arm(version=version, replicas=3)
        self.canary = Arm()
        self.mark = "test"
        self.limits: tuple[float, float] | None = (200.0, 900.0)
        self.holder = ""
        self.stale = False
        self.lost = False
        self.failure: SourceError | None = None
        self._clock = clock
        self._share = 0.0
        self._fence = 0
        self._expires: datetime | None = None
        self._counted_to = clock.now()
        self._last_reading: Arms | None = None

    async def observe(self) -> Observed:
        """Share, versions and health as they are now."""
        self._pass_time()
        return Observed(
            share=self._share,
            stable_version=self.stable.version,
            stable_ready=self.stable.replicas,
            canary_version=self.canary.version,
            canary_ready=self.canary.replicas,
            owner=self.holder,
        )

    async def prepare(self, version: str, replicas: int) -> Observed:
        """The canary arm runs this release at once, without traffic."""
        self._pass_time()
        self._must_be_ours()
        if self._share > 0:
            raise SourceRefused(self.name, "the canary arm has traffic")
        self.canary.version, self.canary.replicas = version, replicas
        return await self.observe()

    async def set_share(self, share: float, lease: timedelta, fence: int = 0) -> Observed:
        """The canary arm gets this share until the lease ends."""
        self._pass_time()
        self._must_be_ours()
        if share > 0:
            self._must_be_latest(fence)
        if share > 0 and not self.canary.replicas:
            raise SourceRefused(self.name, "the canary arm runs nothing")
        self._share = share
        self._expires = self._clock.now() + lease if share > 0 else None
        self.holder = self.mark if share > 0 else ""
        return await self.observe()

    async def counters(self, slow_ms: tuple[float, float]) -> Arms:  # noqa: ARG002 -- the arms know their slow rates
        """Counters of both arms; the last ones again, with their old time, while `stale`."""
        self._pass_time()
        if self._last_reading is None or not self.stale:
            self._last_reading = Arms(
                at=self._clock.now(), stable=self.stable.counts(), canary=self.canary.counts()
            )
        return self._last_reading

    async def slow_limits(self) -> tuple[float, float] | None:
        """What the test set."""
        self._pass_time()
        return self.limits

    async def settle(self, version: str) -> Observed:
        """The stable arm runs this release at once and has all traffic, at the rates the canary arm had."""
        self._pass_time()
        if self.canary.version == version:
            self.stable.error_rate = self.canary.error_rate
            self.stable.slow90_rate = self.canary.slow90_rate
            self.stable.slow99_rate = self.canary.slow99_rate
        self.stable.version = version
        return await self._empty_canary()

    async def revert(self) -> Observed:
        """All traffic is stable again and the canary arm runs nothing."""
        self._pass_time()
        self._must_be_ours()
        return await self._empty_canary()

    def by_hand(self) -> str:
        """What a person would type if there were anything to type it into."""
        return f"simulator {self.name} share 0"

    def seize(self, share: float, holder: str = "somebody") -> None:
        """Another hand takes the share, under its own mark and without a lease."""
        self._pass_time()
        self._share, self.holder, self._expires = share, holder, None

    def reset_counters(self) -> None:
        """Begin counting at zero again, as a restarted balancer does."""
        for arm in (self.stable, self.canary):
            arm.requests = arm.errors = arm.slow90 = arm.slow99 = 0.0

    async def _empty_canary(self) -> Observed:
        self._share, self._expires, self.holder = 0.0, None, ""
        self.canary.version, self.canary.replicas = "", 0
        return await self.observe()

    def _must_be_ours(self) -> None:
        if self.holder not in ("", self.mark):
            raise ForeignChange(self.name, f"{self.holder} holds its traffic")

    def _must_be_latest(self, fence: int) -> None:
        if fence < self._fence:
            raise ForeignChange(self.name, "another process of ours has taken its rollout over")
        self._fence = fence

    def _pass_time(self) -> None:
        if self.failure is not None:
            raise self.failure
        now = self._clock.now()
        if self._expires is not None and now >= self._expires:
            self._serve_until(self._expires)
            self._share, self._expires, self.holder = 0.0, None, ""
        self._serve_until(now)

    def _serve_until(self, then: datetime) -> None:
        requests = self.rps * max(0.0, (then - self._counted_to).total_seconds())
        if not self.lost:
            self.canary.serve(requests * self._share)
        self.stable.serve(requests * (1 - self._share))
        self._counted_to = max(self._counted_to, then)
