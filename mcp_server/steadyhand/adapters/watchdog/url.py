"""A watchdog whose address is fetched while all is well, as Healthchecks and Dead Man's Snitch want it."""

from datetime import timedelta

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.http import Web
from steadyhand.journey.rule import Duration, Rule

_DEADLINE = timedelta(seconds=10)


class WatchdogRule(Rule):
    """An outside watchdog that hears from us while all is well, and pages when it does not."""

    url_env: str = Field(
        default="",
        description="Names the environment variable with the address to fetch; empty for no watchdog.",
    )
    every: Duration = Field(default=timedelta(seconds=30), description="How often.")


class UrlWatchdog:
    """Fetches the address. It is a secret: whoever knows it can keep the watchdog quiet."""

    def __init__(self, rule: WatchdogRule, http: httpx2.AsyncClient, url: SecretStr) -> None:
        self.every = rule.every
        self._url = url
        self._web = Web(source="watchdog", client=http, deadline=_DEADLINE, tries=1, secrets=(url,))

    async def ping(self) -> None:
        """Say that all is well; takes ten seconds at most. Raises SourceError."""
        answer = await self._web.read(self._url.get_secret_value())
        if not answer.ok:
            raise self._web.refusal(answer)
