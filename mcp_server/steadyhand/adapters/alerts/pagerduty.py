"""Incidents of PagerDuty as alerts (webhook subscription, version 3)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, Field, SecretStr

from steadyhand.adapters.alerts.payload import OURS, PRIORITIES, SourceName, When, cut, read, short_key
from steadyhand.adapters.alerts.signing import require_fresh, require_one
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import Post

_SIGNATURE = "x-pagerduty-signature"
_STATUS: Mapping[str, Literal["firing", "resolved"]] = {
    "incident.triggered": "firing",
    "incident.reopened": "firing",
    "incident.resolved": "resolved",
}
_URGENCY = {"high": "critical", "low": "low"}


class PagerDutySettings(Rule):
    """The secrets of the webhook subscription, and what its services are called here."""

    kind: Literal["pagerduty"] = "pagerduty"
    name: SourceName = "pagerduty"
    secrets_env: tuple[str, ...] = Field(
        min_length=1, description="Signing secrets; more than one while one replaces the other."
    )
    services: dict[str, str] = Field(
        default={}, description="PagerDuty's service id or name: the service's name here, where they differ."
    )
    within: Duration = Field(
        default=timedelta(hours=1),
        description="Refuse events older than this; PagerDuty tries for 20 minutes.",
    )


class _Named(BaseModel):
    id: str = ""
    summary: str | None = ""


class _Incident(BaseModel):
    id: str = Field(min_length=1, max_length=100)
    title: str = ""
    incident_key: str | None = None
    urgency: str | None = None
    priority: _Named | None = None
    service: _Named = _Named()
    created_at: When | None = None


class _Event(BaseModel):
    id: str
    event_type: str
    occurred_at: When
    data: dict[str, object] | None = None


class _Envelope(BaseModel):
    event: _Event


class _Told(BaseModel):
    data: _Incident


class _Whole(BaseModel):
    event: _Told


class PagerDuty:
    """Takes what begins or ends an incident; every other event is accepted and ignored."""

    signed = True

    def __init__(self, settings: PagerDutySettings, secrets: Sequence[SecretStr]) -> None:
        self.name = settings.name
        self._keys = [one.get_secret_value().encode() for one in secrets]
        self._settings = settings

    async def read(self, post: Post) -> Delivery:
        """The alert of an event. Raises BadAlert, NotAuthentic, Replayed."""
        given = [one.strip() for one in post.headers.get(_SIGNATURE, "").split(",")]
        hexes = [one.removeprefix("v1=") for one in given if one.startswith("v1=")]
        require_one(_SIGNATURE, hexes, self._keys, post.body)
        event = read(_Envelope, post.body).event
        require_fresh("event.occurred_at", event.occurred_at, post.received_at, self._settings.within)
        # Every try of one delivery carries the same id; the event's own stands in where it is missing.
        delivery = Delivery(source=self.name, id=short_key(post.headers.get("x-webhook-id") or event.id))
        status = _STATUS.get(event.event_type)
        if status is None:
            return delivery.model_copy(update={"note": cut(f"{event.event_type} is no alert", 200)})
        incident = read(_Whole, post.body).event.data
        if (incident.incident_key or "").startswith(OURS):
            return delivery.model_copy(update={"note": "our own page, come back"})
        return delivery.model_copy(update={"alerts": (self._alert(incident, status, event, post),)})

    def _alert(
        self, incident: _Incident, status: Literal["firing", "resolved"], event: _Event, post: Post
    ) -> Alert:
        named = incident.service
        known = self._settings.services
        service = known.get(named.id) or known.get(named.summary or "") or named.summary or "unknown"
        priority = (incident.priority.summary or "") if incident.priority else ""
        return Alert(
            source=self.name,
            dedup_key=short_key(incident.incident_key or incident.id),
            name=cut(incident.title or "unnamed incident", 200),
            service=cut(service, 100),
            status=status,
            starts_at=min(incident.created_at or event.occurred_at, post.received_at),
            severity=PRIORITIES.get(priority) or _URGENCY.get(incident.urgency or "", ""),
            summary=cut(incident.title, 1000),
            labels={"pagerduty_incident": incident.id},
        )
