"""Hold 30 % of the traffic and renew the lease until killed: SETTINGS LEASES LEASE_S."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import httpx2
from pydantic import SecretStr, TypeAdapter

from steadyhand.adapters.machine import SystemClock
from steadyhand.adapters.rollouts.drivers import Tools, TrafficSettings, build


async def main(settings: str, leases: str, lease_s: str) -> None:
    given: TrafficSettings = TypeAdapter(TrafficSettings).validate_json(settings)
    lease = timedelta(seconds=float(lease_s))
    async with httpx2.AsyncClient() as client:
        tools = Tools(
            client=client,
            clock=SystemClock(),
            leases=Path(leases),
            secret=lambda _: SecretStr("deploy-token"),
            metrics={},
        )
        target = build(given, tools)
        while True:
            await target.set_share(0.3, lease)
            sys.stdout.write("renewed\n")
            sys.stdout.flush()
            await asyncio.sleep(lease.total_seconds() / 3)


asyncio.run(main(*sys.argv[1:]))
