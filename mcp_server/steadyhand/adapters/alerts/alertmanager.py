"""Alerts as Prometheus Alertmanager posts them (webhook version "4")."""

import logging
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, Field

from steadyhand.adapters.alerts.payload import (
    SourceName,
    When,
    cut,
    cut_labels,
    digest,
    first_of,
    number,
    read,
    short_key,
)
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.rule import Rule
from steadyhand.ports import BadAlert, Post

_log = logging.getLogger(__name__)


class AlertmanagerSettings(Rule):
    """Where an alert's service is written, and how many alerts one post may hold."""

    kind: Literal["alertmanager"] = "alertmanager"
    name: SourceName = "alertmanager"
    service_labels: tuple[str, ...] = Field(
        default=("service",), min_length=1, description="The first of these labels that is set names it."
    )
    unlabelled: str = Field(
        default="unknown", description="Service of an alert without such a label: it still pages."
    )
    most_alerts: int = Field(default=500, gt=0, description="A post with more is refused.")


class Posted(BaseModel):
    """One alert of a post; Grafana's has the same fields and more."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    started: When = Field(alias="startsAt")
    generator: str = Field(default="", alias="generatorURL")
    fingerprint: str = Field(default="", max_length=100)


class _Post(BaseModel):
    version: Literal["4"]
    alerts: list[Posted]
    cut_off: int = Field(default=0, alias="truncatedAlerts")


class Alertmanager:
    """Turns one post into alerts, each with its own status; the group's status is not looked at."""

    signed = False

    def __init__(self, settings: AlertmanagerSettings) -> None:
        self.name = settings.name
        self._settings = settings

    async def read(self, post: Post) -> Delivery:
        """How many alerts a post holds. Raises BadAlert naming the field that is wrong."""
        posted = read(_Post, post.body)
        limit(posted.alerts, self._settings.most_alerts)
        if posted.cut_off > 0:
            _log.warning("alertmanager.truncated source=%s left_out=%d", self.name, posted.cut_off)
        return Delivery(source=self.name, later=len(posted.alerts))

    def alerts(self, post: Post) -> tuple[Alert, ...]:
        """All alerts of a post."""
        return tuple(self._alert(one, post) for one in read(_Post, post.body).alerts)

    def _alert(self, posted: Posted, post: Post) -> Alert:
        settings = self._settings
        service = first_of(posted.labels, settings.service_labels, settings.unlabelled)
        value = number(posted.annotations.get("value", ""))
        return labelled(self.name, posted, post, service, value)


def limit(alerts: list[Posted], most: int) -> None:
    """Raises BadAlert for more alerts than one post may hold."""
    if len(alerts) > most:
        raise BadAlert(f"alerts: {len(alerts)} of them, at most {most}")


def labelled(source: str, posted: Posted, post: Post, service: str, value: float | None) -> Alert:
    """An alert made of labels, as Prometheus has them."""
    notes, labels = posted.annotations, posted.labels
    return Alert(
        source=source,
        dedup_key=short_key(posted.fingerprint or _fingerprint(labels)),
        name=cut(labels.get("alertname", "") or "unnamed alert", 200),
        service=service,
        status=posted.status,
        starts_at=min(posted.started, post.received_at),
        severity=cut(labels.get("severity", ""), 100),
        summary=cut(notes.get("summary") or notes.get("description") or "", 1000),
        value=value,
        expression=cut(_expression(posted.generator), 2000),
        labels=cut_labels(labels),
    )


def _fingerprint(labels: dict[str, str]) -> str:
    return digest(*(part for pair in sorted(labels.items()) for part in pair))


@lru_cache(maxsize=1024)  # all alerts of a rule have the same
def _expression(generator: str) -> str:
    try:
        query = urlsplit(generator).query
        return parse_qs(query, max_num_fields=50).get("g0.expr", [""])[0]
    except ValueError:
        return ""
