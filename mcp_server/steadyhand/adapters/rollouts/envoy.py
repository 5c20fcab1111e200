"""Traffic of one service through Envoy: a share by runtime, two arms as clusters, releases by a platform.

Envoy itself holds no lease: a watchdog process does, and outlives this one (see watchdog.py). The route
needs a runtime fraction under `runtime_key` whose default is 0, and `stats_flush_interval` of 1 s or less.
"""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Literal

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.http import Web, authorization
from steadyhand.adapters.rollouts.envoy_admin import EnvoyAdmin
from steadyhand.adapters.rollouts.lease import Lease, Way
from steadyhand.adapters.rollouts.platform import ArmStates, Platform
from steadyhand.journey.rollout.model import Arms, Observed
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import Clock, ForeignChange, LeaseKind, SourceRefused


class EnvoySettings(Rule):
    """Where the balancer's administration and the release platform are, and what their parts are called."""

    kind: Literal["envoy"] = "envoy"
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="The service whose traffic this is.")
    admin_url: str = Field(pattern=r"^http://[^@]+$", description="Envoy's administration, on loopback.")
    runtime_key: str = Field(default="canary.share", pattern=r"^[A-Za-z0-9._-]+$")
    stable_cluster: str = "stable"
    canary_cluster: str = "canary"
    deploy_url: str = Field(pattern=r"^https?://[^@]+$", description="The platform that releases.")
    deploy_secret_env: str = Field(default="", description="Environment variable with its bearer token.")
    timeout: Duration = timedelta(seconds=2)
    release_timeout: Duration = Field(default=timedelta(seconds=90), description="For a release to run.")


class EnvoyTraffic:
    """A TrafficTarget. Its lease lies in `leases` under the mark `owner`, which a restart must not change."""

    lease_kind: LeaseKind = "watchdog"

    def __init__(
        self,
        settings: EnvoySettings,
        client: httpx2.AsyncClient,
        secret: SecretStr | None,
        leases: Path,
        clock: Clock,
        owner: str = "steadyhand",
    ) -> None:
        self.name = settings.name
        self.mark = owner
        self._clusters = (settings.stable_cluster, settings.canary_cluster)
        self._clock = clock
        self._turn = asyncio.Lock()
        self._going_home = False
        admin_url = settings.admin_url.rstrip("/")
        self._lease = Lease(leases, settings.name, owner, Way(admin=admin_url, key=settings.runtime_key))
        balancer = Web(source=f"{settings.name} balancer", client=client, deadline=settings.timeout)
        self._admin = EnvoyAdmin(balancer, admin_url, settings.runtime_key)

        def platform(deadline: timedelta) -> Web:
            return Web(
                source=f"{settings.name} platform",
                client=client,
                deadline=deadline,
                headers=authorization("bearer" if secret else "none", "", secret),
                secrets=(secret,) if secret else (),
            )

        self._platform = Platform(
            quick=platform(settings.timeout),
            patient=platform(settings.release_timeout),
            url=settings.deploy_url.rstrip("/"),
            service=settings.name,
            clock=clock,
        )

    async def observe(self) -> Observed:
        """Share, versions and health of both arms now; changes nothing. Raises SourceError."""
        return self._observed(await self._admin.share(), await self._platform.state())

    async def prepare(self, version: str, replicas: int) -> Observed:
        """Bring the canary arm to this release. Raises SourceRefused while it has traffic."""
        share = await self._admin.share()
        if share > 0:
            raise SourceRefused(self.name, f"the canary arm has {share:.1%} of the traffic")
        await self._platform.bring("canary", version, replicas, f"Canary of {version}, no traffic yet")
        return await self.observe()

    async def set_share(self, share: float, lease: timedelta, fence: int = 0) -> Observed:
        """Give the canary arm this share for as long as it is renewed; 0 ends the lease.

        Raises ForeignChange when somebody else holds or changed the share, SourceRefused when the canary
        arm is not well.
        """
        async with self._turn:
            if share == 0:
                await self._bring_share_home()  # needs nothing but the balancer
            else:
                await self._move(share, lease, fence)
        return self._observed(share, await self._platform.state())

    async def counters(self, slow_ms: tuple[float, float]) -> Arms:
        """Cumulative counters as Envoy answered clients: resets and missing upstreams are errors too."""
        at = self._clock.now()
        stable, canary = await self._admin.counts(self._clusters, slow_ms)
        return Arms(at=at, stable=stable, canary=canary)

    async def slow_limits(self) -> tuple[float, float] | None:
        """The stable arm's p90 and p99 since the balancer started, in ms; None before any answer."""
        return await self._admin.slow_limits(self._clusters[0])

    async def settle(self, version: str) -> Observed:
        """Roll the stable arm to the release, then take all traffic there and empty the canary arm.

        While the stable arm rolls, renew the share: it may take longer than a lease.
        """
        arms = await self._platform.state()
        replicas = max(1, len(arms.stable.replicas))
        await self._platform.bring("stable", version, replicas, f"Settle {version} after its canary")
        return await self._go_home()

    async def revert(self) -> Observed:
        """Bring the share to 0 first, whatever else is broken; then empty the canary arm."""
        return await self._go_home()

    def by_hand(self) -> str:
        """The command that sets the share to 0 at the balancer."""
        return self._admin.by_hand()

    async def _move(self, share: float, lease: timedelta, fence: int) -> None:
        if self._going_home:
            raise SourceRefused(self.name, "its traffic is being brought home")
        if not (await self._platform.state()).canary.ready:
            raise SourceRefused(self.name, "the canary arm has no healthy replica")
        held = self._lease.ours()
        ours = {0.0, held.share, held.previous} if held else {0.0}
        now = await self._admin.share()
        if now not in ours:
            raise ForeignChange(self.name, f"somebody else set the share to {now:.1%}")
        await self._lease.hold(share, lease, fence)
        await self._admin.set_share(share)

    async def _go_home(self) -> Observed:
        async with self._turn:
            self._going_home = True
            try:
                await self._bring_share_home()
            except BaseException:
                self._going_home = False
                raise
        try:
            arms = await self._platform.state()
            if arms.canary.replicas:
                version = arms.canary.version or arms.stable.version or ""
                await self._platform.bring("canary", version, 0, "Canary over")
        finally:
            self._going_home = False
        return await self.observe()

    async def _bring_share_home(self) -> None:
        now = await self._admin.share()
        if now > 0 and self._lease.ours() is None:
            raise ForeignChange(
                self.name, f"somebody else set the share to {now:.1%}; it is not ours to change"
            )
        if now > 0:
            await self._admin.set_share(0.0)
        self._lease.end()

    def _observed(self, share: float, arms: ArmStates) -> Observed:
        held = self._lease.read()
        return Observed(
            share=share,
            stable_version=arms.stable.version or "",
            stable_ready=arms.stable.ready,
            canary_version=arms.canary.version or "" if arms.canary.replicas else "",
            canary_ready=arms.canary.ready,
            owner=held.owner if held and held.active else "",
        )
