"""Who else hears of an incident: the war room, and those whose work or customers it touches."""

import re
from datetime import timedelta

from pydantic import Field

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.rule import Duration, Rule

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 80


class WarRoomRule(Rule):
    """Where war rooms are opened, for severities with create_war_room."""

    channel: str = Field(default="", description="A Slack channel of connections.channels; empty: no rooms.")
    invite: tuple[str, ...] = Field(
        default=(), description="Ids of people who are brought into every room, beside those who are paged."
    )


class StakeholderRule(Rule):
    """Who is kept informed in plain words, for severities with notify_stakeholders."""

    contacts: tuple[Contact, ...] = Field(default=(), description="Empty: nobody.")
    every: dict[Severity, Duration] = Field(
        default={
            "SEV1": timedelta(minutes=30),
            "SEV2": timedelta(hours=1),
            "SEV3": timedelta(hours=4),
            "SEV4": timedelta(hours=24),
        },
        description="How long after one update the next is due.",
    )

    def next_after(self, severity: Severity) -> timedelta:
        """The time between two updates at this severity."""
        return self.every.get(severity, timedelta(hours=1))


def room_name(incident: str, service: str) -> str:
    """A name that chat systems take: lower case, digits and dashes, with the incident's id in it."""
    return _NOT_IN_A_NAME.sub("-", f"{incident}-{service}".lower()).strip("-")[:_LONGEST_NAME]
