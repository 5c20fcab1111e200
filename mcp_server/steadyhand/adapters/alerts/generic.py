"""Alerts of anything that can post JSON.

    {"title": "Checkout is slow", "service": "shop", "severity": "critical", "status": "firing",
     "dedup_key": "checkout-slow-17", "starts_at": "2026-01-31T02:00:00Z",
     "summary": "p95 is 3.1 s", "labels": {"route": "/checkout"}}

Only `title` and `service` are required. Without a `dedup_key`, posts of equal title and service are the same
alert; send `status: resolved` with the same ones to end it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from steadyhand.adapters.alerts.payload import MOST_LABELS, SourceName, When, cut_labels, digest, read
from steadyhand.adapters.alerts.signing import StandardWebhooks
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import Post

_Name = Annotated[str, Field(min_length=1, max_length=100)]


class GenericAlertSettings(Rule):
    """The name under which such alerts are shown, and how they are signed."""

    kind: Literal["generic"] = "generic"
    name: SourceName = "generic"
    secrets_env: tuple[str, ...] = Field(
        default=(), description="Standard Webhooks secrets, newest first. None: posts need the ingest token."
    )
    within: Duration = Field(default=timedelta(minutes=5), description="Refuse posts signed longer ago.")


class _Posted(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    title: str = Field(min_length=1, max_length=200)
    service: _Name
    severity: str = Field(default="", max_length=100)
    status: Literal["firing", "resolved"] = "firing"
    dedup_key: str = Field(default="", max_length=255)
    starts_at: When | None = None
    summary: str = Field(default="", max_length=1000)
    value: float | None = Field(default=None, allow_inf_nan=False)
    labels: dict[str, str] = Field(default={}, max_length=MOST_LABELS)


class GenericAlerts:
    """Turns one post into one alert."""

    def __init__(self, settings: GenericAlertSettings, secrets: Sequence[SecretStr] = ()) -> None:
        """Raises ConfigError for a secret that is none."""
        self.name = settings.name
        self.signed = bool(secrets)
        self._lock = StandardWebhooks(secrets, settings.within)

    async def read(self, post: Post) -> Delivery:
        """The alert of a post. Raises BadAlert naming the field that is wrong, NotAuthentic, Replayed."""
        delivery = self._lock.check(post) if self.signed else ""
        posted = read(_Posted, post.body)
        alert = Alert(
            source=self.name,
            dedup_key=posted.dedup_key or digest(posted.service, posted.title),
            name=posted.title,
            service=posted.service,
            status=posted.status,
            starts_at=min(posted.starts_at or post.received_at, post.received_at),
            dated=posted.starts_at is not None,
            severity=posted.severity,
            summary=posted.summary,
            value=posted.value,
            labels=cut_labels(posted.labels),
        )
        return Delivery(source=self.name, id=delivery, alerts=(alert,))
