"""Alerts of a tool whose JSON cannot be changed: the configuration says where in it things stand.

A path is names and positions with dots between: `alerts.0.labels.host`. `each` names a list whose entries are
an alert each; paths then begin in the entry, or with `$.` at the top of the post.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr
from pydantic_core import from_json

from steadyhand.adapters.alerts.payload import (
    LARGEST_BODY,
    SourceName,
    cut,
    cut_labels,
    digest,
    number,
    short_key,
)
from steadyhand.adapters.alerts.signing import StandardWebhooks
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import BadAlert, Post

Path = Annotated[str, Field(pattern=r"^(\$\.)?[^.\s]+(\.[^.\s]+)*$", max_length=200)]


class WebhookMapping(Rule):
    """Where in the JSON things stand. What is not given, or not there, has no value."""

    title: Path
    service: Path | None = Field(default=None, description="Its path; `default_service` stands in.")
    severity: Path | None = None
    status: Path | None = Field(default=None, description="Without one every post is a firing alert.")
    dedup_key: tuple[Path, ...] = Field(
        default=(), description="Together they tell alerts apart; none: title and service do."
    )
    value: Path | None = None
    summary: Path | None = None
    labels: dict[str, Path] = Field(default={}, max_length=64, description="Label name: its path.")
    each: Path | None = Field(default=None, description="A list whose entries are an alert each.")


class WebhookAlertSettings(Rule):
    """How one tool's JSON is read, and how its posts are signed."""

    kind: Literal["webhook"] = "webhook"
    name: SourceName
    mapping: WebhookMapping
    resolved_words: tuple[str, ...] = Field(
        default=("resolved", "ok", "recovered", "closed", "up", "0", "false"),
        min_length=1,
        description="Words of the status, in lower case, that end an alert; any other says it fires.",
    )
    severities: dict[str, str] = Field(
        default={}, description="The tool's word: the word that severity rules know."
    )
    default_service: str = Field(default="unknown", min_length=1, max_length=100)
    secrets_env: tuple[str, ...] = Field(
        default=(), description="Standard Webhooks secrets, newest first. None: posts need the ingest token."
    )
    within: Duration = Field(default=timedelta(minutes=5), description="Refuse posts signed longer ago.")
    most_alerts: int = Field(default=500, gt=0)


class WebhookAlerts:
    """Turns a post into alerts by the mapping."""

    def __init__(self, settings: WebhookAlertSettings, secrets: Sequence[SecretStr] = ()) -> None:
        """Raises ConfigError for a secret that is none."""
        self.name = settings.name
        self.signed = bool(secrets)
        self._settings = settings
        self._lock = StandardWebhooks(secrets, settings.within)

    async def read(self, post: Post) -> Delivery:
        """The alerts of a post. Raises BadAlert naming the path that is wrong, NotAuthentic, Replayed."""
        delivery = self._lock.check(post) if self.signed else ""
        alerts = tuple(self._alert(one, post) for one in self._entries(_parsed(post.body)))
        return Delivery(source=self.name, id=delivery, alerts=alerts)

    def _entries(self, whole: Any) -> Iterator["_Entry"]:  # noqa: ANN401 - JSON of any tool
        each = self._settings.mapping.each
        if each is None:
            yield _Entry(whole, whole)
            return
        entries = _Entry(whole, whole).at(each)
        if not isinstance(entries, list):
            raise BadAlert(f"{each}: not a list, or not there")
        if len(entries) > self._settings.most_alerts:
            raise BadAlert(f"{each}: {len(entries)} alerts, at most {self._settings.most_alerts}")
        yield from (_Entry(whole, one) for one in entries)

    def _alert(self, entry: "_Entry", post: Post) -> Alert:
        settings, where = self._settings, self._settings.mapping
        title = entry.text(where.title)
        if not title:
            raise BadAlert(f"{where.title}: no title there")
        service = entry.text(where.service) or settings.default_service
        status = entry.text(where.status).lower()
        severity = entry.text(where.severity)
        parts = [entry.text(one) for one in where.dedup_key]
        if where.dedup_key and not any(parts):
            raise BadAlert(f"{where.dedup_key[0]}: no dedup key there")
        return Alert(
            source=self.name,
            dedup_key=short_key(parts[0]) if len(parts) == 1 else digest(*(parts or [service, title])),
            name=cut(title, 200),
            service=cut(service, 100),
            status="resolved" if status in settings.resolved_words else "firing",
            starts_at=post.received_at,
            dated=False,
            severity=cut(settings.severities.get(severity, severity), 100),
            summary=cut(entry.text(where.summary), 1000),
            value=number(entry.text(where.value)),
            labels=cut_labels(entry.labels(where.labels)),
        )


class _Entry:
    """One alert's part of the JSON."""

    def __init__(self, whole: Any, own: Any) -> None:  # noqa: ANN401 - JSON of any tool
        self._whole, self._own = whole, own

    def at(self, path: str) -> Any:  # noqa: ANN401 - JSON of any tool
        """What stands there; None where nothing does."""
        found = self._whole if path.startswith("$.") else self._own
        for step in path.removeprefix("$.").split("."):
            if isinstance(found, dict):
                found = found.get(step)
            elif isinstance(found, list) and step.isascii() and step.isdigit():
                place = int(step[:6])
                found = found[place] if place < len(found) else None
            else:
                return None
        return found

    def text(self, path: str | None) -> str:
        """The text, number or truth that stands there; "" where none does."""
        found = self.at(path) if path else None
        if isinstance(found, bool):
            return str(found).lower()
        return str(found).strip() if isinstance(found, str | int | float) else ""

    def labels(self, paths: Mapping[str, str]) -> dict[str, str]:
        """The labels that have a value."""
        found = {name: self.text(path) for name, path in paths.items()}
        return {name: value for name, value in found.items() if value}


def _parsed(body: bytes) -> Any:  # noqa: ANN401 - JSON of any tool
    if len(body) > LARGEST_BODY:
        raise BadAlert(f"body: {len(body):,} bytes, at most {LARGEST_BODY:,} are read")
    try:
        return from_json(body)  # it bounds the depth, which json.loads does not
    except ValueError as error:
        raise BadAlert(f"body: not JSON: {error}"[:200]) from None
