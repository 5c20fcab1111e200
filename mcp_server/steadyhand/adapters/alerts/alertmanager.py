"""Alerts as Prometheus Alertmanager posts them (webhook version "4")."""

import hashlib
import logging
from datetime import datetime
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, Field

from steadyhand.adapters.alerts.payload import BadAlert, When, cut, cut_labels, number, read
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.rule import Rule

_log = logging.getLogger(__name__)


class AlertmanagerSettings(Rule):
    """Where an alert's service is written, and how many alerts one post may hold."""

    kind: Literal["alertmanager"] = "alertmanager"
    name: str = "alertmanager"
    service_labels: tuple[str, ...] = Field(
        default=("service",), min_length=1, description="The first of these labels that is set names it."
    )
    unlabelled: str = Field(
        default="unknown", description="Service of an alert without such a label: it still pages."
    )
    most_alerts: int = Field(default=500, gt=0, description="A post with more is refused.")


class _Posted(BaseModel):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    started: When = Field(alias="startsAt")
    generator: str = Field(default="", alias="generatorURL")
    fingerprint: str = Field(default="", max_length=100)


class _Post(BaseModel):
    version: Literal["4"]
    alerts: list[_Posted]
    cut_off: int = Field(default=0, alias="truncatedAlerts")


class Alertmanager:
    """Turns one post into alerts, each with its own status; the group's status is not looked at."""

    def __init__(self, settings: AlertmanagerSettings) -> None:
        self.name = settings.name
        self._settings = settings

    def read(self, body: bytes, received_at: datetime) -> tuple[Alert, ...]:
        """All alerts of a post. Raises BadAlert, a ValueError, naming the field that is wrong."""
        post = read(_Post, body)
        if len(post.alerts) > self._settings.most_alerts:
            raise BadAlert(f"alerts: {len(post.alerts)} of them, at most {self._settings.most_alerts}")
        if post.cut_off > 0:
            _log.warning("alertmanager.truncated source=%s left_out=%d", self.name, post.cut_off)
        return tuple(self._alert(one, received_at) for one in post.alerts)

    def _alert(self, posted: _Posted, received_at: datetime) -> Alert:
        notes = posted.annotations
        return Alert(
            source=self.name,
            dedup_key=f"{posted.fingerprint or _fingerprint(posted.labels)}:{posted.started.isoformat()}",
            name=cut(posted.labels.get("alertname", "") or "unnamed alert", 200),
            service=self._service(posted.labels),
            status=posted.status,
            starts_at=min(posted.started, received_at),
            severity=cut(posted.labels.get("severity", ""), 100),
            summary=cut(notes.get("summary") or notes.get("description") or "", 1000),
            value=number(notes.get("value", "")),
            expression=cut(_expression(posted.generator), 2000),
            labels=cut_labels(posted.labels),
        )

    def _service(self, labels: dict[str, str]) -> str:
        named = (labels[label] for label in self._settings.service_labels if labels.get(label))
        return cut(next(named, self._settings.unlabelled), 100)


def _fingerprint(labels: dict[str, str]) -> str:
    text = "\0".join(f"{name}\0{value}" for name, value in sorted(labels.items()))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


def _expression(generator: str) -> str:
    try:
        query = urlsplit(generator).query
        return parse_qs(query, max_num_fields=50).get("g0.expr", [""])[0]
    except ValueError:
        return ""
