"""Alerts of anything that can post JSON.

    {"title": "Checkout is slow", "service": "shop", "severity": "critical", "status": "firing",
     "dedup_key": "checkout-slow-17", "starts_at": "2026-01-31T02:00:00Z",
     "summary": "p95 is 3.1 s", "labels": {"route": "/checkout"}}

Only `title` and `service` are required. Without a `dedup_key`, posts of equal title, service and
`starts_at` are the same alert; send `status: resolved` with the same ones to end it.
"""

import hashlib
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from steadyhand.adapters.alerts.payload import MOST_LABELS, When, cut_labels, read
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.rule import Rule

_Name = Annotated[str, Field(min_length=1, max_length=100)]


class GenericAlertSettings(Rule):
    """The name under which such alerts are shown."""

    kind: Literal["generic"] = "generic"
    name: str = "webhook"


class _Posted(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    title: str = Field(min_length=1, max_length=200)
    service: _Name
    severity: str = Field(default="", max_length=100)
    status: Literal["firing", "resolved"] = "firing"
    dedup_key: str = Field(default="", max_length=255)
    starts_at: When | None = None
    summary: str = Field(default="", max_length=1000)
    labels: dict[str, str] = Field(default={}, max_length=MOST_LABELS)


class GenericAlerts:
    """Turns one post into one alert."""

    def __init__(self, settings: GenericAlertSettings) -> None:
        self.name = settings.name

    def read(self, body: bytes, received_at: datetime) -> tuple[Alert, ...]:
        """The alert of a post. Raises BadAlert, a ValueError, naming the field that is wrong."""
        posted = read(_Posted, body)
        alert = Alert(
            source=self.name,
            dedup_key=posted.dedup_key or _dedup_key(posted),
            name=posted.title,
            service=posted.service,
            status=posted.status,
            starts_at=min(posted.starts_at or received_at, received_at),
            severity=posted.severity,
            summary=posted.summary,
            labels=cut_labels(posted.labels),
        )
        return (alert,)


def _dedup_key(posted: _Posted) -> str:
    started = posted.starts_at.isoformat() if posted.starts_at else ""
    text = f"{posted.service}\0{posted.title}\0{started}"
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
