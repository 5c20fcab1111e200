"""Drive an Argo Rollout: its own steps move the traffic, its own abort takes it back. Never beside it.

The steps must hold, in this order: a scale and a pause before any traffic, then each share that is asked for
and a pause without a duration after it (one with a duration goes on by itself while we are dead):

    [{setCanaryScale: {weight: 100}}, {pause: {}}, {setWeight: 5}, {pause: {}}, {setWeight: 100}, {pause: {}}]

Dead-man's switch: a watchdog process that aborts; and, against the death of its host, a background analysis
in the Rollout that asks our /healthz and aborts by itself after some failures (docs/howto has it).
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final, Literal

from pydantic import Field

from steadyhand.adapters.rollouts.image import version_of
from steadyhand.adapters.rollouts.kubernetes.arms import POLL, ROLLOUTS
from steadyhand.adapters.rollouts.kubernetes.cluster import (
    Cluster,
    ClusterSettings,
    Json,
    container,
    with_image,
)
from steadyhand.adapters.rollouts.platform import ArmName, ArmState, ArmStates, arm_state
from steadyhand.adapters.rollouts.promql import PromqlCounters
from steadyhand.ports import Clock, SourceRefused, SourceUnavailable

REPLICA_SETS: Final = "apis/apps/v1/replicasets"
_HASH: Final = "rollouts-pod-template-hash"
_NOBODY = ArmState()


class ArgoSettings(ClusterSettings):
    """One Rollout with a canary strategy and traffic routing. A version is the tag of its image."""

    kind: Literal["argo"]
    rollout: str = Field(description="The Rollout.")
    container: str = Field(default="", description="Whose image the version is; empty: the first one.")
    counters: PromqlCounters = Field(description="Argo counts no requests.")


class ArgoRollout:
    """A Knob and the Releases of one Rollout."""

    def __init__(self, settings: ArgoSettings, cluster: Cluster, clock: Clock) -> None:
        self.name = settings.name
        self._settings = settings
        self._cluster = cluster
        self._clock = clock

    async def share(self) -> float:
        """The weight that its traffic router was given last."""
        return _share(await self._look())

    async def set_share(self, share: float) -> None:
        """Jump to the step that sets this weight; 0 aborts. Raises SourceRefused where no step sets it."""
        found = await self._look()
        if share == 0:
            await self._status(found, {"abort": True})
        else:
            self._refuse_unless_driven(found)
            step = self._step_of(found, share)
            await self._status(found, {"pauseConditions": None, "currentStepIndex": step})
        await self._wait(lambda one: _share(one) == share, f"the share to become {share:g}")

    async def admit(self) -> None:
        """A pod is taken in when it is ready."""

    async def evict(self) -> None:
        """An abort takes the canary out of the router; nobody sticks to what gets nothing."""

    def by_hand(self) -> str:
        """Argo's own command."""
        return f"kubectl argo rollouts abort {self._settings.rollout} -n {self._settings.namespace}"

    async def state(self) -> ArmStates:
        """The ReplicaSet that is stable, and the one on its way where there is another."""
        found = await self._look()
        stable, current = _hashes(found)
        canary = await self._arm(current) if current != stable else _NOBODY
        return ArmStates(stable=await self._arm(stable), canary=canary)

    async def bring(self, arm: ArmName, version: str, replicas: int, summary: str) -> None:  # noqa: ARG002
        """Canary: a new image, up to the pause before any traffic. Stable: promote it in full."""
        if arm == "stable":
            await self._promote(version)
        elif replicas == 0:
            await self._give_up()
        else:
            await self._begin(version, replicas)

    async def _begin(self, version: str, replicas: int) -> None:
        found = await self._look()
        if not self._pauses_before_traffic(found):
            raise SourceRefused(self.name, "its first steps give traffic before they pause: see kind: argo")
        if self._version(found) != version:
            await self._set_image(found, version)
        elif (found.get("status") or {}).get("abort"):
            await self._status(found, {"abort": False})  # a retry of what was aborted

        await self._wait(_rests, "to pause before any traffic")
        ends = self._clock.now() + self._settings.release_timeout
        while (ready := (await self.state()).canary.ready) < replicas:
            if self._clock.now() >= ends:
                why = f"{ready} of {replicas} canary pods are ready: see setCanaryScale in its steps"
                raise SourceUnavailable(self.name, why)
            await self._clock.sleep(POLL)

    async def _give_up(self) -> None:
        """Back to the image of the stable pods: until then an aborted Rollout cannot be tried again."""
        stable = (await self.state()).stable.version
        found = await self._look()
        if stable and self._version(found) != stable:
            await self._set_image(found, stable)
        await self._wait(lambda one: len(set(_hashes(one))) == 1, "to be all stable again")

    async def _promote(self, version: str) -> None:
        found = await self._look()
        if self._version(found) != version:
            await self._set_image(found, version)
            found = await self._wait(lambda one: len(set(_hashes(one))) > 1 or _is_done(one), "to begin")
        if not _is_done(found):
            await self._status(found, {"promoteFull": True})
        await self._wait(_is_done, f"{version} to be stable")

    async def _set_image(self, found: Json, version: str) -> None:
        template = found["spec"].get("template")
        if template is None:
            raise SourceRefused(self.name, "its template is a workloadRef: give it a template of its own")
        change = with_image(template, self._settings.container, version, self.name)
        change["metadata"] = {"resourceVersion": found["metadata"]["resourceVersion"]}
        await self._cluster.patch(ROLLOUTS, self._settings.rollout, change)

    async def _status(self, found: Json, change: dict[str, Any]) -> None:
        version = {"resourceVersion": found["metadata"]["resourceVersion"]}
        body = {"metadata": version, "status": change}
        await self._cluster.patch(ROLLOUTS, self._settings.rollout, body, "status")

    async def _look(self) -> Json:
        found = await self._cluster.get(ROLLOUTS, self._settings.rollout)
        if "trafficRouting" not in ((found["spec"].get("strategy") or {}).get("canary") or {}):
            raise SourceRefused(
                self.name, "without strategy.canary.trafficRouting a weight is a number of pods"
            )
        return found

    async def _wait(self, reached: Callable[[Json], bool], what: str) -> Json:
        ends = self._clock.now() + self._settings.release_timeout
        while not (_is_seen(found := await self._look()) and reached(found)):
            if self._clock.now() >= ends:
                said = (found.get("status") or {}).get("message", "")
                raise SourceUnavailable(self.name, f"waited in vain for {what}: {said}"[:300])
            await self._clock.sleep(POLL)
        return found

    async def _arm(self, pod_hash: str) -> ArmState:
        sets = await self._cluster.find(REPLICA_SETS, {_HASH: pod_hash})
        if not sets:
            return _NOBODY
        one = sets[0]
        wanted, ready = one["spec"].get("replicas", 0), (one.get("status") or {}).get("readyReplicas", 0)
        image = container(one["spec"]["template"], self._settings.container, self.name)["image"]
        return arm_state(version_of(image) if wanted else None, wanted, min(ready, wanted))

    def _version(self, found: Json) -> str:
        return version_of(container(found["spec"]["template"], self._settings.container, self.name)["image"])

    def _refuse_unless_driven(self, found: Json) -> None:
        if (found.get("status") or {}).get("abort"):
            raise SourceRefused(self.name, "somebody aborted it")
        if found["spec"].get("paused"):
            raise SourceRefused(self.name, "somebody paused it")

    def _step_of(self, found: Json, share: float) -> int:
        steps = _steps(found)
        for i, (step, then) in enumerate(pairwise(steps)):
            if step.get("setWeight") == round(share * 100) and then.get("pause") == {}:
                return i
        raise SourceRefused(
            self.name, f"no step sets the weight {share * 100:g} and then pauses without a duration"
        )

    def _pauses_before_traffic(self, found: Json) -> bool:
        for step in _steps(found):
            if "pause" in step:
                return bool(step["pause"] == {})
            if step.get("setWeight"):
                return False
        return False


def _steps(found: Json) -> list[Json]:
    steps: list[Json] = found["spec"]["strategy"]["canary"].get("steps") or []
    return steps


def _hashes(found: Json) -> tuple[str, str]:
    status = found.get("status") or {}
    return str(status.get("stableRS", "")), str(status.get("currentPodHash", ""))


def _share(found: Json) -> float:
    status = found.get("status") or {}
    weights = (status.get("canary") or {}).get("weights") or {}
    if len(set(_hashes(found))) == 1:
        return 0.0
    return float((weights.get("canary") or {}).get("weight", 0)) / 100


def _rests(found: Json) -> bool:
    status = found.get("status") or {}
    return bool(status.get("pauseConditions")) and _share(found) == 0 and not status.get("abort")


def _is_done(found: Json) -> bool:
    status = found.get("status") or {}
    return len(set(_hashes(found))) == 1 and status.get("phase") == "Healthy"


def _is_seen(found: Json) -> bool:
    """Whether Argo has taken the latest change of the spec in; it keeps the number as text."""
    seen = str((found.get("status") or {}).get("observedGeneration", "0"))
    return seen == str(found["metadata"].get("generation", 0))
