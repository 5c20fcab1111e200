"""When to tell a receiver about which alerts, as Alertmanager does. Pure; time is an argument."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from steadyhand.lab.miniprom.labels import Labels, only
from steadyhand.lab.miniprom.rules import Alert


@dataclass(frozen=True, slots=True)
class Timing:
    """Alertmanager's route settings."""

    group_by: tuple[str, ...] = ("service",)
    wait: timedelta = timedelta(seconds=1)
    interval: timedelta = timedelta(seconds=5)
    repeat: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What the receiver last accepted about a group."""

    at: datetime
    firing: frozenset[Labels]
    resolved: frozenset[Labels]


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts with equal grouping labels, by their labels; `due_at` is the next time to look."""

    labels: Labels
    alerts: Mapping[Labels, Alert]
    due_at: datetime
    told: Told | None = None


def received(group: Group | None, alert: Alert, now: datetime, timing: Timing) -> Group:
    """Return the group with the alert in it; a new group waits `timing.wait` before it is due."""
    if group is None:
        group = Group(group_labels(alert, timing), {}, now + timing.wait)
    return replace(group, alerts={**group.alerts, alert.labels: alert})


def group_labels(alert: Alert, timing: Timing) -> Labels:
    """Return the labels by which an alert is grouped."""
    return only(alert.labels, timing.group_by)


def needs_telling(group: Group, now: datetime, timing: Timing) -> bool:
    """Tell whether the receiver lacks a firing or resolved alert, or the repeat interval is over."""
    firing, resolved = split(group.alerts.values())
    if group.told is None:
        return bool(firing)
    if not firing <= group.told.firing:
        return True
    if not firing:
        return bool(group.told.firing)
    return not resolved <= group.told.resolved or now - group.told.at >= timing.repeat


def told(group: Group, sent: Mapping[Labels, Alert], now: datetime) -> Group:
    """Return the group after the receiver accepted `sent`."""
    firing, resolved = split(sent.values())
    return replace(group, told=Told(now, firing, resolved))


def tidied(group: Group, seen: Mapping[Labels, Alert]) -> Group | None:
    """Return the group without the resolved alerts of `seen`, or None when it is empty.

    An alert that fired again meanwhile is another one and stays.
    """
    left = {
        labels: alert
        for labels, alert in group.alerts.items()
        if alert.resolved_at is None or seen.get(labels) is not alert
    }
    return replace(group, alerts=left) if left else None


def split(alerts: Iterable[Alert]) -> tuple[frozenset[Labels], frozenset[Labels]]:
    """Return the labels of the firing and of the resolved alerts."""
    known = list(alerts)
    return (
        frozenset(alert.labels for alert in known if alert.resolved_at is None),
        frozenset(alert.labels for alert in known if alert.resolved_at is not None),
    )
