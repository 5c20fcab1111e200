"""Arms as two Deployments: what they run, and who else believes to own them."""

from datetime import timedelta
from typing import Final

from pydantic import Field

from steadyhand.adapters.rollouts.image import version_of
from steadyhand.adapters.rollouts.kubernetes.cluster import (
    Cluster,
    ClusterSettings,
    Json,
    container,
    with_image,
)
from steadyhand.adapters.rollouts.platform import ArmName, ArmState, ArmStates, arm_state
from steadyhand.ports import Clock, SourceRefused, SourceUnavailable

DEPLOYMENTS: Final = "apis/apps/v1/deployments"
ROLLOUTS: Final = "apis/argoproj.io/v1alpha1/rollouts"
CANARIES: Final = "apis/flagger.app/v1beta1/canaries"
POLL: Final = timedelta(milliseconds=500)


class ArmSettings(ClusterSettings):
    """Two Deployments of one service. A version is the tag (or the digest) of their image."""

    stable: str = Field(description="The Deployment of the stable arm.")
    canary: str = Field(description="The Deployment of the canary arm; 0 replicas at rest.")
    container: str = Field(default="", description="Whose image the version is; empty: the first one.")


class DeploymentArms:
    """The Releases of two Deployments."""

    def __init__(self, settings: ArmSettings, cluster: Cluster, clock: Clock) -> None:
        self._names = {"stable": settings.stable, "canary": settings.canary}
        self._settings = settings
        self._cluster = cluster
        self._clock = clock

    async def state(self) -> ArmStates:
        """What both run."""
        stable, canary = [await self._cluster.get(DEPLOYMENTS, one) for one in self._names.values()]
        return ArmStates(stable=self._state(stable), canary=self._state(canary))

    async def bring(self, arm: ArmName, version: str, replicas: int, summary: str) -> None:
        """Set image and replicas at once, and wait until every pod is of them and ready."""
        found = await self._cluster.get(DEPLOYMENTS, self._names[arm])
        if self._state(found).runs(version, replicas) and _is_seen(found):
            return
        await self._refuse_what_another_owns()
        # An empty version is an arm that is emptied without ever having run.
        change = (
            with_image(_template(found), self._settings.container, version, self._cluster.name)
            if version
            else {}
        )
        change.setdefault("spec", {})["replicas"] = replicas
        change["metadata"] = {
            "resourceVersion": found["metadata"]["resourceVersion"],
            "annotations": {"kubernetes.io/change-cause": f"Steadyhand: {summary}"},
        }
        await self._cluster.patch(DEPLOYMENTS, self._names[arm], change)
        await self._wait_until(arm, version, replicas)

    async def _wait_until(self, arm: ArmName, version: str, replicas: int) -> None:
        ends = self._clock.now() + self._settings.release_timeout
        while True:
            found = await self._cluster.get(DEPLOYMENTS, self._names[arm])
            state = self._state(found)
            if _is_seen(found) and state.runs(version, replicas):
                return
            if self._clock.now() >= ends:
                seen = f"{state.ready} of {replicas} pods ready, version {state.version}"
                raise SourceUnavailable(
                    self._cluster.name, f"the {arm} arm did not come to {version}: {seen}"
                )
            await self._clock.sleep(POLL)

    async def _refuse_what_another_owns(self) -> None:
        """A progressive-delivery controller would undo, or be confused by, what we do beside it."""
        for kind, reference, driver in (
            (CANARIES, "targetRef", "flagger"),
            (ROLLOUTS, "workloadRef", "argo"),
        ):
            for one in await self._cluster.find(kind):
                name = (one.get("spec", {}).get(reference) or {}).get("name")
                owned = {f"{name}-primary", name} & set(self._names.values())
                if owned:
                    why = f"{one['metadata']['name']} owns {owned.pop()}: use kind: {driver}"
                    raise SourceRefused(self._cluster.name, why)

    def _state(self, found: Json) -> ArmState:
        image = container(_template(found), self._settings.container, self._cluster.name)["image"]
        status, wanted = found.get("status") or {}, found["spec"].get("replicas", 1)
        ready = min(status.get("readyReplicas", 0), status.get("updatedReplicas", 0))
        return arm_state(version_of(image) if wanted else None, wanted, ready)


def _is_seen(found: Json) -> bool:
    """Whether the controller has taken the latest change in: before, its status is of an older one."""
    seen: int = (found.get("status") or {}).get("observedGeneration", 0)
    return seen >= int(found["metadata"].get("generation", 0))


def _template(found: Json) -> Json:
    template: Json = found["spec"]["template"]
    return template
