"""What flag services have in common: one flag in one environment, read and changed over HTTP with a token."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.http import Answer, Web
from steadyhand.adapters.rollouts.promql import PromqlCounters
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import ForeignChange, SourceError

_CONFLICT = 409
_JSON = "application/json"


class FlagServiceSettings(Rule):
    """One flag in one environment."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="The service whose traffic this is.")
    environment: str
    flag: str
    secret_env: str = Field(description="Environment variable with a token that may write this flag.")
    counters: PromqlCounters = Field(description="A flag counts no requests.")
    timeout: Duration = timedelta(seconds=5)


class FlagService:
    """The far end of one flag. What it refuses is told in its own words, never with the token."""

    def __init__(
        self, settings: FlagServiceSettings, called: str, client: httpx2.AsyncClient, token: SecretStr
    ) -> None:
        self._settings = settings
        self._web = Web(
            source=f"{settings.name} {called}",
            client=client,
            deadline=settings.timeout,
            headers={"Authorization": token.get_secret_value()},  # both want it bare, without "Bearer"
            secrets=(token,),
        )

    async def read(self, url: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The object there. Raises SourceError."""
        answer = await self._web.read(url, params)
        found = answer.json()
        if not answer.ok or not isinstance(found, dict):
            raise self._refusal(answer)
        return found

    async def change(
        self, method: Literal["PUT", "PATCH"], url: str, body: object, content_type: str = _JSON
    ) -> None:
        """Send a change. Raises ForeignChange where another one came first; SourceError, EffectUnknown."""
        content, headers = json.dumps(body).encode(), {"content-type": content_type}
        answer = await self._web.write(url, method=method, content=content, headers=headers)
        if answer.status == _CONFLICT:
            raise self.foreign()
        if not answer.ok:
            raise self._refusal(answer)

    def foreign(self) -> ForeignChange:
        """The error for a flag that is no longer as it was seen."""
        why = f"somebody else changed the flag {self._settings.flag} in between"
        return ForeignChange(self._settings.name, why)

    def _refusal(self, answer: Answer) -> SourceError:
        body = answer.json()
        return self._web.refusal(answer, str(body.get("message", "")) if isinstance(body, dict) else "")
