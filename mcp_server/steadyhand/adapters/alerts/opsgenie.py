"""Alerts of Opsgenie's outgoing webhook; Jira Service Management Operations posts the same form.

Neither signs its posts: both send the headers they are told to, so the ingest token goes there.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from steadyhand.adapters.alerts.payload import (
    EARLIEST,
    LATEST,
    OURS,
    PRIORITIES,
    SourceName,
    cut,
    cut_labels,
    first_of,
    read,
    short_key,
    tagged,
)
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.rule import Rule
from steadyhand.ports import Post

_STATUS: Mapping[str, Literal["firing", "resolved"]] = {
    "Create": "firing",
    "Close": "resolved",
    "Delete": "resolved",
}


class OpsgenieSettings(Rule):
    """Where an alert's service is written."""

    kind: Literal["opsgenie", "jsm_operations"] = "opsgenie"
    name: SourceName = "opsgenie"
    service_details: tuple[str, ...] = Field(
        default=("service",),
        min_length=1,
        description="The first of these details, or of tags written name:value, names the service.",
    )
    unlabelled: str = Field(
        default="unknown", description="Service of an alert that names none, nor an entity."
    )


class _Alert(BaseModel):
    id: str = Field(alias="alertId", min_length=1, max_length=100)
    message: str = ""
    alias: str | None = None
    tags: list[str] = []
    details: dict[str, str] | None = None
    entity: str | None = None
    priority: str | None = None
    description: str | None = None
    created: int | None = Field(
        default=None,
        alias="createdAt",
        ge=int(EARLIEST.timestamp()) * 1000,
        le=int(LATEST.timestamp()) * 1000,
        description="Unix milliseconds.",
    )


class _Post(BaseModel):
    action: str
    alert: _Alert


class Opsgenie:
    """Takes what creates or ends an alert; every other action is accepted and ignored."""

    signed = False

    def __init__(self, settings: OpsgenieSettings) -> None:
        self.name = settings.name
        self._settings = settings

    async def read(self, post: Post) -> Delivery:
        """The alert of a post. Raises BadAlert naming the field that is wrong."""
        posted = read(_Post, post.body)
        status = _STATUS.get(posted.action)
        if status is None:
            return Delivery(source=self.name, note=cut(f"{posted.action} is no alert", 200))
        if (posted.alert.alias or "").startswith(OURS):
            return Delivery(source=self.name, note="our own page, come back")
        return Delivery(source=self.name, alerts=(self._alert(posted.alert, status, post),))

    def _alert(self, posted: _Alert, status: Literal["firing", "resolved"], post: Post) -> Alert:
        labels = tagged(posted.tags) | (posted.details or {})
        settings = self._settings
        return Alert(
            source=self.name,
            dedup_key=short_key(posted.alias or posted.id),
            name=cut(posted.message or "unnamed alert", 200),
            service=first_of(labels, settings.service_details, posted.entity or settings.unlabelled),
            status=status,
            starts_at=min(_created(posted.created, post), post.received_at),
            dated=posted.created is not None,
            severity=PRIORITIES.get(posted.priority or "", ""),
            summary=cut(posted.description or posted.message, 1000),
            labels=cut_labels(labels),
        )


def _created(ms: int | None, post: Post) -> datetime:
    return post.received_at if ms is None else datetime.fromtimestamp(ms / 1000, tz=UTC)
