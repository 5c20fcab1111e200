"""Alerts of Grafana Alerting's webhook contact point (payload version "1").

Its HMAC option signs the raw body, or "timestamp:body" where it is told to send a timestamp header too. Only
with the timestamp can a post that is sent again much later be told from a fresh one: turn it on.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, Field, SecretStr

from steadyhand.adapters.alerts.alertmanager import Posted, labelled, limit
from steadyhand.adapters.alerts.payload import SourceName, first_of, read
from steadyhand.adapters.alerts.signing import require_fresh, require_one, unix_time
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import Post

_SIGNATURE = "x-grafana-alerting-signature"


class GrafanaSettings(Rule):
    """How posts are signed, and where an alert's service is written."""

    kind: Literal["grafana"] = "grafana"
    name: SourceName = "grafana"
    secrets_env: tuple[str, ...] = Field(
        default=(), description="HMAC secrets, newest first. None: posts need the ingest token instead."
    )
    timestamp_header: str = Field(
        default="", description="Name of the timestamp header, as set in the contact point; empty: none."
    )
    within: Duration = Field(default=timedelta(minutes=5), description="Refuse posts signed longer ago.")
    service_labels: tuple[str, ...] = Field(default=("service",), min_length=1)
    unlabelled: str = "unknown"
    most_alerts: int = Field(default=500, gt=0)


class _Posted(Posted):
    values: dict[str, float] | None = None


class _Post(BaseModel):
    version: Literal["1"]
    alerts: list[_Posted]


class Grafana:
    """Turns one post into alerts; the group's status is not looked at."""

    def __init__(self, settings: GrafanaSettings, secrets: Sequence[SecretStr] = ()) -> None:
        self.name = settings.name
        self.signed = bool(secrets)
        self._keys = [one.get_secret_value().encode() for one in secrets]
        self._settings = settings

    async def read(self, post: Post) -> Delivery:
        """How many alerts a post holds. Raises BadAlert, NotAuthentic, Replayed."""
        if self.signed:
            self._check(post)
        posted = read(_Post, post.body)
        limit([*posted.alerts], self._settings.most_alerts)
        return Delivery(source=self.name, later=len(posted.alerts))

    def alerts(self, post: Post) -> tuple[Alert, ...]:
        """All alerts of a post."""
        return tuple(self._alert(one, post) for one in read(_Post, post.body).alerts)

    def _check(self, post: Post) -> None:
        header = self._settings.timestamp_header.lower()
        stamp = post.headers.get(header, "")
        signed = f"{stamp}:".encode(errors="replace") + post.body if header else post.body
        require_one(_SIGNATURE, [post.headers.get(_SIGNATURE, "")], self._keys, signed)
        if header:
            at = unix_time(header, stamp)
            require_fresh(header, at, post.received_at, self._settings.within)

    def _alert(self, posted: _Posted, post: Post) -> Alert:
        settings = self._settings
        service = first_of(posted.labels, settings.service_labels, settings.unlabelled)
        values = posted.values or {}
        return labelled(self.name, posted, post, service, values[min(values)] if values else None)
