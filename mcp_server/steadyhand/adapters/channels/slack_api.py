"""Calling Slack's Web API: a 200 that says `ok: false` is an error, and some errors pass."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx2
from pydantic import SecretStr

from steadyhand.adapters.http import Answer, Web
from steadyhand.ports import SourceRefused, SourceUnavailable

_PASSING = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "service_unavailable", "fatal_error", "request_timeout"}
)
_PAGE = 200
_MOST_PAGES = 25  # 5,000 channels; a name further down is better given as an id


class SlackError(SourceRefused):
    """Slack said no; `code` is its word for why."""

    def __init__(self, source: str, code: str) -> None:
        super().__init__(source, f"Slack says {code}")
        self.code = code


class SlackApi:
    """One workspace, one bot token."""

    def __init__(
        self, source: str, url: str, client: httpx2.AsyncClient, token: SecretStr, deadline: timedelta
    ) -> None:
        self._url = url
        self._web = Web(
            source=source,
            client=client,
            deadline=deadline,
            tries=1,  # a 5xx may come after the message was posted: look before trying again
            headers={"Authorization": f"Bearer {token.get_secret_value()}"},
            secrets=(token,),
        )

    async def write(self, method: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        """Call a method that changes something. Raises SlackError, SourceError, EffectUnknown."""
        headers = {"content-type": "application/json; charset=utf-8"}
        content = json.dumps(body).encode()
        return self._checked(await self._web.write(f"{self._url}/{method}", content=content, headers=headers))

    async def read(self, method: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """Call a method that only looks. Raises SlackError, SourceError."""
        return self._checked(await self._web.read(f"{self._url}/{method}", params))

    async def pages(self, method: str, params: Mapping[str, str], rows: str) -> AsyncIterator[Any]:
        """Every row of a method that answers in pages. Raises as `read` does."""
        cursor = ""
        for _ in range(_MOST_PAGES):
            asked = {**params, "limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
            answer = await self.read(method, asked)
            for row in answer.get(rows) or ():
                yield row
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _checked(self, answer: Answer) -> Mapping[str, Any]:
        said = answer.json()
        if not isinstance(said, dict) or answer.status != HTTPStatus.OK:
            raise self._web.refusal(answer)
        if said.get("ok") is True:
            return said
        code = self._web.clean(str(said.get("error", "no reason")))
        if code in _PASSING:
            wait = None if answer.retry_after_s is None else timedelta(seconds=answer.retry_after_s)
            raise SourceUnavailable(self._web.source, f"Slack says {code}", wait)
        raise SlackError(self._web.source, code)
