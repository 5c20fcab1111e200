"""`steadyhand traffic home NAME`: bring a service's traffic home, without the service."""

import asyncio
from pathlib import Path

import httpx2

from steadyhand.adapters.rollouts.drivers import bring_home
from steadyhand.config import home, load
from steadyhand.ports import ConfigError
from steadyhand.wiring import traffic_tools


def bring(config: Path, name: str) -> int:
    """Share 0 and nobody left on the canary arm. Raises ConfigError, SourceError.

    It asks nobody's leave: a rollout that is under way sees a change that is not its own. Abort that first.
    """
    loaded = load(config)
    found = {one.name: one for one in loaded.connections.traffic}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise ConfigError(f"{config}: connections.traffic has no {name!r}; known are: {known}")

    async def run() -> None:
        async with httpx2.AsyncClient() as client:
            await bring_home(found[name], traffic_tools(home(), client))

    asyncio.run(run())
    return 0
