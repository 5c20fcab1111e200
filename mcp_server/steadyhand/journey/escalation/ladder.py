"""Tiers, contacts and the time each has: the escalation section of incident-config.yaml."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.rule import Rule, Span, parse_duration, span_of


def _minutes(given: object) -> object:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return span_of(minutes=given)
    return parse_duration(given)


Minutes = Annotated[Span, BeforeValidator(_minutes)]

ChannelType = Literal["console", "terminal", "webhook", "slack", "pagerduty", "email", "sms", "phone"]


class Contact(Rule):
    """A way to reach somebody: the channel's type and one field that says whom."""

    type: ChannelType
    target: str = ""
    channel: str = ""
    user: str = ""
    address: str = ""
    service: str = ""
    url: str = ""

    @property
    def whom(self) -> str:
        """The one field that is filled."""
        given = (self.target, self.channel, self.user, self.address, self.service, self.url)
        return next((one for one in given if one), "")


class Tier(Rule):
    """One rung: who is told, and how long they have. Plain numbers are minutes."""

    name: str
    response_time_minutes: Minutes = timedelta(minutes=15)
    contacts: tuple[Contact, ...] = Field(min_length=1)
    escalate_after: Minutes = Field(
        default=timedelta(minutes=30), description="No acknowledgement this long: next rung."
    )


class SeverityTreatment(Rule):
    """What a severity sets in motion by itself."""

    auto_escalate: bool = True
    create_war_room: bool = False
    notify_stakeholders: bool = False


class Ladder(Rule):
    """The rungs, in order; the last one is asked again when it stays silent."""

    tiers: tuple[Tier, ...] = Field(
        default=(Tier(name="on_call", contacts=(Contact(type="console", target="on-call"),)),), min_length=1
    )
    repeat: int = Field(default=3, ge=0, description="How often the last rung is asked again.")

    def tier(self, rung: int) -> Tier:
        """The tier of this rung; beyond the last it stays the last."""
        return self.tiers[min(rung, len(self.tiers) - 1)]

    def has_next(self, rung: int) -> bool:
        """Whether anybody is left to tell, repeats included."""
        return rung + 1 < len(self.tiers) + self.repeat


DEFAULT_TREATMENT: dict[Severity, SeverityTreatment] = {
    "SEV1": SeverityTreatment(auto_escalate=True, create_war_room=True, notify_stakeholders=True),
    "SEV2": SeverityTreatment(auto_escalate=True),
    "SEV3": SeverityTreatment(auto_escalate=False),
    "SEV4": SeverityTreatment(auto_escalate=False),
}
