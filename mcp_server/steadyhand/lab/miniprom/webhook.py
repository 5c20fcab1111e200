"""The JSON of an Alertmanager webhook, version 4."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote_plus

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from steadyhand.journey.rule import Instant, Value
from steadyhand.lab.miniprom.labels import Labels, fingerprint, show
from steadyhand.lab.miniprom.rules import Alert

RECEIVER = "steadyhand"
NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""`endsAt` of an alert that is still firing, as Alertmanager sends it."""

Status = Literal["firing", "resolved"]


class _Payload(Value):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class AlertPayload(_Payload):
    """One alert of a webhook; `starts_at` is when it began to fire."""

    status: Status
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: Instant
    ends_at: Instant
    generator_url: str = Field(alias="generatorURL")
    fingerprint: str


class WebhookPayload(_Payload):
    """One notification about a group of alerts."""

    version: Literal["4"] = "4"
    group_key: str
    truncated_alerts: int = 0
    status: Status
    receiver: str = RECEIVER
    group_labels: dict[str, str]
    common_labels: dict[str, str]
    common_annotations: dict[str, str]
    external_url: str = Field(alias="externalURL")
    alerts: tuple[AlertPayload, ...]


def webhook(group: Labels, alerts: Iterable[Alert], base_url: str) -> WebhookPayload:
    """Return the notification about a group; `base_url` is where mini-prom listens."""
    known = sorted(alerts, key=lambda alert: (alert.fired_at or alert.active_at, alert.labels))
    return WebhookPayload(
        group_key="{}:" + show(group),
        status=_status(known),
        group_labels=dict(group),
        common_labels=_common([alert.labels for alert in known]),
        common_annotations=_common([alert.annotations for alert in known]),
        externalURL=base_url,
        alerts=tuple(_alert(alert, base_url) for alert in known),
    )


def _alert(alert: Alert, base_url: str) -> AlertPayload:
    return AlertPayload(
        status=_status([alert]),
        labels=dict(alert.labels),
        annotations=dict(alert.annotations),
        starts_at=alert.fired_at or alert.active_at,
        ends_at=alert.resolved_at or NEVER,
        generatorURL=f"{base_url}/graph?g0.expr={quote_plus(alert.rule.text)}&g0.tab=1",
        fingerprint=fingerprint(alert.labels),
    )


def _status(alerts: Sequence[Alert]) -> Status:
    return "firing" if any(alert.resolved_at is None for alert in alerts) else "resolved"


def _common(sets: Sequence[Labels]) -> dict[str, str]:
    shared = set(sets[0]).intersection(*sets[1:])
    return dict(sorted(shared))
