"""Syncs of Argo CD applications, from their history; a diff is that of the manifests before and after."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.changes.manifests import difference, lines_of
from steadyhand.adapters.changes.places import (
    ChangeRule,
    Url,
    body_of,
    cut,
    first_line,
    instant,
    short,
    stable_id,
    way_out,
    within,
)
from steadyhand.adapters.http import Web
from steadyhand.journey.evidence.model import Change, Window
from steadyhand.ports import SourceRefused

_MOST_OBJECTS = 50
Row = Mapping[str, Any]


class ArgoCdSettings(ChangeRule):
    """Which application brings which service."""

    kind: Literal["argocd"]
    name: str = Field(default="argocd", pattern=r"^[a-z0-9][a-z0-9._-]*$")
    url: Url
    token_env: str = Field(description="Environment variable with the token of a read-only account.")
    services: dict[str, str] = Field(min_length=1, description="Service -> its application.")


class ArgoCdChanges:
    """A ChangeSource over the API server, which itself watches the cluster."""

    def __init__(self, settings: ArgoCdSettings, client: httpx2.AsyncClient, token: SecretStr) -> None:
        self.name = settings.name
        self._settings = settings
        self._web = Web(
            source=settings.name,
            client=client,
            deadline=settings.timeout,
            headers={"Authorization": f"Bearer {token.get_secret_value()}"},
            secrets=(token,),
            way_out=way_out(settings.token_env),
        )

    async def changes(self, services: Sequence[str], window: Window) -> Sequence[Change]:
        """Syncs that began in the window, one under way or failed included. Raises SourceError."""
        found: list[Change] = []
        for service, application in self._settings.services.items():
            if service in services:
                body = body_of(self._web, await self._web.read(self._at(application)))
                status = body.get("status") if isinstance(body, dict) else None
                if not isinstance(status, dict):
                    raise SourceRefused(self.name, f"{application} has no status")
                found += self._history(service, application, status)
                found += self._under_way(service, application, status)
        return within(found, window)

    async def diff(self, change: Change) -> str:
        """The manifests of both revisions compared; "" where one is gone by now. Raises SourceError."""
        application = self._settings.services.get(change.service)
        before, _, after = change.handle.partition("...")
        if application is None or not after:
            return ""
        try:
            old, new = await self._manifests(application, before), await self._manifests(application, after)
        except SourceRefused:
            return ""
        return cut(difference(old, new, short(before), short(after)))

    async def _manifests(self, application: str, revision: str) -> list[str]:
        answer = await self._web.read(f"{self._at(application)}/manifests", {"revision": revision})
        body = body_of(self._web, answer)
        objects = body.get("manifests") or [] if isinstance(body, dict) else []
        return [line for one in sorted(objects)[:_MOST_OBJECTS] for line in lines_of(_object(one))]

    def _at(self, application: str) -> str:
        return f"{self._settings.url}/api/v1/applications/{quote(application, safe='')}"

    def _history(self, service: str, application: str, status: Row) -> Sequence[Change]:
        rows = [one for one in status.get("history") or [] if isinstance(one, dict)]
        return [
            self._sync(
                service,
                application,
                row,
                {},
                before=_revision(older),
                began=row.get("deployStartedAt") or row.get("deployedAt"),
                ended=row.get("deployedAt"),
            )
            for older, row in zip([{}, *rows], rows, strict=False)
            if instant(row.get("deployedAt"))
        ]

    def _under_way(self, service: str, application: str, status: Row) -> Sequence[Change]:
        """A sync that is not in the history: it runs, or it failed."""
        state: Row = status.get("operationState") or {}
        if not instant(state.get("startedAt")) or state.get("phase") == "Succeeded":
            return []
        rows = [one for one in status.get("history") or [] if isinstance(one, dict)]
        row = {
            "id": f"operation {state.get('startedAt')}",
            "revision": (state.get("syncResult") or {}).get("revision")
            or ((state.get("operation") or {}).get("sync") or {}).get("revision"),
            "initiatedBy": (state.get("operation") or {}).get("initiatedBy"),
        }
        before = _revision(rows[-1]) if rows else ""
        return [
            self._sync(
                service,
                application,
                row,
                state,
                before=before,
                began=state.get("startedAt"),
                ended=state.get("finishedAt"),
            )
        ]

    def _sync(
        self,
        service: str,
        application: str,
        row: Row,
        state: Row,
        *,
        before: str,
        began: object,
        ended: object,
    ) -> Change:
        revision, by = _revision(row), row.get("initiatedBy") or {}
        at = instant(began)
        assert at is not None, "only called for one that has an instant"
        phase = f" {str(state['phase']).lower()}: {first_line(state.get('message'))}" if state else ""
        return Change(
            id=stable_id(self.name, application, row.get("id"), revision),
            service=service,
            kind="code" if not before or revision != before else "config",
            version=short(revision),
            previous=short(before),
            author=str(by.get("username") or ("automated sync" if by.get("automated") else "")),
            summary=f"sync of {application}{phase}"[:500],
            source=self.name,
            handle=f"{before}...{revision}" if before and revision != before else "",
            started_at=at,
            finished_at=instant(ended),
        )


def _revision(row: Row) -> str:
    """The commit or chart version; of several sources all of them."""
    return str(row.get("revision") or "+".join(str(one) for one in row.get("revisions") or ()))


def _object(text: object) -> Row:
    try:
        found = json.loads(str(text))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
