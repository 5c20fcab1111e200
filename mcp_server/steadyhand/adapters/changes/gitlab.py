"""Deployments and commits of GitLab projects; a diff is the comparison of two commits."""

from collections.abc import Mapping, Sequence
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

_NOT_FOUND = 404
_ENDED = frozenset({"success", "failed", "canceled"})
Row = Mapping[str, Any]


class GitLabChangeSettings(ChangeRule):
    """Which projects belong to which service, and what of them counts as a change."""

    kind: Literal["gitlab"]
    name: str = Field(default="gitlab", pattern=r"^[a-z0-9][a-z0-9._-]*$")
    url: Url = "https://gitlab.com"
    token_env: str = Field(description="Environment variable with a token of scope read_api.")
    services: dict[str, Repository] = Field(min_length=1, description="Service -> its project.")
    tell: tuple[Literal["deployments", "commits"], ...] = Field(
        default=("deployments",), description="Add commits where a push is a deployment by itself."
    )


class GitLabChanges:
    """A ChangeSource over the REST API, version 4."""

    def __init__(self, settings: GitLabChangeSettings, client: httpx2.AsyncClient, token: SecretStr) -> None:
        self.name = settings.name
        self._settings = settings
        self._web = Web(
            source=settings.name,
            client=client,
            deadline=settings.timeout,
            headers={"PRIVATE-TOKEN": token.get_secret_value()},
            secrets=(token,),
            way_out=way_out(settings.token_env),
        )

    async def changes(self, services: Sequence[str], window: Window) -> Sequence[Change]:
        """What began in the window. Raises SourceError."""
        readers = {"deployments": self._deployments, "commits": self._commits}
        told = [readers[one] for one in self._settings.tell]
        return await read_all(told, self._settings.services, services, window)

    async def diff(self, change: Change) -> str:
        """What changed from commit to commit, file by file. Raises SourceError."""
        place = self._settings.services.get(change.service)
        base, _, head = change.handle.partition("...")
        if place is None or not base:
            return ""
        url = f"{self._at(place)}/repository"
        if head:
            answer = await self._web.read(f"{url}/compare", {"from": base, "to": head})
        else:
            answer = await self._web.read(f"{url}/commits/{quote(base, safe='')}/diff", {"per_page": "100"})
        if answer.status == _NOT_FOUND:
            return ""
        body = body_of(self._web, answer)
        files = body.get("diffs") or [] if isinstance(body, dict) else body
        return cut("".join(_file(one) for one in files))

    def _at(self, place: Repository) -> str:
        return f"{self._settings.url}/api/v4/projects/{quote(place.repository, safe='')}"

    async def _rows(self, place: Repository, what: str, params: Mapping[str, str]) -> list[Row]:
        asked = {"per_page": "100", **params}
        return [
            row
            async for page in pages(self._web, f"{self._at(place)}/{what}", asked, self._settings.most_pages)
            for row in page
        ]

    async def _deployments(self, service: str, place: Repository, window: Window) -> Sequence[Change]:
        """Those touched since the window began, and of each the one before it."""
        asked = {"environment": place.environment, "order_by": "updated_at", "sort": "desc"}
        rows = await self._rows(place, "deployments", {**asked, "updated_after": window.start.isoformat()})
        earlier = {**asked, "updated_before": window.start.isoformat(), "per_page": "1", "status": "success"}
        before = body_of(self._web, await self._web.read(f"{self._at(place)}/deployments", earlier))
        rows = sorted(rows, key=lambda one: str(one.get("created_at")), reverse=True)
        older = [*rows[1:], *(before[:1] if isinstance(before, list) and before else [{}])]
        return [
            self._deployment(service, place, row, str(last.get("sha", "")))
            for row, last in zip(rows, older, strict=False)
            if instant(row.get("created_at")) and await self._concerns(place, last, row)
        ]

    async def _concerns(self, place: Repository, before: Row, after: Row) -> bool:
        """Whether files below the service's path changed since the one before; yes where nobody can tell."""
        old, new = str(before.get("sha", "")), str(after.get("sha", ""))
        if not place.path or not old or old == new:
            return True
        answer = await self._web.read(f"{self._at(place)}/repository/compare", {"from": old, "to": new})
        if answer.status == _NOT_FOUND:
            return True
        body = body_of(self._web, answer)
        files = body.get("diffs") if isinstance(body, dict) else None
        if not isinstance(files, list) or body.get("compare_timeout"):
            return True
        names = (one.get(key) for one in files for key in ("new_path", "old_path"))
        return any(is_below(name, place.path) for name in names)

    def _deployment(self, service: str, place: Repository, row: Row, before: str) -> Change:
        sha = str(row.get("sha", ""))
        job: Row = row.get("deployable") or {}
        title = first_line((job.get("commit") or {}).get("title")) or f"deployment of {row.get('ref', '')}"
        began = instant(job.get("started_at")) or instant(row.get("created_at"))
        assert began is not None, "only called for one that has an instant"
        return Change(
            id=stable_id(self.name, place.repository, "deployment", row.get("id")),
            service=service,
            kind="code",
            version=short(sha),
            previous=short(before),
            author=str((row.get("user") or {}).get("username", "")),
            summary=f"{title} ({row.get('status', '')})"[:500],
            source=self.name,
            handle=f"{before}...{sha}" if before and before != sha else sha,
            started_at=began,
            finished_at=instant(job.get("finished_at")) if row.get("status") in _ENDED else None,
        )

    async def _commits(self, service: str, place: Repository, window: Window) -> Sequence[Change]:
        asked = {"since": window.start.isoformat(), "until": window.end.isoformat()}
        asked |= {key: text for key, text in (("path", place.path), ("ref_name", place.branch)) if text}
        return [
            Change(
                id=stable_id(self.name, place.repository, "commit", row.get("id")),
                service=service,
                kind="code",
                version=short(row.get("id")),
                author=str(row.get("author_name", "")),
                summary=first_line(row.get("title")),
                source=self.name,
                handle=str(row.get("id", "")),
                started_at=began,
            )
            for row in await self._rows(place, "repository/commits", asked)
            if (began := instant(row.get("committed_date"))) is not None
        ]


def _file(one: Row) -> str:
    shown = one.get("diff") or "(too large to show)"
    return f"--- a/{one.get('old_path')}\n+++ b/{one.get('new_path')}\n{shown}\n"
