"""A ticket queue in Jira Cloud: one issue for each incident, what follows as comments, done at the end."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.channels.settings import ApiUrl, ChannelRule
from steadyhand.adapters.channels.wording import cut, mark, one_line, visible
from steadyhand.adapters.http import Answer, Web, authorization
from steadyhand.journey.commands import TALK
from steadyhand.journey.rule import Duration
from steadyhand.ports import Clock, Letter, SourceError

_SUMMARY, _BODY = 250, 30_000  # Jira: 255 and 32,767
_INDEX_LAG = timedelta(seconds=3)
_GIVEN = frozenset({"project", "issuetype", "summary", "description", "labels", "reporter"})


class JiraSettings(ChannelRule):
    """A project whose issues are the queue."""

    kind: Literal["jira"] = "jira"
    url: ApiUrl = Field(description="https://your-site.atlassian.net")
    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]+$", description="Its key, e.g. OPS.")
    issue_type: str = "Task"
    user: str = Field(description="The e-mail address the token belongs to.")
    token_env: str = Field(description="Environment variable with the API token.")
    timeout: Duration = timedelta(seconds=8)


class JiraTickets:
    """A Channel whose messages are issues and comments. The target is one more label; it may be empty."""

    def __init__(
        self, settings: JiraSettings, client: httpx2.AsyncClient, token: SecretStr, clock: Clock
    ) -> None:
        self.name = settings.called
        self.carries = TALK
        self.receipt_within: timedelta | None = None
        self._settings = settings
        self._clock = clock
        self._api = f"{settings.url}/rest/api/3"
        self._web = Web(
            source=self.name,
            client=client,
            deadline=settings.timeout,
            tries=1,  # a 5xx may come after the issue was made: look before trying again
            headers={"Accept": "application/json", **authorization("basic", settings.user, token)},
            secrets=(token,),
        )

    async def send(self, letter: Letter) -> str:
        """Open an issue, or comment on the thread's. Returns its key. Raises SourceError."""
        if not letter.first:
            made = await self._write(f"{self._api}/issue", {"fields": self._fields(letter)})
            return str(made["key"])
        issue = self._issue(letter)
        if letter.act == "resolved":  # first: the comment then says that all of it was done
            await self._close(issue)
        await self._write(f"{issue}/comment", {"body": _document(letter)})
        return letter.first

    async def find(self, letter: Letter) -> str:
        """The issue that carries our label, or the comment our mark; the index lags, so it looks twice.

        Raises SourceError: a queue can wait.
        """
        if letter.first:
            seen = self._checked(await self._web.read(f"{self._issue(letter)}/comment"), HTTPStatus.OK)
            return letter.first if mark(letter.key) in json.dumps(seen) else ""
        found = await self._search(letter)
        if not found:
            await self._clock.sleep(_INDEX_LAG)
            found = await self._search(letter)
        return found

    async def ready(self) -> Sequence[str]:
        """Whether the project and its issue type are there, and ask for no field that we do not fill."""
        project, wanted = self._settings.project, self._settings.issue_type
        types = f"{self._api}/issue/createmeta/{project}/issuetypes"
        try:
            kinds = self._checked(await self._web.read(types), HTTPStatus.OK).get("issueTypes") or ()
            kind = next((one for one in kinds if one.get("name") == wanted), None)
            if kind is None:
                return (f"{self.name}: {project} has no issue type {wanted}",)
            asked = self._checked(await self._web.read(f"{types}/{quote(str(kind['id']))}"), HTTPStatus.OK)
        except SourceError as error:
            return (str(error),)
        return tuple(
            f"{self.name}: {project} asks for {one.get('name')} in a {wanted}; take another issue type"
            for one in asked.get("fields") or ()
            if one.get("required") and not one.get("hasDefaultValue") and one.get("fieldId") not in _GIVEN
        )

    def _fields(self, letter: Letter) -> Mapping[str, object]:
        target = [one_line(letter.target, 200).replace(" ", "-")] if letter.target else []
        return {
            "project": {"key": self._settings.project},
            "issuetype": {"name": self._settings.issue_type},
            "summary": one_line(letter.subject, _SUMMARY) or "(no title)",
            "labels": ["steadyhand", _label(letter), *target],
            "description": _document(letter),
        }

    async def _search(self, letter: Letter) -> str:
        params = {"jql": f'labels = "{_label(letter)}"', "fields": "key", "maxResults": "1"}
        seen = self._checked(await self._web.read(f"{self._api}/search/jql", params), HTTPStatus.OK)
        issues = seen.get("issues") or ()
        return str(issues[0]["key"]) if issues else ""

    async def _close(self, issue: str) -> None:
        """By the first transition that leads to a done status; a workflow without one is left to people."""
        seen = self._checked(await self._web.read(f"{issue}/transitions"), HTTPStatus.OK)
        for one in seen.get("transitions") or ():
            if one["to"]["statusCategory"]["key"] == "done":
                await self._write(f"{issue}/transitions", {"transition": {"id": one["id"]}})
                return

    def _issue(self, letter: Letter) -> str:
        return f"{self._api}/issue/{quote(letter.first, safe='')}"

    async def _write(self, url: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        headers = {"content-type": "application/json"}
        answer = await self._web.write(url, content=json.dumps(body).encode(), headers=headers)
        if answer.status == HTTPStatus.NO_CONTENT:
            return {}
        return self._checked(answer, HTTPStatus.CREATED)

    def _checked(self, answer: Answer, wanted: HTTPStatus) -> Mapping[str, Any]:
        said = answer.json()
        if answer.status != wanted or not isinstance(said, dict):
            raise self._web.refusal(answer, _why(said))
        return said


def _label(letter: Letter) -> str:
    return f"steadyhand-{mark(letter.key)}"


def _document(letter: Letter) -> Mapping[str, object]:
    """In Atlassian's document format, where text is text and nothing in it is markup."""
    head = [] if not letter.first else [one_line(letter.subject, _SUMMARY)]
    body = cut(visible(letter.body), _BODY).split("\n")
    foot = [f"Incident {letter.incident}" if letter.incident else "", letter.link]
    lines = [one.strip() for one in (*head, *body, *foot, f"[{mark(letter.key)}]") if one.strip()]
    return {"type": "doc", "version": 1, "content": [_paragraph(one) for one in lines]}


def _paragraph(text: str) -> Mapping[str, object]:
    return {"type": "paragraph", "content": [{"type": "text", "text": text}]}


def _why(said: object) -> str:
    if not isinstance(said, dict):
        return ""
    fields = (f"{name}: {text}" for name, text in (said.get("errors") or {}).items())
    return "; ".join([*(said.get("errorMessages") or ()), *fields])
