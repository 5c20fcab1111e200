"""Traffic of one service through Envoy: a share by runtime, two arms as clusters, releases by a platform.

Envoy itself holds no lease: a watchdog process does, and outlives this one (see watchdog.py). The route
needs a runtime fraction under `runtime_key` whose default is 0, and `stats_flush_interval` of 1 s or less.
"""

from datetime import timedelta
from pathlib import Path
from typing import Literal

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.http import Web
from steadyhand.adapters.rollouts.balancers.envoy_admin import EnvoyAdmin
from steadyhand.adapters.rollouts.lease import Lease, Way
from steadyhand.adapters.rollouts.platform import PlatformSettings, platform
from steadyhand.adapters.rollouts.split import SplitTraffic
from steadyhand.adapters.rollouts.watched import WatchedDial
from steadyhand.journey.rollout.model import Arms
from steadyhand.journey.rule import Duration
from steadyhand.ports import Clock


class EnvoySettings(PlatformSettings):
    """Where the balancer's administration is, and what its parts are called."""

    kind: Literal["envoy"] = "envoy"
    admin_url: str = Field(pattern=r"^http://[^@]+$", description="Envoy's administration, on loopback.")
    runtime_key: str = Field(default="canary.share", pattern=r"^[A-Za-z0-9._-]+$")
    stable_cluster: str = "stable"
    canary_cluster: str = "canary"
    timeout: Duration = timedelta(seconds=2)


def envoy_admin(settings: EnvoySettings, client: httpx2.AsyncClient) -> EnvoyAdmin:
    """The administration that these settings name."""
    web = Web(source=f"{settings.name} balancer", client=client, deadline=settings.timeout)
    return EnvoyAdmin(web, settings.admin_url.rstrip("/"), settings.runtime_key)


class EnvoyKnob:
    """A Knob over one runtime key."""

    def __init__(self, name: str, admin: EnvoyAdmin) -> None:
        self.name = name
        self.share = admin.share
        self.set_share = admin.set_share
        self.by_hand = admin.by_hand

    async def admit(self) -> None:
        """Envoy's own health checks let endpoints in."""

    async def evict(self) -> None:
        """Nothing to do: the fraction is rolled request by request, and nobody sticks to an arm."""


class EnvoyCounter:
    """A Counter over cluster statistics, as clients were answered: a reset or no upstream is an error."""

    def __init__(self, admin: EnvoyAdmin, clusters: tuple[str, str], clock: Clock) -> None:
        self._admin = admin
        self._clusters = clusters
        self._clock = clock

    async def arms(self, slow_ms: tuple[float, float]) -> Arms:
        """Both clusters, of one answer."""
        at = self._clock.now()
        stable, canary = await self._admin.counts(self._clusters, slow_ms)
        return Arms(at=at, stable=stable, canary=canary)

    async def slow_limits(self) -> tuple[float, float] | None:
        """The stable arm's p90 and p99 since the balancer started, in ms; None before any answer."""
        return await self._admin.slow_limits(self._clusters[0])

    def close(self) -> None:
        """Nothing is held open."""


class EnvoyTraffic(SplitTraffic):
    """A TrafficTarget. Its lease lies in `leases` under the mark `owner`, which a restart must not change."""

    def __init__(
        self,
        settings: EnvoySettings,
        client: httpx2.AsyncClient,
        secret: SecretStr | None,
        leases: Path,
        clock: Clock,
        owner: str = "steadyhand",
    ) -> None:
        admin = envoy_admin(settings, client)
        way = Way(admin=settings.admin_url.rstrip("/"), key=settings.runtime_key)
        lease = Lease(leases, settings.name, owner, way)
        super().__init__(
            settings.name,
            WatchedDial(EnvoyKnob(settings.name, admin), lease),
            platform(settings, client, secret, clock, settings.timeout),
            EnvoyCounter(admin, (settings.stable_cluster, settings.canary_cluster), clock),
            owner,
        )
