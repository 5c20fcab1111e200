"""Ways to reach somebody, and whom a tier names: a channel, a person, or whoever a schedule has on call."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from steadyhand.journey.rule import Rule

ChannelType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
"""A channel's name, or its kind: then the first of that kind is meant. `console` needs no channel."""


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

    @property
    def missing(self) -> bool:
        """Whether it still waits for a variable that nobody wrote: it leads to nobody."""
        return "{{" in self.whom

    def __str__(self) -> str:
        return f"{self.type} {self.whom}".strip()


class NamedPerson(Rule):
    """A person of the people section, by the ways they chose."""

    person: str


class OnSchedule(Rule):
    """Whoever the schedule has on call when the tier is told."""

    schedule: str


def _kind(given: object) -> str:
    """By its key: an error then speaks of the one form that was meant. Brackets keep it out of paths."""
    keys = given if isinstance(given, dict) else getattr(type(given), "model_fields", {})
    return next((f"({one})" for one in ("person", "schedule") if one in keys), "(contact)")


Target = Annotated[
    Annotated[NamedPerson, Tag("(person)")]
    | Annotated[OnSchedule, Tag("(schedule)")]
    | Annotated[Contact, Tag("(contact)")],
    Discriminator(_kind),
]
