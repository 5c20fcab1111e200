"""The release platform behind a small HTTP door: what each arm runs, and orders to run something else.

GET  /state     -> {"arms": {"stable": {"version": "1.0", "replicas": [{"healthy": true}]}, "canary": ...}}
POST /releases  <- {"service", "arm", "version", "replicas", "author", "summary"}; absolute, repeatable
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import httpx2
from pydantic import BaseModel, Field, SecretStr, ValidationError

from steadyhand.adapters.http import Answer, Web, authorization
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import Clock, SourceRefused, SourceUnavailable

_POLL = timedelta(milliseconds=250)
ArmName = Literal["stable", "canary"]


class PlatformSettings(Rule):
    """The door to what releases; a balancer's settings stand beside it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="The service whose traffic this is.")
    deploy_url: str = Field(pattern=r"^https?://[^@]+$", description="The platform that releases.")
    deploy_secret_env: str = Field(default="", description="Environment variable with its bearer token.")
    release_timeout: Duration = Field(default=timedelta(seconds=90), description="For a release to run.")


class _Replica(BaseModel):
    healthy: bool


class ArmState(BaseModel):
    """What one arm runs; no version when it runs nothing."""

    version: str | None = None
    replicas: tuple[_Replica, ...] = ()

    @property
    def ready(self) -> int:
        """Healthy replicas."""
        return sum(one.healthy for one in self.replicas)

    def runs(self, version: str, replicas: int) -> bool:
        """Whether it is exactly that many replicas of this release, all healthy."""
        return self.ready == replicas == len(self.replicas) and (self.version == version or not replicas)


def arm_state(version: str | None, wanted: int, ready: int) -> ArmState:
    """An arm of so many replicas, so many of them ready."""
    health = [{"healthy": i < ready} for i in range(wanted)]
    return ArmState.model_validate({"version": version, "replicas": health})


class ArmStates(BaseModel):
    """Both arms."""

    stable: ArmState
    canary: ArmState = ArmState()


class _State(BaseModel):
    arms: ArmStates


class _Problem(BaseModel):
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Asks for releases of one service, and waits until they run."""

    quick: Web
    patient: Web
    url: str
    service: str
    clock: Clock

    async def state(self) -> ArmStates:
        """What both arms run. Raises SourceError."""
        answer = await self.quick.read(f"{self.url}/state")
        return self._understood(answer)

    async def bring(self, arm: ArmName, version: str, replicas: int, summary: str) -> None:
        """Bring an arm to this release and return once it runs there, healthy.

        Raises SourceError, and EffectUnknown when the order was sent and no answer came.
        """
        if getattr(await self.state(), arm).runs(version, replicas):
            return
        order = {
            "service": self.service,
            "arm": arm,
            "version": version,
            "replicas": replicas,
            "author": "steadyhand",
            "summary": summary,
        }
        headers = {"content-type": "application/json"}
        answer = await self.patient.write(
            f"{self.url}/releases", content=json.dumps(order).encode(), headers=headers
        )
        self._understood(answer)
        await self._wait_until(arm, version, replicas)

    async def _wait_until(self, arm: ArmName, version: str, replicas: int) -> None:
        ends = self.clock.now() + self.patient.deadline
        while not (found := getattr(await self.state(), arm)).runs(version, replicas):
            if self.clock.now() >= ends:
                seen = f"{found.ready} of {replicas} replicas healthy, version {found.version}"
                raise SourceUnavailable(self.service, f"the {arm} arm did not come to {version}: {seen}")
            await self.clock.sleep(_POLL)

    def _understood(self, answer: Answer) -> ArmStates:
        if not answer.ok:
            raise self.quick.refusal(answer, _told(answer))
        try:
            return _State.model_validate_json(answer.body).arms
        except ValidationError as error:
            raise SourceRefused(self.quick.source, "its state is not in the expected form") from error


def platform(
    settings: PlatformSettings,
    client: httpx2.AsyncClient,
    secret: SecretStr | None,
    clock: Clock,
    quick: timedelta = timedelta(seconds=2),
) -> Platform:
    """The platform of these settings. `quick` is the deadline of everything but a release."""

    def web(deadline: timedelta) -> Web:
        return Web(
            source=f"{settings.name} platform",
            client=client,
            deadline=deadline,
            headers=authorization("bearer" if secret else "none", "", secret),
            secrets=(secret,) if secret else (),
        )

    return Platform(
        quick=web(quick),
        patient=web(settings.release_timeout),
        url=settings.deploy_url.rstrip("/"),
        service=settings.name,
        clock=clock,
    )


def _told(answer: Answer) -> str:
    try:
        return _Problem.model_validate_json(answer.body).error
    except ValidationError:
        return ""
