"""The rungs an incident climbs while nobody answers: who is told at each, and how long they have."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.contact import Contact, NamedPerson, Target
from steadyhand.journey.escalation.people import PersonRule, Reach
from steadyhand.journey.rule import Rule, Span, parse_duration, span_of


def _minutes(given: object) -> object:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return span_of(minutes=given)
    return parse_duration(given)


Minutes = Annotated[Span, BeforeValidator(_minutes)]
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

    def reach(self, tier: Tier, severity: Severity) -> tuple[Reach, ...]:
        """Whom this tier means, each once, with the ways to reach them."""
        found = (self._one(target, severity) for target in tier.contacts)
        known = {one.who: one for one in found if one is not None and one.contacts}
        return tuple(known.values())

    def _one(self, target: Target, severity: Severity) -> Reach | None:
        match target:
            case Contact():
                return Reach(who=str(target), contacts=(target,))
            case NamedPerson():
                rule = next((one for one in self.people if one.name == target.person), None)
                return rule.reach(severity) if rule else None
            case _:
                return None
