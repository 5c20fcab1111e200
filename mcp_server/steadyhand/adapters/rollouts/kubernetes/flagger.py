"""Drive Flagger: it moves the traffic, and the gates it asks before each step are opened and shut by us.

The Canary needs `stepWeights` with each share that is asked for, 100 the last of them, and three webhooks on
the gates of its load tester: confirm-traffic-increase and confirm-promotion on /gate/check, rollback on
/rollback/check. A closed gate halts it where it is. Flagger knows no direct abort: the way back takes up to
one `interval` of its analysis.

Dead-man's switch: a watchdog process that opens the rollback gate; and, against the death of its host, a
webhook of type `rollout` that asks our /healthz, so that Flagger itself counts failed checks and goes back.
Not a `rollback` webhook on us: that one acts on success, so it would stay silent when we are dead.
"""

from collections.abc import Callable
from typing import Final, Literal

import httpx2
from pydantic import Field

from steadyhand.adapters.http import Web
from steadyhand.adapters.rollouts.kubernetes.arms import (
    CANARIES,
    DEPLOYMENTS,
    POLL,
    ArmSettings,
    DeploymentArms,
)
from steadyhand.adapters.rollouts.kubernetes.cluster import Cluster, Json, with_image
from steadyhand.adapters.rollouts.platform import ArmName, ArmStates
from steadyhand.adapters.rollouts.promql import PromqlCounters
from steadyhand.ports import Clock, SourceRefused, SourceUnavailable

_UNDER_WAY: Final = frozenset({"Progressing", "Waiting", "WaitingPromotion", "Promoting", "Finalising"})
_GATES: Final = frozenset({"confirm-traffic-increase", "confirm-promotion", "rollback"})
_ATTEMPT: Final = "steadyhand.io/attempt"


class FlaggerSettings(ArmSettings):
    """One Canary. `canary` is its target Deployment, `stable` the -primary that Flagger made of it."""

    kind: Literal["flagger"]
    resource: str = Field(description="The Canary.")
    gate_url: str = Field(pattern=r"^https?://[^@]+$", description="The load tester that keeps its gates.")
    counters: PromqlCounters = Field(description="Flagger counts no requests.")


class FlaggerCanary:
    """A Knob and the Releases of one Canary."""

    def __init__(
        self, settings: FlaggerSettings, cluster: Cluster, client: httpx2.AsyncClient, clock: Clock
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._cluster = cluster
        self._clock = clock
        self._arms = DeploymentArms(settings, cluster, clock)
        self._gates = Web(source=f"{settings.name} gates", client=client, deadline=settings.timeout)

    async def share(self) -> float:
        """The weight that Flagger's status tells while it is at work; 0 at rest."""
        return _share(await self._look())

    async def set_share(self, share: float) -> None:
        """Open the gate until this weight is reached, then shut it; 0 opens the gate to roll back."""
        found = await self._look()
        if share == 0:
            await self._roll_back()
            return
        self._must_be_a_step(found, share)
        if _share(found) != share:
            await self._through("gate", lambda one: _share(one) >= share or not _is_at_work(one))
        now = await self.share()
        if now != share:
            raise SourceRefused(self.name, f"the share was to become {share:g} and reads {now:g}")

    async def admit(self) -> None:
        """Flagger waits for its pods itself."""

    async def evict(self) -> None:
        """Flagger takes the canary out of the router; nobody sticks to what gets nothing."""

    def by_hand(self) -> str:
        """Open the rollback gate."""
        body = f'{{"name": "{self._settings.resource}", "namespace": "{self._settings.namespace}"}}'
        return f"curl -d '{body}' {self._settings.gate_url.rstrip('/')}/rollback/open"

    async def state(self) -> ArmStates:
        """Both Deployments."""
        return await self._arms.state()

    async def bring(self, arm: ArmName, version: str, replicas: int, summary: str) -> None:  # noqa: ARG002
        """Canary: a new image, until Flagger has begun. Stable: through the last gate, until it succeeded."""
        if arm == "stable":
            await self._promote(version)
        elif replicas == 0:
            await self._roll_back()
        else:
            await self._begin(version, replicas)

    async def _begin(self, version: str, replicas: int) -> None:
        found = await self._look()
        self._must_be_gated(found)
        if not (_is_at_work(found) and (await self.state()).canary.version == version):
            await self._ask("gate", "close")
            await self._set_image(version, replicas, again=_phase(found) == "Failed")
        await self._wait(lambda one: _phase(one) == "Progressing", "Flagger to begin")
        ends = self._clock.now() + self._settings.release_timeout
        while (ready := (await self.state()).canary.ready) < replicas:
            if self._clock.now() >= ends:
                raise SourceUnavailable(self.name, f"{ready} of {replicas} canary pods are ready")
            await self._clock.sleep(POLL)

    async def _promote(self, version: str) -> None:
        state = await self.state()
        if state.stable.version == version and not _is_at_work(await self._look()):
            return
        if state.canary.version == version:
            await self._through("gate", lambda one: not _is_at_work(one))
        else:
            await self._release_at_once(version, max(1, len(state.stable.replicas)))
        if (found := (await self.state()).stable.version) != version:
            raise SourceRefused(self.name, f"Flagger ended, and the stable arm runs {found}")

    async def _release_at_once(self, version: str, replicas: int) -> None:
        """Back to a version that was stable before: by Flagger's own way past its analysis."""
        await self._skip_analysis(wanted=True)
        try:
            await self._set_image(version, replicas, again=False)
            await self._wait(lambda one: _phase(one) == "Succeeded", f"{version} to be released")
        finally:
            await self._skip_analysis(wanted=False)

    async def _skip_analysis(self, *, wanted: bool) -> None:
        await self._cluster.patch(CANARIES, self._settings.resource, {"spec": {"skipAnalysis": wanted}})

    async def _roll_back(self) -> None:
        if _is_at_work(await self._look()):
            await self._through("rollback", lambda one: not _is_at_work(one))

    async def _set_image(self, version: str, replicas: int, *, again: bool) -> None:
        found = await self._cluster.get(DEPLOYMENTS, self._settings.canary)
        template = found["spec"]["template"]
        change = with_image(template, self._settings.container, version, self.name)
        change["spec"]["replicas"] = replicas
        change["metadata"] = {"resourceVersion": found["metadata"]["resourceVersion"]}
        if again:  # what failed is not tried again unless something of it changed
            mark = {_ATTEMPT: found["metadata"]["resourceVersion"]}
            change["spec"]["template"]["metadata"] = {"annotations": mark}
        await self._cluster.patch(DEPLOYMENTS, self._settings.canary, change)

    async def _through(self, gate: str, reached: Callable[[Json], bool]) -> None:
        """Open a gate until that is so; whatever happens it is shut again."""
        await self._ask(gate, "open")
        try:
            await self._wait(reached, f"Flagger to pass its {gate}")
        finally:
            await self._ask(gate, "close")

    async def _ask(self, gate: str, order: str) -> None:
        url = f"{self._settings.gate_url.rstrip('/')}/{gate}/{order}"
        body = f'{{"name": "{self._settings.resource}", "namespace": "{self._settings.namespace}"}}'
        headers = {"content-type": "application/json"}
        answer = await self._gates.write(url, content=body.encode(), headers=headers)
        if not answer.ok:
            raise self._gates.refusal(answer)

    async def _wait(self, reached: Callable[[Json], bool], what: str) -> None:
        ends = self._clock.now() + self._settings.release_timeout
        while not reached(found := await self._look()):
            if self._clock.now() >= ends:
                raise SourceUnavailable(self.name, f"waited in vain for {what}; it is {_phase(found)}")
            await self._clock.sleep(POLL)

    async def _look(self) -> Json:
        return await self._cluster.get(CANARIES, self._settings.resource)

    def _must_be_gated(self, found: Json) -> None:
        hooks = {one.get("type") for one in found["spec"].get("analysis", {}).get("webhooks") or []}
        if missing := sorted(_GATES - hooks):
            raise SourceRefused(
                self.name, f"its analysis lacks the webhooks {', '.join(missing)}: see kind: flagger"
            )

    def _must_be_a_step(self, found: Json, share: float) -> None:
        steps = found["spec"].get("analysis", {}).get("stepWeights") or []
        if share * 100 not in steps:
            raise SourceRefused(self.name, f"stepWeights {steps} hold no {share * 100:g}")
        if _share(found) > share:
            raise SourceRefused(
                self.name, f"it is at {_share(found):.0%} already, and takes no step back but to 0"
            )
        if not _is_at_work(found):
            raise SourceRefused(self.name, f"it is {_phase(found)}: nothing is under way")


def _phase(found: Json) -> str:
    return str((found.get("status") or {}).get("phase", ""))


def _is_at_work(found: Json) -> bool:
    return _phase(found) in _UNDER_WAY


def _share(found: Json) -> float:
    weight = (found.get("status") or {}).get("canaryWeight", 0)
    return float(weight) / 100 if _is_at_work(found) else 0.0
