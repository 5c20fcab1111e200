"""An Unleash flag: off and on are the versions, the rollout of one gradual strategy is the share.

A version on trial at 100 % looks like one that is there for good, so the strategy's title says which of
both it is while a rollout is under way. Users fall into an arm by a hash; at share 0 nobody is left in it.
Unleash has no lease: the watchdog brings it home.
"""

import json
from typing import Any, Final, Literal
from urllib.parse import quote

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.rollouts.flags.service import FlagService, FlagServiceSettings
from steadyhand.adapters.rollouts.switch import Serving
from steadyhand.ports import SourceRefused

_MARK: Final = "Steadyhand tries "
_KEPT: Final = ("name", "constraints", "segments", "variants", "sortOrder", "disabled")


class UnleashSettings(FlagServiceSettings):
    """One flag in one environment, with exactly one flexibleRollout strategy there."""

    kind: Literal["unleash"]
    url: str = Field(pattern=r"^https?://[^@]+$", description="Unleash, without /api.")
    project: str = "default"
    off_version: str = Field(default="off", description="What the flag is when it is off.")
    on_version: str = Field(default="on", description="What it is when it is on.")


class Unleash:
    """A Switch over the one strategy of a flag."""

    def __init__(self, settings: UnleashSettings, client: httpx2.AsyncClient, token: SecretStr) -> None:
        self.name = settings.name
        self._settings = settings
        self._service = FlagService(settings, "Unleash", client, token)

    async def serving(self) -> Serving:
        """From the strategy's rollout, and from its title which of both is new."""
        strategy = await self._strategy()
        part = _rollout(strategy) / 100
        off, on = self._settings.off_version, self._settings.on_version
        token = json.dumps(strategy, sort_keys=True)
        tried = str(strategy.get("title") or "").removeprefix(_MARK)
        if tried == off:
            return Serving(stable=on, canary=off, share=1 - part, token=token)
        if tried == on or 0 < part < 1:
            return Serving(stable=off, canary=on, share=part, token=token)
        return Serving(stable=on if part else off, token=token)

    async def serve(self, wanted: Serving, seen: Serving) -> None:
        """The whole strategy, if it is still as it was seen."""
        strategy = await self._strategy()
        if json.dumps(strategy, sort_keys=True) != seen.token:
            raise self._service.foreign()
        on_for = wanted.share if wanted.canary else 0.0
        if wanted.stable == self._settings.on_version:
            on_for = 1 - on_for
        percent = round(on_for * 100)
        if abs(percent - on_for * 100) > 1e-6:  # noqa: PLR2004 - a rollout is a whole number
            raise SourceRefused(self.name, f"a rollout is in whole percent, not {wanted.share:.2%}")
        body: dict[str, Any] = {key: strategy[key] for key in _KEPT if key in strategy}
        body["title"] = f"{_MARK}{wanted.canary}" if wanted.canary else ""
        body["parameters"] = {**strategy["parameters"], "rollout": str(percent)}
        environment = quote(self._settings.environment, safe="")
        url = f"{self._url()}/environments/{environment}/strategies/{strategy['id']}"
        await self._service.change("PUT", url, body)

    async def check(self, version: str) -> None:
        """Whether it is one of both, and the flag enabled in this environment."""
        one = self._settings
        if version not in {one.off_version, one.on_version}:
            raise SourceRefused(
                self.name, f"the flag is {one.off_version} or {one.on_version}, never {version!r}"
            )
        if not (await self._environment()).get("enabled"):
            raise SourceRefused(self.name, f"the flag {one.flag} is not enabled in {one.environment}")

    def by_hand(self) -> str:
        """Where a person sets the rollout."""
        one = self._settings
        return (
            f"{one.url.rstrip('/')}/projects/{one.project}/features/{one.flag}: rollout of {one.environment}"
        )

    async def _strategy(self) -> dict[str, Any]:
        strategies: list[dict[str, Any]] = (await self._environment()).get("strategies") or []
        if len(strategies) != 1 or strategies[0].get("name") != "flexibleRollout":
            raise SourceRefused(self.name, "the flag needs exactly one strategy, a gradual rollout")
        return strategies[0]

    async def _environment(self) -> dict[str, Any]:
        body = await self._service.read(self._url())
        for one in body.get("environments") or []:
            if one.get("name") == self._settings.environment:
                found: dict[str, Any] = one
                return found
        raise SourceRefused(self.name, f"the flag has no environment {self._settings.environment!r}")

    def _url(self) -> str:
        one = self._settings
        project, flag = quote(one.project, safe=""), quote(one.flag, safe="")
        return f"{one.url.rstrip('/')}/api/admin/projects/{project}/features/{flag}"


def _rollout(strategy: dict[str, Any]) -> int:
    return 0 if strategy.get("disabled") else int((strategy.get("parameters") or {}).get("rollout", "100"))
