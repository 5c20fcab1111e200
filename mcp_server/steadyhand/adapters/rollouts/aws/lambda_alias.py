"""Traffic by the weights of an AWS Lambda alias: a share for one more version of the function.

Every change names the alias's RevisionId, so one by somebody else in between is refused by AWS itself. A
version is the number that Lambda gave it, or the description it was published with, such as a release's
tag. Invocations are rolled one by one: nobody sticks.
"""

from typing import Any, Literal
from urllib.parse import quote, urlencode

from pydantic import Field

from steadyhand.adapters.rollouts.aws.api import Aws
from steadyhand.adapters.rollouts.aws.schedule import Reversal, ScheduledSettings
from steadyhand.adapters.rollouts.promql import PromqlCounters
from steadyhand.adapters.rollouts.switch import Serving
from steadyhand.ports import SourceRefused


class LambdaSettings(ScheduledSettings):
    """One alias of one function."""

    kind: Literal["aws_lambda"]
    function: str = Field(pattern=r"^[\w-]+$")
    alias: str = Field(pattern=r"^[\w-]+$")
    counters: PromqlCounters = Field(description="CloudWatch's minute is too coarse for a canary.")


class LambdaAlias:
    """A Switch over one alias."""

    def __init__(self, settings: LambdaSettings, aws: Aws) -> None:
        self.name = settings.name
        self._settings = settings
        self._aws = aws
        function, alias = quote(settings.function, safe=""), quote(settings.alias, safe="")
        self._function = f"/2015-03-31/functions/{function}"
        self._path = f"{self._function}/aliases/{alias}"

    async def serving(self) -> Serving:
        """The alias. Raises SourceRefused where it has a version that was not published."""
        alias = await self._aws.rest("lambda", "GET", self._path)
        named = {number: name for name, number in (await self._numbers()).items()}
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        canary, share = next(iter(weights.items()), ("", 0.0))
        return Serving(
            stable=named.get(alias["FunctionVersion"], alias["FunctionVersion"]),
            canary=named.get(canary, canary),
            share=share,
            token=alias["RevisionId"],
        )

    async def serve(self, wanted: Serving, seen: Serving) -> None:
        """One call; AWS refuses it where the alias is at another revision."""
        weights = {await self._number(wanted.canary): wanted.share} if wanted.canary else {}
        body = {
            "FunctionVersion": await self._number(wanted.stable),
            "RoutingConfig": {"AdditionalVersionWeights": weights},
            "RevisionId": seen.token,
        }
        await self._aws.rest("lambda", "PUT", self._path, body)

    async def check(self, version: str) -> None:
        """Whether it is published and can be invoked."""
        asked = urlencode({"Qualifier": await self._number(version)})
        found = await self._aws.rest("lambda", "GET", f"{self._function}/configuration?{asked}")
        if found.get("State", "Active") not in {"Active", "Inactive"}:  # an idle one wakes up by itself
            raise SourceRefused(self.name, f"{version} is {found['State']}: {found.get('StateReason', '')}")

    async def reversal(self) -> Reversal:
        """No weight for any other version."""
        given = {
            "FunctionName": self._settings.function,
            "Name": self._settings.alias,
            "RoutingConfig": {"AdditionalVersionWeights": {}},
        }
        return Reversal("arn:aws:scheduler:::aws-sdk:lambda:updateAlias", given)

    def by_hand(self) -> str:
        """The AWS command line's own."""
        one = self._settings
        where = f"--region {one.region} --function-name {one.function} --name {one.alias}"
        return f"aws lambda update-alias {where} --routing-config AdditionalVersionWeights={{}}"

    async def _number(self, version: str) -> str:
        if version.isdigit():
            return version
        numbers = await self._numbers()
        if version not in numbers:
            raise SourceRefused(
                self.name, f"no version of {self._settings.function} is described as {version!r}"
            )
        return numbers[version]

    async def _numbers(self) -> dict[str, str]:
        """The number of each description; of two with the same one the newer."""
        found: dict[str, str] = {}
        marker = ""
        while True:
            asked = urlencode({"MaxItems": "50"} | ({"Marker": marker} if marker else {}))
            page: dict[str, Any] = await self._aws.rest("lambda", "GET", f"{self._function}/versions?{asked}")
            for one in page.get("Versions", []):
                if one.get("Description") and one["Version"] != "$LATEST":
                    found[one["Description"]] = one["Version"]
            marker = page.get("NextMarker") or ""
            if not marker:
                return found
