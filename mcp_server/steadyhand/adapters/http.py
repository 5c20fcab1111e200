"""Asking an outside system over HTTP: deadlines, bounded retries, a cap on the answer, named failures."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal

import httpx2
from pydantic import SecretStr

from steadyhand.adapters.unreachable import why_unreachable
from steadyhand.journey.rule import show_duration
from steadyhand.ports import EffectUnknown, SourceError, SourceRefused, SourceUnavailable

_LONGEST_NUMBER = 7  # more digits are no wait that anybody means
PAGE = "a page of HTML"
RETRY_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer that is no call for a retry; its text is untrusted."""

    status: int
    body: bytes
    retry_after_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 -- the class of successes, as HTTP defines it

    def json(self) -> object:
        """The decoded body, None where it is not JSON."""
        try:
            decoded: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return decoded


class _Again(Exception):
    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """One outside system. `source` names it in errors; nothing of a URL or header ever does."""

    source: str
    client: httpx2.AsyncClient
    deadline: timedelta = timedelta(seconds=10)
    tries: int = 3
    largest_bytes: int = 16 * 1024 * 1024
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[SecretStr, ...] = ()
    way_out: str = ""  # what to do when the sign-in is refused
    wait_header: str = "retry-after"
    later: frozenset[int] = RETRY_LATER  # statuses by which it asks to come again
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def read(self, url: str, params: Mapping[str, str] | None = None) -> Answer:
        """GET it; tried again on a network error, 408, 429 and 5xx, all within the deadline.

        Raises SourceUnavailable when no usable answer came, SourceRefused on a redirect or an answer
        too large. Any other 4xx is returned: the caller knows what it means.
        """
        return await self._with_retries(self._request("GET", url, params=params), effect=False)

    async def ask(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        method: Literal["POST", "DELETE"] = "POST",
    ) -> Answer:
        """POST a question, which changes nothing there: tried again and failing as `read` does."""
        request = self._request(method, url, params=params, content=content, headers=headers)
        return await self._with_retries(request, effect=False)

    async def write(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST",
        tls_name: str = "",
    ) -> Answer:
        """POST (or `method`) it; tried again only where the far end said "later" or nothing was sent.

        `tls_name` is whom the certificate must be for, where the address in `url` is no name.
        Raises as `read` does, and EffectUnknown when the request was sent and no answer came.
        """
        request = self._request(method, url, params=params, content=content, headers=headers)
        if tls_name:
            request.extensions["sni_hostname"] = tls_name
        return await self._with_retries(request, effect=True)

    def refusal(self, answer: Answer, why: str = "") -> SourceError:
        """The error for a status that cannot be helped; `why` is the far end's text."""
        words = PAGE if is_page(why) else why
        told = self.clean(f"answered {answer.status}{': ' if words else ''}{words}")
        refused = answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
        return SourceRefused(self.source, f"{told}; {self.way_out}" if refused and self.way_out else told)

    def clean(self, text: str) -> str:
        """The far end's text fit for an error: on one line, at most 300 characters, without our secrets."""
        for secret in self.secrets:
            text = text.replace(secret.get_secret_value(), "***")
        return " ".join(text.split())[:300]

    def _request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Request:
        try:
            return self.client.build_request(
                method,
                url,
                params=params,
                content=content,
                headers={**self.headers, **(headers or {})},
                timeout=self.deadline.total_seconds(),
            )
        except httpx2.InvalidURL:
            raise SourceRefused(self.source, "its address is not valid") from None  # the text quotes it

    async def _with_retries(self, request: httpx2.Request, *, effect: bool) -> Answer:
        now = asyncio.get_running_loop().time
        ends = now() + self.deadline.total_seconds()
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._once(request, ends, effect=effect)
            except _Again as again:
                wait_s = _wait_s(attempt, again.wait_s)
                if attempt >= self.tries or now() + wait_s > ends:
                    asked = None if again.wait_s is None else timedelta(seconds=again.wait_s)
                    wish = "" if asked is None else f"; it asks to wait {show_duration(asked)}"
                    tried = f"{again} (tries: {attempt}){wish}"
                    raise SourceUnavailable(self.source, tried, asked) from again.__cause__
                await self.pause(wait_s)

    async def _once(self, request: httpx2.Request, ends: float, *, effect: bool) -> Answer:
        try:
            async with asyncio.timeout_at(ends):
                return await self._exchange(request)
        except TimeoutError as error:
            failure = EffectUnknown if effect else SourceUnavailable
            limit = f"{self.deadline.total_seconds():g} s"
            raise failure(self.source, f"no answer within {limit}") from error
        except httpx2.TransportError as error:
            raise self._translate(error, effect=effect) from error
        except httpx2.HTTPError as error:
            raise SourceRefused(self.source, f"unreadable answer: {type(error).__name__}") from error

    async def _exchange(self, request: httpx2.Request) -> Answer:
        response = await self.client.send(request, stream=True, follow_redirects=False)
        try:
            wait_s = _wait_asked_s(response.headers, self.wait_header)
            answer = Answer(response.status_code, await self._body(response), wait_s, response.headers)
        finally:
            await response.aclose()
        # GitHub says 403 for "too fast" as well; only the header tells it from "never".
        if answer.status in self.later or (answer.status == HTTPStatus.FORBIDDEN and wait_s is not None):
            raise _Again(f"answered {answer.status}", wait_s)
        if response.is_redirect:
            raise SourceRefused(self.source, f"answered {answer.status}; redirects are not followed")
        return answer

    async def _body(self, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self.largest_bytes:
                raise SourceRefused(self.source, f"answer larger than {self.largest_bytes:,} bytes")
        return bytes(body)

    def _translate(self, error: httpx2.TransportError, *, effect: bool) -> Exception:
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
            return SourceRefused(self.source, f"the request cannot be sent: {type(error).__name__}")
        not_sent = isinstance(
            error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout | httpx2.ProxyError
        )
        if effect and not not_sent:
            return EffectUnknown(self.source, f"sent, but no answer came: {type(error).__name__}")
        return _Again(f"not reachable: {why_unreachable(error)}")


def is_page(text: str) -> bool:
    """Whether a far end answered as to a browser: a sign-in, a proxy, or another system than was meant."""
    return text.lstrip()[:14].lower().startswith(("<!doctype html", "<html"))


def authorization(
    kind: Literal["none", "bearer", "basic"], user: str, secret: SecretStr | None
) -> dict[str, str]:
    """The Authorization header for a kind of sign-in. Raises ValueError when its secret is missing."""
    if kind == "none":
        return {}
    if secret is None or not secret.get_secret_value():
        raise ValueError(f"{kind} sign-in needs a secret")
    if kind == "bearer":
        return {"Authorization": f"Bearer {secret.get_secret_value()}"}
    header = httpx2.BasicAuth(user, secret.get_secret_value())
    request = next(header.sync_auth_flow(httpx2.Request("GET", "http://localhost")))
    return {"Authorization": request.headers["Authorization"]}


def _wait_s(attempt: int, asked_s: float | None) -> float:
    if asked_s is not None:
        return asked_s
    return 0.2 * (1 << attempt) * random.uniform(0.5, 1.0)  # noqa: S311 -- jitter, not a secret


def _wait_asked_s(headers: Mapping[str, str], name: str) -> float | None:
    """The wait the far end asks for: seconds, or an instant, which is counted by its own clock (RFC 9110)."""
    text = headers.get(name, "")
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < _LONGEST_NUMBER else None
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return max(wait.total_seconds(), 0.0)
