"""A ticket queue in GitHub issues: an issue for each incident, what follows as comments, closed after."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.channels.settings import ApiUrl, ChannelRule
from steadyhand.adapters.channels.wording import mark, markdown, one_line
from steadyhand.adapters.http import Answer, Web
from steadyhand.journey.commands import TALK
from steadyhand.journey.rule import Duration
from steadyhand.ports import Letter, SourceError, SourceRefused

_TITLE, _BODY = 200, 60_000  # GitHub: 256 and 65,536
_PAGE, _MOST_PAGES = 100, 3
_VERSION = "2022-11-28"


class GitHubSettings(ChannelRule):
    """A repository whose issues are the queue."""

    kind: Literal["github"] = "github"
    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="owner/name")
    token_env: str = Field(description="Environment variable with a token that may write issues.")
    label: str = Field(default="steadyhand", min_length=1, description="By it our issues are found again.")
    url: ApiUrl = "https://api.github.com"
    timeout: Duration = timedelta(seconds=8)


class GitHubTickets:
    """A Channel whose messages are issues and comments. The target is one more label; it may be empty."""

    def __init__(self, settings: GitHubSettings, client: httpx2.AsyncClient, token: SecretStr) -> None:
        self.name = settings.called
        self.carries = TALK
        self.receipt_within: timedelta | None = None
        self._settings = settings
        self._issues = f"{settings.url}/repos/{settings.repository}/issues"
        self._web = Web(
            source=self.name,
            client=client,
            deadline=settings.timeout,
            tries=1,  # a 5xx may come after the issue was made: look before trying again
            headers={
                "Authorization": f"Bearer {token.get_secret_value()}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": _VERSION,
                "User-Agent": "steadyhand",
            },
            secrets=(token,),
        )

    async def send(self, letter: Letter) -> str:
        """Open an issue, or comment on the thread's. Returns its number. Raises SourceError."""
        body = f"{markdown(letter.body, _BODY)}{_foot(letter)}"
        if not letter.first:
            labels = [self._settings.label, *([letter.target] if letter.target else [])]
            title = one_line(letter.subject, _TITLE) or "(no title)"
            made = await self._write(self._issues, {"title": title, "body": body, "labels": labels})
            return str(made["number"])
        issue = f"{self._issues}/{quote(letter.first, safe='')}"
        text = f"**{markdown(one_line(letter.subject, _TITLE), 2 * _TITLE)}**\n\n{body}"
        if letter.act == "resolved":  # first: the comment then says that all of it was done
            await self._write(issue, {"state": "closed", "state_reason": "completed"}, "PATCH")
        await self._write(f"{issue}/comments", {"body": text})
        return letter.first

    async def find(self, letter: Letter) -> str:
        """The issue, or its comment, that carries our mark. Raises SourceError: a queue can wait."""
        params = {"labels": self._settings.label, "state": "all", "sort": "created", "direction": "desc"}
        found = await self._look(self._issues, params, letter)
        if found or not letter.first:
            return str(found["number"]) if found else ""
        issue = f"{self._issues}/{quote(letter.first, safe='')}"
        return letter.first if await self._look(f"{issue}/comments", {}, letter) else ""

    async def ready(self) -> Sequence[str]:
        """Whether the token sees the repository, and issues are switched on there."""
        url = f"{self._settings.url}/repos/{self._settings.repository}"
        try:
            seen = self._checked(await self._web.read(url), HTTPStatus.OK)
        except SourceError as error:
            return (str(error),)
        if isinstance(seen, dict) and not seen.get("has_issues"):
            return (f"{self.name}: {self._settings.repository} has its issues switched off",)
        return ()

    async def _look(self, url: str, params: Mapping[str, str], letter: Letter) -> Mapping[str, Any] | None:
        for page in range(1, _MOST_PAGES + 1):
            asked = {**params, "per_page": str(_PAGE), "page": str(page)}
            rows = self._checked(await self._web.read(url, asked), HTTPStatus.OK)
            if not isinstance(rows, list):
                raise SourceRefused(self.name, "its list is none")
            for one in rows:
                if _mark(letter) in str(one.get("body")):
                    return dict(one)
            if len(rows) < _PAGE:
                return None
        return None

    async def _write(
        self, url: str, body: Mapping[str, object], method: Literal["POST", "PATCH"] = "POST"
    ) -> Mapping[str, Any]:
        content = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        answer = await self._web.write(url, content=content, headers=headers, method=method)
        wanted = HTTPStatus.OK if method == "PATCH" else HTTPStatus.CREATED
        said = self._checked(answer, wanted)
        if not isinstance(said, dict):
            raise self._web.refusal(answer, "no object")
        return said

    def _checked(self, answer: Answer, wanted: HTTPStatus) -> object:
        said = answer.json()
        if answer.status != wanted:
            raise self._web.refusal(answer, str(said.get("message", "")) if isinstance(said, dict) else "")
        return said


def _mark(letter: Letter) -> str:
    return f"<!-- steadyhand:{mark(letter.key)} -->"


def _foot(letter: Letter) -> str:
    shown = [f"Incident {letter.incident}" if letter.incident else "", letter.link]
    words = "\n".join(one for one in shown if one)
    return f"\n\n{words}\n\n{_mark(letter)}"
