"""The controller as a process of its own, over a store and a real balancer: SETTINGS FOLDER RULES [BOUNDARY].

It drives until it is killed. Given a boundary, a number or a name, it kills itself there: no handler runs.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
from mortal import Death, MortalLedger, MortalTraffic
from pydantic import SecretStr, TypeAdapter

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.adapters.machine import SystemClock
from steadyhand.adapters.rollouts.drivers import Tools, TrafficSettings, build
from steadyhand.journey.evidence.model import Series, Window
from steadyhand.journey.recovery.model import RecoveryRule
from steadyhand.journey.rollout.model import Arms, Counts
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.state import OVER
from steadyhand.journey.rollout.watch import HISTORY_SECONDS
from steadyhand.ports import TrafficTarget
from steadyhand.responder.engine.worker import Worker
from steadyhand.responder.outside import Outside
from steadyhand.responder.rules import Rules

SLOW_MS = (400.0, 2000.0)
TOKEN = "deploy-token"
ADAPTER: TypeAdapter[TrafficSettings] = TypeAdapter(TrafficSettings)


class Users:
    """A MetricSource: the share of failed answers between two looks, as the balancer counted them."""

    name = "users"

    def __init__(self, traffic: TrafficTarget) -> None:
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


def die(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(settings: str, folder: str, rules: str, boundary: str = "0") -> None:
    given = json.loads(rules)
    death = Death(int(boundary) if boundary.isdecimal() else boundary, die)
    async with httpx2.AsyncClient() as client:
        clock = SystemClock()
        tools = Tools(
            client=client,
            clock=clock,
            leases=Path(folder) / "leases",
            secret=lambda _: SecretStr(TOKEN),
            metrics={},
        )
        traffic = build(ADAPTER.validate_json(settings), tools)
        outside = Outside(
            rules=Rules(
                canary=CanaryRule.model_validate(given["canary"]),
                recovery=RecoveryRule.model_validate(given["recovery"]),
            ),
            clock=clock,
            ledger=MortalLedger(SqlLedger(Path(folder) / "night.db"), death),  # type: ignore[arg-type] - a proxy
            new_id=lambda prefix: f"{prefix}-{clock.now().timestamp():.6f}",
            owner=f"controller at {clock.now():%H:%M:%S.%f}",
            metrics=(Users(traffic),),
            traffic={"shop": MortalTraffic(traffic, death)},  # type: ignore[dict-item] - a proxy
        )
        steady_past(outside)
        outside.ledger.reclaim(clock.now(), all_owners=True)
        driver = asyncio.create_task(Worker(outside).run())
        await once_over(outside)
        sys.stdout.write(json.dumps(death.passed) + "\n")
        sys.stdout.flush()
        await driver


async def once_over(outside: Outside) -> None:
    for _ in range(3000):
        if over(outside):
            return
        await asyncio.sleep(0.2)


def over(outside: Outside) -> bool:
    with outside.ledger.read() as tx:
        found = [tx.rollout(one.rollout) for one in tx.incidents(10) if one.rollout]
    return any(one is not None and one.phase in OVER for one in found)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
