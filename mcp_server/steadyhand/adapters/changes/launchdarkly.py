"""Changes of LaunchDarkly flags: from the audit log, and by signed webhook, told under the same ids."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Literal
from urllib.parse import quote

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.alerts.signing import require_fresh, require_one
from steadyhand.adapters.changes.places import (
    ChangeRule,
    Url,
    body_of,
    cut,
    first_line,
    stable_id,
    way_out,
    within,
)
from steadyhand.adapters.http import Web
from steadyhand.journey.evidence.model import Change, Window
from steadyhand.journey.rule import Duration
from steadyhand.ports import BadAlert, Post, SourceRefused

_PAGE = 20
_HEADER = "x-ld-signature"
Row = Mapping[str, Any]


class LaunchDarklyChangeSettings(ChangeRule):
    """Which flags steer which service, in one environment of one project."""

    kind: Literal["launchdarkly"]
    name: str = Field(default="launchdarkly", pattern=r"^[a-z0-9][a-z0-9._-]*$")
    url: Url = "https://app.launchdarkly.com"
    token_env: str = Field(description="Environment variable with a token that may read the audit log.")
    secret_env: str = Field(
        default="", description="Environment variable with the webhook's secret; empty: no webhook is taken."
    )
    project: str
    environment: str = "production"
    flags: dict[str, str] = Field(min_length=1, description="Flag key, * allowed -> service; the first fits.")
    within: Duration = Field(default=timedelta(minutes=5), description="A post older than this is refused.")


class LaunchDarklyChanges:
    """A ChangeSource and a ChangeHook."""

    def __init__(
        self,
        settings: LaunchDarklyChangeSettings,
        client: httpx2.AsyncClient,
        token: SecretStr,
        secret: SecretStr | None = None,
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._secret = secret
        self._web = Web(
            source=settings.name,
            client=client,
            deadline=settings.timeout,
            headers={"Authorization": token.get_secret_value()},  # bare, without "Bearer"
            secrets=(token,),
            way_out=way_out(settings.token_env),
        )

    async def changes(self, services: Sequence[str], window: Window) -> Sequence[Change]:
        """Entries of the audit log in the window. Raises SourceError."""
        one = self._settings
        spec = f"proj/{one.project}:env/{one.environment}:flag/*"
        before = round(window.end.timestamp() * 1000)
        asked = {"spec": spec, "after": f"{round(window.start.timestamp() * 1000)}", "limit": str(_PAGE)}
        found: list[Change] = []
        for _ in range(one.most_pages):
            answer = await self._web.read(f"{one.url}/api/v2/auditlog", {**asked, "before": str(before)})
            body = body_of(self._web, answer)
            rows = body.get("items") if isinstance(body, dict) else None
            if not isinstance(rows, list):
                raise SourceRefused(self.name, "its audit log is no list")
            found += [change for row in rows if (change := self._change(row)) and change.service in services]
            if len(rows) < _PAGE:
                break
            before = min(int(row["date"]) for row in rows)
        return within(list({one.id: one for one in found}.values()), window)

    async def diff(self, change: Change) -> str:
        """The flag's fields that differ, as the audit log's own patch. Raises SourceError."""
        if not change.handle:
            return ""
        url = f"{self._settings.url}/api/v2/auditlog/{quote(change.handle, safe='')}"
        body = body_of(self._web, await self._web.read(url))
        steps = body.get("delta") or [] if isinstance(body, dict) else []
        return cut("\n".join(json.dumps(one, sort_keys=True, ensure_ascii=False) for one in steps))

    def read(self, post: Post) -> Sequence[Change]:
        """The change of one webhook, once its signature over the raw body is checked. Raises AlertRefused."""
        keys = [self._secret.get_secret_value().encode()] if self._secret else []
        require_one("X-LD-Signature", [post.headers.get(_HEADER, "")], keys, post.body)
        try:
            row = json.loads(post.body)
        except ValueError:
            raise BadAlert("the body is no JSON") from None
        if not isinstance(row, dict) or not isinstance(row.get("date"), int) or not row.get("_id"):
            raise BadAlert("the body is no entry of the audit log: _id and date are missing")
        require_fresh("date", _at(row), post.received_at, self._settings.within)
        change = self._change(row)
        return [change] if change else []

    def _change(self, row: Row) -> Change | None:
        """The entry as a change, None for a flag or environment that is not ours."""
        flag = _flag(row, self._settings.project, self._settings.environment)
        service = next((to for key, to in self._settings.flags.items() if fnmatchcase(flag, key)), "")
        if not flag or not service:
            return None
        verb = first_line(row.get("titleVerb")) or "changed"
        more = first_line(row.get("comment") or row.get("description")).strip("- ")
        member = row.get("member") or {}
        name = " ".join(str(member.get(key, "")) for key in ("firstName", "lastName")).strip()
        return Change(
            id=stable_id(self.name, row.get("_id")),
            service=service,
            kind="flag",
            version=flag[:100],
            author=name or str(member.get("email", "")),
            summary=f"{flag}: {verb}{f' ({more})' if more else ''}"[:500],
            source=self.name,
            handle=str(row.get("_id", "")),
            started_at=_at(row),
        )


def _at(row: Row) -> datetime:
    return datetime.fromtimestamp(int(row["date"]) / 1000, tz=UTC)


def _flag(row: Row, project: str, environment: str) -> str:
    """The key of the flag, "" where the entry speaks of another environment."""
    for one in (row.get("target") or {}).get("resources") or ():
        parts = dict(part.partition("/")[::2] for part in str(one).split(";")[0].split(":"))
        if parts.get("proj") == project and parts.get("env") == environment and parts.get("flag"):
            return parts["flag"]
    return ""
