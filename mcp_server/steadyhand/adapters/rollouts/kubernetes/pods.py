"""Traffic by pods: two Deployments behind one Service, and a label that says which pods the Service takes.

A share is a number of pods: with 3 and 3 the smallest is 25 %, and 5 % takes 19 stable pods and one. What
pods cannot express is refused, not rounded. A label takes an arm out of the Service without scaling it, so
that the old version stays warm at share 1. Kubernetes has no lease: the watchdog brings traffic home.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Literal

from pydantic import Field

from steadyhand.adapters.rollouts.kubernetes.arms import DEPLOYMENTS, ArmSettings
from steadyhand.adapters.rollouts.kubernetes.cluster import Cluster, Json
from steadyhand.adapters.rollouts.promql import PromqlCounters
from steadyhand.journey.rule import Share
from steadyhand.ports import SourceRefused

PODS: Final = "api/v1/pods"
LABEL: Final = "steadyhand.io/traffic"
_ASKED: Final = "steadyhand.io/share"


class KubernetesSettings(ArmSettings):
    """Two Deployments whose pods carry the label steadyhand.io/traffic: "on" (stable), "off" (canary)."""

    kind: Literal["kubernetes"]
    counters: PromqlCounters = Field(description="The cluster counts no requests.")
    near: Share = Field(default=0.005, description="A share may be missed by this much.")
    capacity: Share = Field(
        default=1.0, description="Pods in service, at least, as a part of the stable arm's."
    )


class PodKnob:
    """A Knob over the labels of pods."""

    def __init__(self, settings: KubernetesSettings, cluster: Cluster) -> None:
        self.name = settings.name
        self._settings = settings
        self._cluster = cluster

    async def share(self) -> float:
        """What was asked for, where the pods in service are those it asks for; else their exact part."""
        canary, stable, asked = await self._look()
        serving = (_count(canary), _count(stable))
        if asked is not None and serving == self._split(asked, len(canary), len(stable)):
            return asked
        total = sum(serving)
        return serving[0] / total if total else 0.0

    async def set_share(self, share: float) -> None:
        """Into the Service first, then out of it: it is never left empty."""
        canary, stable, _ = await self._look()
        split = self._split(share, len(canary), len(stable))
        if split is None:
            raise SourceRefused(self.name, self._cannot(share, len(canary), len(stable)))
        changes = [_changes(canary, split[0]), _changes(stable, split[1])]
        await self._label([name for on, _ in changes for name in on], "on")
        await self._label([name for _, off in changes for name in off], "off")
        note = {"metadata": {"annotations": {_ASKED: f"{share:g}"}}}
        await self._cluster.patch(DEPLOYMENTS, self._settings.canary, note)
        now = await self.share()
        if now != share:
            raise SourceRefused(self.name, f"the share was set to {share:g} and reads {now:g}")

    async def admit(self) -> None:
        """The Service takes a pod once it is ready and labelled."""

    async def evict(self) -> None:
        """A Service with session affinity forgets a pod that left it: nobody sticks."""

    def by_hand(self) -> str:
        """Empty the canary arm; its pods are all that traffic can go to."""
        return f"kubectl -n {self._settings.namespace} scale deployment/{self._settings.canary} --replicas=0"

    async def _look(self) -> tuple[Sequence[Json], Sequence[Json], float | None]:
        stable, canary = [
            await self._cluster.get(DEPLOYMENTS, one)
            for one in (self._settings.stable, self._settings.canary)
        ]
        asked = (canary["metadata"].get("annotations") or {}).get(_ASKED)
        return await self._pods(canary), await self._pods(stable), float(asked) if asked else None

    async def _pods(self, deployment: Json) -> Sequence[Json]:
        """Its pods that could serve, in an order that does not change."""
        labels = deployment["spec"]["selector"]["matchLabels"]
        if LABEL in labels:
            raise SourceRefused(
                self.name, f"{LABEL} must not be in a Deployment's selector: pods would be orphaned"
            )
        pods = await self._cluster.find(PODS, labels)
        return sorted((one for one in pods if _is_ready(one)), key=lambda one: str(one["metadata"]["name"]))

    async def _label(self, names: Sequence[str], value: str) -> None:
        change = {"metadata": {"labels": {LABEL: value}}}
        await asyncio.gather(*(self._cluster.patch(PODS, name, change) for name in names))

    def _split(self, share: float, canary: int, stable: int) -> tuple[int, int] | None:
        return pods_for(share, canary, stable, self._settings.near, self._settings.capacity)

    def _cannot(self, share: float, canary: int, stable: int) -> str:
        least = min((c / (c + s) for c in range(1, canary + 1) for s in range(1, stable + 1)), default=1.0)
        return (
            f"{canary} canary and {stable} stable pods cannot serve {share:.1%}: their smallest share is"
            f" {least:.1%}. Raise canary.share or the replicas, or split by kind: gateway"
        )


def pods_for(share: float, canary: int, stable: int, near: float, capacity: float) -> tuple[int, int] | None:
    """How many pods of each arm serve this share: the nearest split, of those the one with most pods.

    None where no split comes as near as `near`, or all leave fewer than `capacity` of the stable arm's pods.
    """
    whole = [
        (c, s)
        for c in range(canary + 1)
        for s in range(stable + 1)
        if c + s >= max(1, capacity * stable) and abs(c / (c + s) - share) <= near
    ]
    if share in {0.0, 1.0}:
        whole = [(c, s) for c, s in whole if c / (c + s) == share]
    return min(whole, key=lambda one: (abs(one[0] / sum(one) - share), -sum(one)), default=None)


def _changes(pods: Sequence[Json], wanted: int) -> tuple[list[str], list[str]]:
    """Which pods to let in and which to take out; those in service already come first."""
    ordered = sorted(pods, key=lambda one: not _serves(one))
    on = [str(one["metadata"]["name"]) for one in ordered[:wanted] if not _serves(one)]
    off = [str(one["metadata"]["name"]) for one in ordered[wanted:] if _serves(one)]
    return on, off


def _count(pods: Sequence[Json]) -> int:
    return sum(map(_serves, pods))


def _serves(pod: Json) -> bool:
    return (pod["metadata"].get("labels") or {}).get(LABEL) == "on"


def _is_ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]
