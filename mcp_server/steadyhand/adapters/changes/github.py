"""Deployments, releases and commits of GitHub repositories; a diff is the comparison of two commits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import quote

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.changes.places import (
    ChangeRule,
    Repository,
    Url,
    body_of,
    cut,
    first_line,
    instant,
    is_below,
    pages,
    read_all,
    short,
    stable_id,
    way_out,
)
from steadyhand.adapters.http import Web
from steadyhand.journey.evidence.model import Change, Window

_PAGE = "100"
_VERSION = "2022-11-28"
_NOT_FOUND, _TOO_LARGE = 404, 406
_MOST_FILES = 300  # a comparison tells no more of them
_ENDED = frozenset({"success", "failure", "error", "inactive"})
Told = Literal["deployments", "releases", "commits"]
Row = Mapping[str, Any]


class GitHubChangeSettings(ChangeRule):
    """Which repositories belong to which service, and what of them counts as a change."""

    kind: Literal["github"]
    name: str = Field(default="github", pattern=r"^[a-z0-9][a-z0-9._-]*$")
    url: Url = "https://api.github.com"
    token_env: str = Field(description="Environment variable with a token that may read them.")
    services: dict[str, Repository] = Field(min_length=1, description="Service -> its repository.")
    tell: tuple[Told, ...] = Field(
        default=("deployments", "releases"),
        description="Add commits where a push is a deployment by itself.",
    )


class GitHubChanges:
    """A ChangeSource over the REST API."""

    def __init__(self, settings: GitHubChangeSettings, client: httpx2.AsyncClient, token: SecretStr) -> None:
        self.name = settings.name
        self._settings = settings
        self._web = Web(
            source=settings.name,
            client=client,
            deadline=settings.timeout,
            headers={
                "Authorization": f"Bearer {token.get_secret_value()}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": _VERSION,
                "User-Agent": "steadyhand",
            },
            secrets=(token,),
            way_out=way_out(settings.token_env),
        )

    async def changes(self, services: Sequence[str], window: Window) -> Sequence[Change]:
        """What began in the window. Raises SourceError."""
        readers = {"deployments": self._deployments, "releases": self._releases, "commits": self._commits}
        told = [readers[one] for one in self._settings.tell]
        return await read_all(told, self._settings.services, services, window)

    async def diff(self, change: Change) -> str:
        """The comparison of both commits; "" for one GitHub finds too large to show. Raises SourceError."""
        place = self._settings.services.get(change.service)
        base, _, head = change.handle.partition("...")
        if place is None or not base:
            return ""
        what = f"compare/{quote(base)}...{quote(head)}" if head else f"commits/{quote(base)}"
        headers = {**self._web.headers, "Accept": "application/vnd.github.diff"}
        web = replace(self._web, headers=headers)
        answer = await web.read(f"{self._at(place)}/{what}")
        if answer.status in {_NOT_FOUND, _TOO_LARGE}:
            return ""
        if not answer.ok:
            body_of(web, answer)
        return cut(answer.body.decode(errors="replace"))

    def _at(self, place: Repository) -> str:
        return f"{self._settings.url}/repos/{place.repository}"

    async def _rows(
        self,
        place: Repository,
        what: str,
        params: Mapping[str, str],
        until: str = "",
        window: Window | None = None,
    ) -> list[Row]:
        """Rows newest first; no further page once one row is older than the window, which is kept too."""
        found: list[Row] = []
        asked = {"per_page": _PAGE, **params}
        async for page in pages(self._web, f"{self._at(place)}/{what}", asked, self._settings.most_pages):
            found += page
            last = instant(page[-1].get(until)) if page and until else None
            if window is not None and last is not None and last < window.start:
                break
        return found

    async def _deployments(self, service: str, place: Repository, window: Window) -> Sequence[Change]:
        asked = {"environment": place.environment}
        rows = await self._rows(place, "deployments", asked, "created_at", window)
        changes = []
        for row, older in zip(rows, [*rows[1:], {}], strict=False):
            began = instant(row.get("created_at"))
            if began is None or not window.start <= began < window.end:
                continue
            sha, before = str(row.get("sha", "")), str(older.get("sha", ""))
            if not await self._concerns(place, before, sha):
                continue
            state = await self._state(place, row)
            words = (
                first_line(row.get("description")) or f"{row.get('task', 'deploy')} of {row.get('ref', '')}"
            )
            changes.append(
                Change(
                    id=stable_id(self.name, place.repository, "deployment", row.get("id")),
                    service=service,
                    kind="migration" if "migrat" in str(row.get("task", "")).lower() else "code",
                    version=short(sha),
                    previous=short(before),
                    author=str((row.get("creator") or {}).get("login", "")),
                    summary=f"{words} ({state.get('state', 'no status')})"[:500],
                    source=self.name,
                    handle=f"{before}...{sha}" if before and before != sha else sha,
                    started_at=began,
                    finished_at=instant(state.get("created_at")) if state.get("state") in _ENDED else None,
                )
            )
        return changes

    async def _concerns(self, place: Repository, before: str, after: str) -> bool:
        """Whether files below the service's path changed between two commits; yes where nobody can tell."""
        if not place.path or not before or before == after:
            return True
        answer = await self._web.read(f"{self._at(place)}/compare/{quote(before)}...{quote(after)}")
        if answer.status in {_NOT_FOUND, _TOO_LARGE}:
            return True
        body = body_of(self._web, answer)
        files = body.get("files") if isinstance(body, dict) else None
        if not isinstance(files, list) or len(files) >= _MOST_FILES:
            return True
        names = (one.get(key) for one in files for key in ("filename", "previous_filename"))
        return any(is_below(name, place.path) for name in names)

    async def _state(self, place: Repository, row: Row) -> Row:
        """The latest status of a deployment."""
        url = f"{self._at(place)}/deployments/{row.get('id')}/statuses"
        rows = body_of(self._web, await self._web.read(url, {"per_page": "1"}))
        return rows[0] if isinstance(rows, list) and rows else {}

    async def _releases(self, service: str, place: Repository, window: Window) -> Sequence[Change]:
        rows = [
            one
            for one in await self._rows(place, "releases", {}, "created_at", window)
            if not one.get("draft")
        ]
        return [
            Change(
                id=stable_id(self.name, place.repository, "release", row.get("id")),
                service=service,
                kind="code",
                version=short(row.get("tag_name")),
                previous=short(older.get("tag_name")),
                author=str((row.get("author") or {}).get("login", "")),
                summary=f"release {first_line(row.get('name') or row.get('tag_name'))}"[:500],
                source=self.name,
                handle=f"{older.get('tag_name')}...{row.get('tag_name')}"
                if older
                else str(row.get("tag_name")),
                started_at=began,
            )
            for row, older in zip(rows, [*rows[1:], {}], strict=False)
            if (began := instant(row.get("published_at"))) is not None
            and window.start <= began < window.end
            and await self._concerns(place, str(older.get("tag_name") or ""), str(row.get("tag_name")))
        ]

    async def _commits(self, service: str, place: Repository, window: Window) -> Sequence[Change]:
        asked = {"since": window.start.isoformat(), "until": window.end.isoformat()}
        asked |= {key: text for key, text in (("path", place.path), ("sha", place.branch)) if text}
        return [
            Change(
                id=stable_id(self.name, place.repository, "commit", row.get("sha")),
                service=service,
                kind="code",
                version=short(row.get("sha")),
                author=str(
                    (row.get("author") or {}).get("login") or _committed(row, "author").get("name", "")
                ),
                summary=first_line((row.get("commit") or {}).get("message")),
                source=self.name,
                handle=str(row.get("sha", "")),
                started_at=began,
            )
            for row in await self._rows(place, "commits", asked)
            if (began := instant(_committed(row, "committer").get("date"))) is not None
        ]


def _committed(row: Row, whose: str) -> Row:
    found: Row = (row.get("commit") or {}).get(whose) or {}
    return found
