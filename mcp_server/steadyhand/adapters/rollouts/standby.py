"""Ready to bring one service's traffic home, for the watchdog: its other half, with credentials in hand.

    python -m steadyhand.adapters.rollouts.standby SETTINGS

SETTINGS is a file with what connections.traffic says of the service. It says `ready` once the target was
reached, then goes the way home at each line `home` and answers `home`, or `failed` and why. The end of its
input is its end, and nothing else: a host that shuts down ends all at once, and this one is needed then.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
from pydantic import TypeAdapter

from steadyhand.adapters.machine import SystemClock, secret
from steadyhand.adapters.rollouts.drivers import Tools, TrafficSettings, bring_home, share_now
from steadyhand.ports import SteadyhandError

Act = Callable[[TrafficSettings, Tools], Awaitable[object]]


def main(file: Path) -> None:
    """Serve until the input ends. Raises SteadyhandError where the target cannot be reached."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    target: TrafficSettings = TypeAdapter(TrafficSettings).validate_json(file.read_bytes())
    asyncio.run(_on(target, file.parent, share_now))
    _say("ready")
    for _ in sys.stdin:
        try:
            asyncio.run(_on(target, file.parent, bring_home))
        except SteadyhandError as error:
            _say(f"failed {error}")
        else:
            _say("home")


async def _on(target: TrafficSettings, leases: Path, act: Act) -> None:
    async with httpx2.AsyncClient() as client:
        await act(target, Tools(client=client, clock=SystemClock(), leases=leases, secret=secret, metrics={}))


def _say(line: str) -> None:
    sys.stdout.write(" ".join(line.split()) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
