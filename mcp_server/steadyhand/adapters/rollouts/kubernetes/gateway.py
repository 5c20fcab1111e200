"""Traffic by the Gateway API: the weights of two Services in one rule of an HTTPRoute.

The route is changed as a whole under its resourceVersion, so a change by anybody else in between is seen
and not crossed. Weights are rolled request by request by most implementations; session persistence, where a
policy sets it, ends with weight 0. The Gateway API has no lease: the watchdog brings traffic home.
"""

from typing import Final, Literal

from pydantic import Field

from steadyhand.adapters.rollouts.kubernetes.arms import ArmSettings
from steadyhand.adapters.rollouts.kubernetes.cluster import Cluster, Json
from steadyhand.adapters.rollouts.promql import PromqlCounters
from steadyhand.ports import SourceRefused

ROUTES: Final = "apis/gateway.networking.k8s.io/v1/httproutes"
_WHOLE = 10_000


class GatewaySettings(ArmSettings):
    """An HTTPRoute with one rule that names both Services, beside two Deployments."""

    kind: Literal["gateway"]
    route: str = Field(description="The HTTPRoute.")
    stable_service: str = Field(description="The Service before the stable Deployment.")
    canary_service: str = Field(description="The Service before the canary Deployment.")
    counters: PromqlCounters = Field(description="The route counts no requests.")


class RouteKnob:
    """A Knob over the weights of an HTTPRoute."""

    def __init__(self, settings: GatewaySettings, cluster: Cluster) -> None:
        self.name = settings.name
        self._settings = settings
        self._cluster = cluster

    async def share(self) -> float:
        """The canary's weight as a part of both. Raises SourceRefused where rules differ or none has both."""
        shares = {self._of(rule) for rule in await self._rules(await self._route())}
        if len(shares) > 1:
            raise SourceRefused(self.name, f"the rules of {self._settings.route} give different shares")
        return shares.pop()

    async def set_share(self, share: float) -> None:
        """In every rule that names both Services; what else the route holds stays as it is."""
        route = await self._route()
        weights = {
            self._settings.canary_service: round(share * _WHOLE),
            self._settings.stable_service: _WHOLE - round(share * _WHOLE),
        }
        for rule in await self._rules(route):
            for one in rule["backendRefs"]:
                one["weight"] = weights.get(one["name"], one.get("weight", 1))
        change = {
            "metadata": {"resourceVersion": route["metadata"]["resourceVersion"]},
            "spec": {"rules": route["spec"]["rules"]},
        }
        await self._cluster.patch(ROUTES, self._settings.route, change)
        now = await self.share()
        if now != share:
            raise SourceRefused(self.name, f"the share was set to {share:g} and reads {now:g}")

    async def admit(self) -> None:
        """The gateway tries the Service as requests come."""

    async def evict(self) -> None:
        """A backend of weight 0 gets no requests, sticky or not."""

    def by_hand(self) -> str:
        """The weight by hand: emptying the arm instead would fail its part of the traffic."""
        return (
            f"kubectl -n {self._settings.namespace} edit httproute/{self._settings.route}"
            f"  # weight of {self._settings.canary_service}: 0"
        )

    async def _route(self) -> Json:
        return await self._cluster.get(ROUTES, self._settings.route)

    async def _rules(self, route: Json) -> list[Json]:
        both = {self._settings.stable_service, self._settings.canary_service}
        rules = route["spec"].get("rules") or []
        mine = [rule for rule in rules if both <= {one["name"] for one in rule.get("backendRefs") or []}]
        if not mine:
            why = f"no rule of {self._settings.route} names both {' and '.join(sorted(both))}"
            raise SourceRefused(self.name, why)
        return mine

    def _of(self, rule: Json) -> float:
        weights = {one["name"]: int(one.get("weight", 1)) for one in rule["backendRefs"]}
        canary, stable = weights[self._settings.canary_service], weights[self._settings.stable_service]
        return canary / (canary + stable) if canary else 0.0
