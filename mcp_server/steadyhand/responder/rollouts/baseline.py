"""What was so before a rollout: today's traffic, how bursty its failures are, and what counts as slow.

Kept in memory: after a restart it is learnt anew, and a rollout meanwhile measures the burstiness itself.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from steadyhand.journey.rollout.model import Arms
from steadyhand.journey.rollout.watch import HISTORY_SECONDS, Phi, fell, less, measured_phi
from steadyhand.journey.rule import Share, Value

_SECOND = timedelta(seconds=1)
_OLD = timedelta(minutes=2)

Limits = tuple[float, float]


class Rate(Value):
    """Traffic of a service as its balancer counted it lately."""

    rps: float
    failing: Share


@dataclass(slots=True)
class _Heard:
    """Readings of one target: the last two, and those that are a second apart without a gap."""

    limits: Limits
    last: Arms
    before: Arms | None = None
    seconds: deque[Arms] = field(default_factory=lambda: deque(maxlen=HISTORY_SECONDS + 1))


class Baselines:
    """What was heard of each target, by name."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}

    def hear(self, service: str, arms: Arms, limits: Limits) -> None:
        """One more look; what is not a second of the same history begins another one."""
        known = self._heard.get(service)
        if known is None or known.limits != limits:
            known = self._heard[service] = _Heard(limits, arms)
        elif arms.at - known.last.at < _SECOND / 2:
            return
        elif arms.at - known.last.at > 2 * _SECOND:
            known.seconds.clear()
        known.before, known.last = known.last, arms
        known.seconds.append(arms)

    def forget(self, service: str) -> None:
        """It could not be heard: what comes next is another history. Its limits stay."""
        known = self._heard.get(service)
        if known is not None:
            known.before = None
            known.seconds.clear()

    def heard_at(self, service: str) -> datetime | None:
        """When it was last heard."""
        known = self._heard.get(service)
        return known.last.at if known else None

    def limits(self, service: str) -> Limits | None:
        """Beyond how many ms an answer of it is slow, and very slow; None before the first look."""
        known = self._heard.get(service)
        return known.limits if known else None

    def rate(self, service: str, now: datetime) -> Rate | None:
        """Its traffic over what was heard; None when that is old or too little, or a counter was reset."""
        known = self._heard.get(service)
        if known is None or now - known.last.at > _OLD:
            return None
        first = known.seconds[0] if len(known.seconds) > 1 else known.before
        return _rate(first, known.last) if first else None

    def phi(self, service: str, limits: Limits) -> Phi | None:
        """Burstiness over the last two minutes for these limits; None where they were not heard whole."""
        known = self._heard.get(service)
        if known is None or known.limits != limits:
            return None
        return measured_phi([one.stable for one in known.seconds])


def _rate(first: Arms, last: Arms) -> Rate | None:
    seconds = (last.at - first.at).total_seconds()
    if seconds <= 0 or fell(first.stable, last.stable) or fell(first.canary, last.canary):
        return None
    stable = less(last.stable, first.stable)
    requests = stable.requests + last.canary.requests - first.canary.requests
    return Rate(
        rps=requests / seconds,
        failing=min(1.0, stable.errors / stable.requests) if stable.requests else 0.0,
    )
