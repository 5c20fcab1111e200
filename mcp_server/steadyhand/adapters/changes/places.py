"""What change sources have in common: which service lives where, lasting ids, lists told page by page."""

import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from steadyhand.adapters.http import Answer, Web
from steadyhand.journey.evidence.model import Change, Window
from steadyhand.journey.rule import Duration, Rule, show_duration
from steadyhand.ports import SourceRefused, SourceUnavailable

SUMMARY = 500
LONGEST_DIFF = 20_000
_NEXT = re.compile(r'<(?P<url>[^>]+)>\s*;[^,]*\brel="?next"?')
_TOO_FAST = frozenset({403, 429})


def _plain(url: str) -> str:
    if "@" in url.split("/")[2]:
        raise ValueError("holds a user or password; use token_env")
    return url.rstrip("/")


Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+"), AfterValidator(_plain)]


class ChangeRule(Rule):
    """What every change source is told."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="How the page calls it.")
    timeout: Duration = Field(default=timedelta(seconds=6), description="For one question with its retries.")
    most_pages: int = Field(default=5, ge=1, le=50, description="Of a list; older changes are left out.")


class Repository(Rule):
    """Where one service's code is kept."""

    repository: str = Field(pattern=r"^[\w.-]+(/[\w.-]+)+$", description="owner/name, or group/../name.")
    path: str = Field(
        default="",
        description="Only changes to files below it, where several services share one repository.",
    )
    branch: str = Field(default="", description="What is deployed; empty: the default branch.")
    environment: str = Field(default="production", description="Only deployments to it.")


def stable_id(source: str, *parts: object) -> str:
    """An id that is the same on every look, short enough to be typed, and holds nothing of the vendor's."""
    return f"{source}-{hashlib.sha256('|'.join(map(str, parts)).encode()).hexdigest()[:10]}"


def way_out(token_env: str) -> str:
    """What to do when the sign-in is refused."""
    return f"check the secret in ${token_env} and that its account may read this"


def instant(text: object) -> datetime | None:
    """The instant an API wrote in ISO 8601, None where it wrote none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def short(version: object) -> str:
    """A commit as people write it; anything else as it is."""
    text = str(version or "")
    return text[:10] if re.fullmatch(r"[0-9a-f]{40}", text) else text[:100]


def first_line(text: object) -> str:
    """The line of a message that says what it is about."""
    lines = str(text or "").strip().splitlines()
    return lines[0][:SUMMARY] if lines else ""


def within(changes: Sequence[Change], window: Window) -> Sequence[Change]:
    """Those that began in the window, oldest first."""
    mine = [one for one in changes if window.start <= one.started_at < window.end]
    return sorted(mine, key=lambda one: (one.started_at, one.id))


Reader = Callable[[str, Repository, Window], Awaitable[Sequence[Change]]]


async def read_all(
    readers: Sequence[Reader], places: Mapping[str, Repository], services: Sequence[str], window: Window
) -> Sequence[Change]:
    """What each reader tells of each service's repository, in the window. Raises SourceError."""
    found: list[Change] = []
    for service, place in places.items():
        if service in services:
            for read in readers:
                found += await read(service, place, window)
    return within(found, window)


def cut(text: str) -> str:
    """A diff no longer than a change may carry; what is missing is told."""
    if len(text) <= LONGEST_DIFF:
        return text
    note = f"\n… {len(text) - LONGEST_DIFF + 60} characters more"
    return text[: LONGEST_DIFF - len(note)] + note


def is_below(name: object, path: str) -> bool:
    """Whether a file of a repository is this path or lies below it."""
    folder = path.strip("/")
    return isinstance(name, str) and (name == folder or name.startswith(f"{folder}/"))


def body_of(web: Web, answer: Answer) -> Any:  # noqa: ANN401 - JSON
    """The decoded body of a success. Raises SourceError, SourceUnavailable where it came too often."""
    if answer.status in _TOO_FAST and answer.headers.get("x-ratelimit-remaining") == "0":
        wait = _until_reset(answer.headers)
        when = "" if wait is None else f" for {show_duration(wait)}"
        raise SourceUnavailable(web.source, f"its limit of requests is used up{when}", wait)
    body = answer.json()
    if not answer.ok:
        said = body.get("message", body.get("error", "")) if isinstance(body, dict) else ""
        raise web.refusal(answer, str(said))
    if body is None:
        raise SourceRefused(web.source, "its answer is no JSON")
    return body


def _until_reset(headers: Mapping[str, str]) -> timedelta | None:
    """How long its limit is used up, by its own clock; None where it does not say."""
    try:
        there = parsedate_to_datetime(headers.get("date", ""))
        reset = datetime.fromtimestamp(int(headers.get("x-ratelimit-reset", "")), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return max(reset - there, timedelta())


async def pages(
    web: Web, url: str, params: Mapping[str, str], most: int
) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    """A list page by page, along its Link headers, at most so many. Raises SourceError.

    A link to another host is refused: our token would go with it.
    """
    home = url.split("/")[2]
    asked: Mapping[str, str] | None = params
    for _ in range(most):
        answer = await web.read(url, asked)
        rows = body_of(web, answer)
        if not isinstance(rows, list):
            raise SourceRefused(web.source, "its list is none")
        yield [one for one in rows if isinstance(one, dict)]
        onward = _NEXT.search(answer.headers.get("link", ""))
        if onward is None:
            return
        url, asked = onward["url"], None
        if url.split("/")[2:3] != [home]:
            raise SourceRefused(web.source, "its next page is at another host")
