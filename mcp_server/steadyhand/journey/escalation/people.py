"""People and the order in which each wants to be reached: the people section of incident-config.yaml."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.rule import Duration, Rule, Value

PATIENCE = timedelta(minutes=5)


class PersonRule(Rule):
    """How one person is reached: by the first way, and by the next when that failed or stayed silent."""

    name: str = Field(pattern=r"^[^:]+$", description="As in steadyhand people add NAME.")
    contacts: tuple[Contact, ...] = Field(default=(), description="Ways to reach them, first choice first.")
    by_severity: dict[Severity, tuple[Contact, ...]] = Field(
        default={}, description="Another order for a severity."
    )
    next_after: Duration = Field(default=PATIENCE, description="No answer this long: the next way.")

    def reach(self, severity: Severity) -> "Reach":
        """Their ways for this severity, each once."""
        ways = self.by_severity.get(severity, self.contacts)
        return Reach(who=self.name, contacts=tuple(dict.fromkeys(ways)), next_after=self.next_after)


class Reach(Value):
    """Somebody to be told, and the ways that lead to them, in order."""

    who: str
    contacts: tuple[Contact, ...]
    next_after: Duration = PATIENCE

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        """Channel and target of each way, in order."""
        return tuple((one.type, one.whom) for one in self.contacts)

    def has(self, channel: str, target: str) -> bool:
        """Whether this is one of their ways."""
        return (channel, target) in self.ways

    def place(self, channel: str, target: str) -> int:
        """Where this way stands among theirs, from 0. Raises ValueError for a way that is none of theirs."""
        return self.ways.index((channel, target))

    def after(self, channel: str, target: str) -> Contact | None:
        """The way to try after this one of theirs; None after the last. Raises ValueError as `place` does."""
        later = self.contacts[self.place(channel, target) + 1 :]
        return later[0] if later else None


def _named_once(people: tuple[PersonRule, ...]) -> tuple[PersonRule, ...]:
    names = [one.name for one in people]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise ValueError(f"two people are named {twice!r}")
    return people


People = Annotated[tuple[PersonRule, ...], AfterValidator(_named_once)]
