"""A process that holds 30 % of the traffic and renews its lease until it is killed."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import httpx2
from pydantic import SecretStr

from steadyhand.adapters.machine import SystemClock
from steadyhand.adapters.rollouts.balancers.envoy import EnvoySettings, EnvoyTraffic


async def main(admin: str, deploy: str, token: str, leases: str, lease_s: str) -> None:
    settings = EnvoySettings(name="shop", admin_url=admin, deploy_url=deploy)
    lease = timedelta(seconds=float(lease_s))
    async with httpx2.AsyncClient() as client:
        one = EnvoyTraffic(settings, client, SecretStr(token), Path(leases), SystemClock())
        while True:
            await one.set_share(0.3, lease)
            sys.stdout.write("renewed\n")
            sys.stdout.flush()
            await asyncio.sleep(lease.total_seconds() / 3)


asyncio.run(main(*sys.argv[1:]))
