"""A LaunchDarkly flag: its variations are the versions, the fallthrough's rollout is the share.

Changed by semantic patch, which names the intent and leaves everything else of the flag alone. Users and
segments that are targeted by a rule stay where the rule puts them: only the fallthrough is moved, and at
share 0 it has one variation, so nobody sticks. The watchdog brings it home; a schedule of LaunchDarkly's own
would do so too, in plans that have it, and is not used.
"""

from typing import Any, Literal
from urllib.parse import quote

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.rollouts.flags.service import FlagService, FlagServiceSettings
from steadyhand.adapters.rollouts.switch import Serving
from steadyhand.ports import SourceRefused

_WHOLE = 100_000  # weights are in thousandths of a percent
_SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"


class LaunchDarklySettings(FlagServiceSettings):
    """One flag in one environment. Its variations are named as versions are."""

    kind: Literal["launchdarkly"]
    url: str = Field(default="https://app.launchdarkly.com", pattern=r"^https?://[^@]+$")
    project: str
    context_kind: str = Field(default="user", description="What a share is a share of.")


class LaunchDarkly:
    """A Switch over one flag."""

    def __init__(self, settings: LaunchDarklySettings, client: httpx2.AsyncClient, token: SecretStr) -> None:
        self.name = settings.name
        self._settings = settings
        self._service = FlagService(settings, "LaunchDarkly", client, token)

    async def serving(self) -> Serving:
        """The fallthrough. Raises SourceRefused where it rolls out anything but two variations."""
        flag = await self._flag()
        names = [_name(one) for one in flag["variations"]]
        environment = self._environment(flag)
        fallthrough = environment.get("fallthrough") or {}
        token = str(environment.get("version", ""))
        if "variation" in fallthrough:
            return Serving(stable=names[fallthrough["variation"]], token=token)
        weights = [
            (names[one["variation"]], one["weight"])
            for one in (fallthrough.get("rollout") or {}).get("variations", [])
            if one["weight"] > 0 or len(names) == 2  # noqa: PLR2004 - both arms
        ]
        if len(weights) != 2:  # noqa: PLR2004 - both arms
            raise SourceRefused(self.name, "its fallthrough rolls out other than two variations")
        return _of(weights, token)

    async def serve(self, wanted: Serving, seen: Serving) -> None:
        """One instruction, after a look that the environment's version is still the one that was seen."""
        flag = await self._flag()
        if str(self._environment(flag).get("version", "")) != seen.token:
            raise self._service.foreign()
        ids = {_name(one): one["_id"] for one in flag["variations"]}
        instruction: dict[str, Any] = {"kind": "updateFallthroughVariationOrRollout"}
        if wanted.canary:
            parts = round(wanted.share * _WHOLE)
            # The stable arm first: the order tells them apart when the weights are read back.
            weights = {ids[wanted.stable]: _WHOLE - parts, ids[wanted.canary]: parts}
            instruction |= {"rolloutWeights": weights, "rolloutContextKind": self._settings.context_kind}
        else:
            instruction["variationId"] = ids[wanted.stable]
        await self._patch(instruction, f"Steadyhand: {wanted.canary or wanted.stable} at {wanted.share:.1%}")

    async def check(self, version: str) -> None:
        """Whether the flag is on in this environment and has such a variation."""
        flag = await self._flag()
        if not self._environment(flag).get("on"):
            raise SourceRefused(
                self.name, f"the flag {self._settings.flag} is off: its fallthrough moves nobody"
            )
        names = [_name(one) for one in flag["variations"]]
        if version not in names:
            known = ", ".join(names)
            raise SourceRefused(self.name, f"the flag has no variation {version!r}; known are: {known}")

    def by_hand(self) -> str:
        """Where a person sets the fallthrough."""
        one = self._settings
        where = (
            f"{one.url.rstrip('/')}/projects/{one.project}/flags/{one.flag}/targeting?env={one.environment}"
        )
        return f"{where}: serve the stable variation by default"

    async def _flag(self) -> dict[str, Any]:
        flag = await self._service.read(self._url(), {"env": self._settings.environment})
        if "variations" not in flag:
            raise SourceRefused(self.name, f"{self._settings.flag} is no flag with variations")
        return flag

    async def _patch(self, instruction: dict[str, Any], comment: str) -> None:
        where = self._settings.environment
        body = {"environmentKey": where, "comment": comment, "instructions": [instruction]}
        await self._service.change("PATCH", self._url(), body, _SEMANTIC)

    def _environment(self, flag: dict[str, Any]) -> dict[str, Any]:
        environments: dict[str, dict[str, Any]] = flag.get("environments") or {}
        if self._settings.environment not in environments:
            raise SourceRefused(self.name, f"the flag has no environment {self._settings.environment!r}")
        return environments[self._settings.environment]

    def _url(self) -> str:
        one = self._settings
        return f"{one.url.rstrip('/')}/api/v2/flags/{quote(one.project, safe='')}/{quote(one.flag, safe='')}"


def _name(variation: dict[str, Any]) -> str:
    return str(variation.get("name") or variation.get("value"))


def _of(weights: list[tuple[str, int]], token: str) -> Serving:
    (stable, _), (canary, part) = weights
    return Serving(stable=stable, canary=canary, share=part / _WHOLE, token=token)
