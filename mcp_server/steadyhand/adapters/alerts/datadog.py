"""Alerts of Datadog's webhooks integration.

Datadog posts what it is told to. Tell it this:

    {"title": "$ALERT_TITLE", "status": "$ALERT_STATUS", "transition": "$ALERT_TRANSITION",
     "priority": "$ALERT_PRIORITY", "aggreg_key": "$AGGREG_KEY", "scope": "$ALERT_SCOPE",
     "tags": "$TAGS", "query": "$ALERT_QUERY", "id": "$ID"}

and as a custom header {"Authorization": "Bearer <ingest token>"}. It signs nothing.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

from steadyhand.adapters.alerts.payload import (
    PRIORITIES,
    SourceName,
    cut,
    cut_labels,
    digest,
    first_of,
    read,
    short_key,
    tagged,
)
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.rule import Rule
from steadyhand.ports import BadAlert, Post

_TRANSITIONS: Mapping[str, Literal["firing", "resolved"]] = {
    "triggered": "firing",
    "re-triggered": "firing",
    "no data": "firing",
    "re-no data": "firing",
    "warn": "firing",
    "re-warn": "firing",
    "renotify": "firing",
    "recovered": "resolved",
}


class DatadogSettings(Rule):
    """Where an alert's service is written."""

    kind: Literal["datadog"] = "datadog"
    name: SourceName = "datadog"
    service_tags: tuple[str, ...] = Field(
        default=("service",),
        min_length=1,
        description="The first of these tags that is set names the service.",
    )
    untagged: str = Field(default="unknown", description="Service of an alert without such a tag.")


class _Post(BaseModel):
    title: str = Field(min_length=1)
    transition: str
    status: str = ""
    priority: str = ""
    aggreg_key: str = ""
    scope: str = ""
    tags: str = ""
    query: str = ""
    id: str = ""


class Datadog:
    """Turns one post into one alert."""

    signed = False

    def __init__(self, settings: DatadogSettings) -> None:
        self.name = settings.name
        self._settings = settings

    async def read(self, post: Post) -> Delivery:
        """The alert of a post. Raises BadAlert naming the field that is wrong."""
        posted = read(_Post, post.body)
        status = _TRANSITIONS.get(posted.transition.strip().lower())
        if status is None:
            raise BadAlert("transition: not one of Datadog's; send $ALERT_TRANSITION there")
        alert = self._alert(posted, status, post)
        return Delivery(source=self.name, id=short_key(posted.id), alerts=(alert,))

    def _alert(self, posted: _Post, status: Literal["firing", "resolved"], post: Post) -> Alert:
        labels = tagged(f"{posted.tags},{posted.scope}".split(","))
        warned = "warn" in posted.transition.lower() or "no data" in posted.transition.lower()
        return Alert(
            source=self.name,
            # One aggregation key per monitor; its scope tells the things it watches apart.
            dedup_key=digest(posted.aggreg_key or posted.title, posted.scope),
            name=cut(posted.title, 200),
            service=first_of(labels, self._settings.service_tags, self._settings.untagged),
            status=status,
            starts_at=post.received_at,
            dated=False,
            severity="warning" if warned else PRIORITIES.get(posted.priority, "error"),
            summary=cut(posted.status, 1000),
            labels=cut_labels(({"query": posted.query} if posted.query else {}) | labels),
        )
