"""Traffic of one service through nginx: `split_clients` in a file of its own, and a reload.

nginx has no lease: the watchdog writes the file back and reloads. A share is decided request by request or
by whatever `key` says, so nobody sticks to an arm: at share 0 everybody is on the stable one. nginx counts
nothing by upstream; its access log over UDP does (see arm_log.py).
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from steadyhand.adapters.http import Web
from steadyhand.adapters.rollouts.balancers import nginx_file
from steadyhand.adapters.rollouts.balancers.arm_log import ArmLog
from steadyhand.adapters.rollouts.lease import Way
from steadyhand.adapters.rollouts.platform import PlatformSettings
from steadyhand.journey.rule import Duration
from steadyhand.ports import Clock, EffectUnknown, SourceRefused, SourceUnavailable

_HUNDREDTHS = 10_000
_POLL = timedelta(milliseconds=50)


class NginxSettings(PlatformSettings):
    """Where nginx keeps the split, how it is told to reload, and how it answers what it runs."""

    kind: Literal["nginx"]
    split_file: str = Field(pattern=r"^/\S+$", description="Included in http {}; Steadyhand writes it whole.")
    pid_file: str = Field(default="/run/nginx.pid", pattern=r"^/\S+$")
    status_url: str = Field(
        pattern=r"^http://[^@]+$", description="A loopback location that returns the share."
    )
    stable_upstream: str = Field(default="stable", pattern=r"^[\w.-]+$")
    canary_upstream: str = Field(default="canary", pattern=r"^[\w.-]+$")
    key: str = Field(
        default="$request_id", pattern=r"^[$\w{}]+$", description="What the split is decided by."
    )
    log_listen: str = Field(pattern=r"^[\w.-]+:\d+$", description="UDP, for the access log.")
    timeout: Duration = Field(default=timedelta(seconds=5), description="For a reload to be in effect.")


class NginxKnob:
    """A Knob over the file and the reload; what the workers run is asked from nginx itself."""

    def __init__(self, settings: NginxSettings, web: Web, clock: Clock) -> None:
        self.name = settings.name
        self._settings = settings
        self._web = web
        self._clock = clock

    async def share(self) -> float:
        """As the running workers have it, not as the file says."""
        answer = await self._web.read(self._settings.status_url)
        text = answer.body.decode(errors="replace").strip()
        if not answer.ok or not text.isdigit():
            raise SourceRefused(
                self.name, f"{self._settings.status_url} says {self._web.clean(text)!r}, no share"
            )
        return int(text) / _HUNDREDTHS

    async def set_share(self, share: float) -> None:
        """Write, reload, and wait until the workers have it. Raises EffectUnknown when they never say so."""
        try:
            content = self._text(share)
        except ValueError as error:
            raise SourceRefused(self.name, str(error)) from error
        try:
            await asyncio.to_thread(nginx_file.write, Path(self._settings.split_file), content)
            await asyncio.to_thread(nginx_file.reload, Path(self._settings.pid_file))
        except (OSError, ValueError) as error:
            raise SourceUnavailable(self.name, f"nginx cannot be reloaded: {error}") from error
        ends = self._clock.now() + self._settings.timeout
        while await self.share() != share:
            if self._clock.now() >= ends:
                raise EffectUnknown(self.name, f"nginx was reloaded and does not run the share {share:g}")
            await self._clock.sleep(_POLL)

    async def admit(self) -> None:
        """Nothing to do: nginx tries its upstreams as requests come."""

    async def evict(self) -> None:
        """Nothing to do: at share 0 the split has one arm."""

    def by_hand(self) -> str:
        """The watchdog's own command."""
        return " ".join(f"'{word}'" if "$" in word else word for word in self.way().command)

    def way(self) -> Way:
        """How the watchdog brings traffic home."""
        one = self._settings
        words = (one.split_file, one.pid_file, one.name, one.stable_upstream, one.canary_upstream, one.key)
        return Way(command=(sys.executable, "-I", "-S", nginx_file.__file__, *words))

    def _text(self, share: float) -> str:
        one = self._settings
        return nginx_file.text(one.name, one.stable_upstream, one.canary_upstream, one.key, share)


def nginx_log(settings: NginxSettings, clock: Clock) -> ArmLog:
    """The counter: its access log, which gives seconds."""
    names = (settings.stable_upstream, settings.canary_upstream)
    return ArmLog(settings.name, settings.log_listen, names, clock, scale=1000.0)
