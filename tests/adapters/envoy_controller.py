"""The controller as a process of its own, over a store and a real Envoy: it drives until it is killed."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
from pydantic import SecretStr

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.adapters.machine import SystemClock
from steadyhand.adapters.rollouts.balancers.envoy import EnvoySettings, EnvoyTraffic
from steadyhand.journey.evidence.model import Series, Window
from steadyhand.journey.recovery.model import RecoveryRule
from steadyhand.journey.rollout.model import Arms, Counts
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.watch import HISTORY_SECONDS
from steadyhand.responder.outside import Outside
from steadyhand.responder.rules import Rules
from steadyhand.responder.worker import Worker

CANARY = CanaryRule(soak=timedelta(seconds=8))
RECOVERY = RecoveryRule(hold=timedelta(seconds=3), least_samples=2)
SLOW_MS = (400.0, 2000.0)


class Users:
    """A MetricSource: the share of failed answers between two looks, as the balancer counted them."""

    name = "users"

    def __init__(self, traffic: EnvoyTraffic) -> None:
        self._traffic = traffic
        self._before: tuple[int, int] | None = None

    async def series(self, selector: str, window: Window, step: timedelta) -> Sequence[Series]:  # noqa: ARG002 - a port's shape
        return ()

    async def value(self, expression: str, at: datetime) -> float | None:  # noqa: ARG002 - a port's shape
        arms = await self._traffic.counters(SLOW_MS)
        now = (
            arms.stable.requests + arms.canary.requests,
            arms.stable.errors + arms.canary.errors,
        )
        before, self._before = self._before, now
        if before is None or now[0] == before[0]:
            return None
        return (now[1] - before[1]) / (now[0] - before[0])


def steady_past(outside: Outside) -> None:
    """Two minutes of traffic with errors that come alone, as a service that ran before would have heard."""
    now = datetime.now(UTC)
    for second in range(HISTORY_SECONDS + 1):
        at = now - timedelta(seconds=HISTORY_SECONDS - second)
        counts = Counts(requests=300 * second, errors=100 * second)
        arms = Arms(at=at, stable=counts, canary=Counts(requests=0, errors=0))
        outside.baselines.hear("shop", arms, SLOW_MS)


async def main(admin: str, deploy: str, token: str, folder: str) -> None:
    settings = EnvoySettings(name="shop", admin_url=admin, deploy_url=deploy)
    async with httpx2.AsyncClient() as client:
        clock = SystemClock()
        traffic = EnvoyTraffic(settings, client, SecretStr(token), Path(folder) / "leases", clock)
        outside = Outside(
            rules=Rules(canary=CANARY, recovery=RECOVERY),
            clock=clock,
            ledger=SqlLedger(Path(folder) / "night.db"),
            new_id=lambda prefix: f"{prefix}-{clock.now().timestamp():.6f}",
            owner=f"controller at {clock.now():%H:%M:%S.%f}",
            metrics=(Users(traffic),),
            traffic={"shop": traffic},
        )
        steady_past(outside)
        outside.ledger.reclaim(clock.now(), all_owners=True)
        await Worker(outside).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
