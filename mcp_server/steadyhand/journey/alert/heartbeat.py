"""Monitors that must report to us: their silence is an alert like any other."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.rule import Duration, Instant, Rule, Value, show_duration

SOURCE = "heartbeat"
_ATTENTIVE = timedelta(minutes=1)


def _some(span: timedelta) -> timedelta:
    if span <= timedelta():
        raise ValueError("must be longer than nothing")
    return span


class HeartbeatRule(Rule):
    """One monitor, job or site that must post to /heartbeats/{name} again and again."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")
    service: str = Field(min_length=1, max_length=100, description="Whose incident its silence is.")
    every: Annotated[Duration, AfterValidator(_some)] = Field(description="How often it reports.")
    grace: Duration = Field(default=timedelta(minutes=1), description="How late it may be.")
    severity: str = Field(default="critical", max_length=100, description="In the words of severity.rules.")

    def due_after(self, seen_at: datetime) -> datetime:
        """When it counts as missed, seen last at this instant."""
        return seen_at + self.every + self.grace


def _named_once(rules: tuple[HeartbeatRule, ...]) -> tuple[HeartbeatRule, ...]:
    names = [one.name for one in rules]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise ValueError(f"two heartbeats are named {twice!r}")
    return rules


Heartbeats = Annotated[tuple[HeartbeatRule, ...], AfterValidator(_named_once)]


class Pulse(Value):
    """What is known of one monitor."""

    name: str
    seen_at: Instant | None = None
    missed_at: Instant | None = Field(default=None, description="Since when it is missed, if it is.")


def unheard(due_at: datetime, now: datetime) -> bool:
    """Whether nobody was listening when it was due: then it gets its grace again before anybody is woken."""
    return now - due_at > _ATTENTIVE


def silence(rule: HeartbeatRule, pulse: Pulse, missed_at: datetime) -> Alert:
    """The alert that it is missed."""
    last = f"last heard of at {pulse.seen_at:%Y-%m-%d %H:%M} UTC" if pulse.seen_at else "never heard of"
    words = f"{rule.name} reports every {show_duration(rule.every)}; {last}."
    return _alert(rule, "firing", missed_at, words)


def return_of(rule: HeartbeatRule, missed_at: datetime) -> Alert:
    """The alert's end: it reports again."""
    return _alert(rule, "resolved", missed_at, f"{rule.name} reports again.")


def _alert(rule: HeartbeatRule, status: str, missed_at: datetime, words: str) -> Alert:
    return Alert.model_validate(
        {
            "source": SOURCE,
            "dedup_key": f"{SOURCE}:{rule.name}",
            "name": f"No heartbeat from {rule.name}",
            "service": rule.service,
            "status": status,
            "severity": rule.severity,
            "starts_at": missed_at,
            "summary": words,
        }
    )
