"""The rungs an incident climbs while nobody answers: who is told at each, and how long they have."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, assert_never

from pydantic import BeforeValidator, Field

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.contact import Contact, NamedPerson, OnSchedule, Target
from steadyhand.journey.escalation.handmade import CoveredSchedule
from steadyhand.journey.escalation.hours import BusinessHours, QuietHours
from steadyhand.journey.escalation.people import PersonRule, Reach
from steadyhand.journey.rule import Duration, Rule, Span, parse_duration, span_of


def _minutes(given: object) -> object:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return span_of(minutes=given)
    return parse_duration(given)


Minutes = Annotated[Span, BeforeValidator(_minutes)]
LENIENT: tuple[Severity, ...] = ("SEV3", "SEV4")  # what may wait; the others always break through
Notify = Literal["all", "any", "round_robin"]


class Tier(Rule):
    """One rung: who is told, and how long they have. Plain numbers are minutes."""

    name: str
    response_time_minutes: Minutes = timedelta(minutes=15)
    contacts: tuple[Target, ...] = Field(min_length=1)
    escalate_after: Minutes = Field(
        default=timedelta(minutes=30), description="No acknowledgement this long: next rung."
    )
    notify: Notify = Field(
        default="all",
        description="all at once; any: one after the other until one answers; round_robin: any, by turns.",
    )
    acknowledgements: int = Field(
        default=1, ge=1, description="People who must acknowledge before the ladder stops."
    )


class SeverityTreatment(Rule):
    """What a severity sets in motion by itself."""

    auto_escalate: bool = True
    create_war_room: bool = False
    notify_stakeholders: bool = False


class Ladder(Rule):
    """The rungs, in order: all tiers, as often again as `repeat` says, then the last resort."""

    name: str = "tiers"
    tiers: tuple[Tier, ...] = Field(min_length=1)
    repeat: int = Field(default=3, ge=0, description="How often all tiers are told again.")
    last_resort: tuple[Target, ...] = Field(
        default=(), description="Told at the very end; empty: everybody of every tier at once."
    )
    people: tuple[PersonRule, ...] = ()
    schedules: tuple[CoveredSchedule, ...] = ()
    remind_every: Minutes | None = None
    unack_after: Duration | None = None
    quiet_hours: QuietHours | None = None
    business_hours: BusinessHours | None = None

    @property
    def rungs(self) -> int:
        """How many there are, repeats and the last resort included."""
        return len(self.tiers) * (self.repeat + 1) + 1

    def tier(self, rung: int) -> Tier:
        """The tier of this rung; the last one and all beyond it are the last resort."""
        if rung + 1 < self.rungs:
            return self.tiers[rung % len(self.tiers)]
        everybody = tuple(dict.fromkeys(one for tier in self.tiers for one in tier.contacts))
        return Tier(name="last_resort", contacts=self.last_resort or everybody)

    def has_next(self, rung: int) -> bool:
        """Whether anybody is left to tell, repeats included."""
        return rung + 1 < self.rungs

    def silence(self, rung: int, severity: Severity) -> timedelta | None:
        """How long this rung may be silent before people are told again; None: nobody is.

        Beyond the last resort only what may not wait goes on: it is reminded of until somebody answers.
        """
        if self.has_next(rung):
            return self.tier(rung).escalate_after
        return None if severity in LENIENT else self.remind_every

    def reach(self, tier: Tier, severity: Severity, at: datetime) -> tuple[Reach, ...]:
        """Whom this tier means at an instant, each once; those without a way to be reached are left out."""
        found = (self._one(target, severity, at) for target in tier.contacts)
        known = {one.who: one for one in found if one is not None and one.contacts}
        return tuple(known.values())

    def _one(self, target: Target, severity: Severity, at: datetime) -> Reach | None:
        match target:
            case Contact():
                return None if target.missing else Reach(who=str(target), contacts=(target,))
            case NamedPerson():
                return self.person(target.person, severity)
            case OnSchedule():
                schedule = next((one for one in self.schedules if one.name == target.schedule), None)
                return self.person(schedule.on_call(at), severity) if schedule else None
            case _:
                assert_never(target)

    def person(self, name: str, severity: Severity) -> Reach | None:
        """How this person is reached; None for one without a rule."""
        rule = next((one for one in self.people if one.name == name), None)
        return rule.reach(severity) if rule else None

    def heard(self, severity: Severity, now: datetime) -> datetime:
        """When a message of now may be heard: at once, or for lesser things when quiet hours end."""
        quiet = self.quiet_hours if severity in LENIENT else None
        return quiet.over(now) if quiet else now

    def deadline(self, severity: Severity, now: datetime, span: timedelta) -> datetime:
        """When so much time has passed since now: for lesser things only what a team works is counted."""
        start = self.heard(severity, now)
        business = self.business_hours if severity in LENIENT else None
        return business.add(start, span) if business else start + span
