"""Arms that are ECS services, each behind a target group of its own. A version is the tag of the image."""

from datetime import timedelta
from typing import Any, Final

from pydantic import Field

from steadyhand.adapters.rollouts.aws.api import Aws, AwsSettings
from steadyhand.adapters.rollouts.image import retagged, version_of
from steadyhand.adapters.rollouts.platform import ArmName, ArmState, ArmStates, arm_state
from steadyhand.journey.rule import Rule
from steadyhand.ports import Clock, SourceRefused, SourceUnavailable

_POLL: Final = timedelta(seconds=1)
_API: Final = "AmazonEC2ContainerServiceV20141113"
_KEPT: Final = (  # what a new revision of a task definition takes over from the one before
    *("family", "taskRoleArn", "executionRoleArn", "networkMode", "containerDefinitions", "volumes"),
    *("placementConstraints", "requiresCompatibilities", "cpu", "memory", "pidMode", "ipcMode"),
    *("proxyConfiguration", "ephemeralStorage", "runtimePlatform"),
)


class EcsArmSettings(Rule):
    """Two services of one cluster."""

    cluster: str
    stable: str = Field(description="The service of the stable arm.")
    canary: str = Field(description="The service of the canary arm; 0 tasks at rest.")
    container: str = Field(default="", description="Whose image the version is; empty: the first one.")


class EcsArms:
    """The Releases of two ECS services."""

    def __init__(self, settings: AwsSettings, arms: EcsArmSettings, aws: Aws, clock: Clock) -> None:
        self._settings = settings
        self._arms = arms
        self._names = {"stable": arms.stable, "canary": arms.canary}
        self._aws = aws
        self._clock = clock

    async def state(self) -> ArmStates:
        """What both run."""
        services = await self._services()
        stable, canary = [await self._state(services[name]) for name in self._names.values()]
        return ArmStates(stable=stable, canary=canary)

    async def bring(self, arm: ArmName, version: str, replicas: int, summary: str) -> None:  # noqa: ARG002
        """A new task definition where the image differs, and the count; returns once it is steady."""
        service = (await self._services())[self._names[arm]]
        if (await self._state(service)).runs(version, replicas) and _is_steady(service):
            return
        definition = await self._definition(service)
        used = definition["taskDefinitionArn"]
        if replicas and version_of(self._container(definition)["image"]) != version:
            used = await self._register(definition, version)
        order = {
            "cluster": self._arms.cluster,
            "service": self._names[arm],
            "taskDefinition": used,
            "desiredCount": replicas,
        }
        await self._call("UpdateService", order)
        await self._wait_until(arm, version, replicas)

    async def _wait_until(self, arm: ArmName, version: str, replicas: int) -> None:
        ends = self._clock.now() + self._settings.release_timeout
        while True:
            service = (await self._services())[self._names[arm]]
            state = await self._state(service)
            if _is_steady(service) and state.runs(version, replicas):
                return
            if self._clock.now() >= ends:
                seen = f"{state.ready} of {replicas} tasks run, version {state.version}"
                raise SourceUnavailable(
                    self._settings.name, f"the {arm} arm did not come to {version}: {seen}"
                )
            await self._clock.sleep(_POLL)

    async def _register(self, definition: dict[str, Any], version: str) -> str:
        chosen = self._container(definition)
        image = retagged(chosen["image"], version)
        fresh: dict[str, Any] = {key: definition[key] for key in _KEPT if key in definition}
        fresh["containerDefinitions"] = [
            {**one, "image": image} if one is chosen else one for one in definition["containerDefinitions"]
        ]
        made = await self._call("RegisterTaskDefinition", fresh)
        return str(made["taskDefinition"]["taskDefinitionArn"])

    async def _services(self) -> dict[str, dict[str, Any]]:
        names = list(self._names.values())
        found = await self._call("DescribeServices", {"cluster": self._arms.cluster, "services": names})
        services = {one["serviceName"]: one for one in found.get("services", []) if one["status"] == "ACTIVE"}
        missing = sorted(set(names) - set(services))
        if missing:
            raise SourceRefused(self._settings.name, f"there is no active ECS service {', '.join(missing)}")
        return services

    async def _state(self, service: dict[str, Any]) -> ArmState:
        wanted = service["desiredCount"]
        version = version_of(self._container(await self._definition(service))["image"]) if wanted else None
        new = [one for one in service.get("deployments", []) if one["status"] == "PRIMARY"]
        return arm_state(version, wanted, min(wanted, sum(one["runningCount"] for one in new)))

    async def _definition(self, service: dict[str, Any]) -> dict[str, Any]:
        asked = {"taskDefinition": service["taskDefinition"]}
        found: dict[str, Any] = (await self._call("DescribeTaskDefinition", asked))["taskDefinition"]
        return found

    def _container(self, definition: dict[str, Any]) -> dict[str, Any]:
        wanted = self._arms.container
        for one in definition["containerDefinitions"]:
            if not wanted or one["name"] == wanted:
                found: dict[str, Any] = one
                return found
        raise SourceRefused(self._settings.name, f"the task definition has no container {wanted!r}")

    async def _call(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._aws.target("ecs", f"{_API}.{action}", body)


def _is_steady(service: dict[str, Any]) -> bool:
    """Whether one deployment is left, and it runs what is wanted."""
    deployments = service.get("deployments", [])
    return len(deployments) == 1 and service["runningCount"] == service["desiredCount"]
