"""Who is on call at an instant: the schedules section of incident-config.yaml."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from steadyhand.journey.escalation.hours import WeeklyHours
from steadyhand.journey.escalation.walltime import ShiftLength, WallTime, ZoneName, instant, wall, zone_of
from steadyhand.journey.rule import Rule

_WEEK = timedelta(weeks=1)
_DAY = timedelta(days=1)


class Layer(Rule):
    """A rotation: people take turns, each for one shift by the clock on the wall."""

    people: tuple[str, ...] = Field(min_length=1, description="In the order of their turns.")
    starts: WallTime = Field(description="The first hand-off, in the schedule's zone.")
    shift: ShiftLength = Field(default=_WEEK, description="12h, 1d, 1w.")
    hours: tuple[WeeklyHours, ...] = Field(default=(), description="On only in these hours; empty: always.")

    def boundary(self, number: int, zone: ZoneInfo) -> datetime:
        """The instant at which this turn begins, and the one before ends."""
        return instant(self.starts + number * self.shift, zone)

    def turn(self, at: datetime, zone: ZoneInfo) -> int:
        """The number of the turn at an instant, from 0; negative before the first."""
        number = (wall(at, zone) - self.starts) // self.shift
        while self.boundary(number, zone) > at:
            number -= 1
        while self.boundary(number + 1, zone) <= at:
            number += 1
        return number

    def person(self, at: datetime, zone: ZoneInfo) -> str:
        """Who is on call by this layer; empty outside its hours and before its start."""
        number = self.turn(at, zone)
        on = not self.hours or any(one.around(at, zone) for one in self.hours)
        return self.people[number % len(self.people)] if on and number >= 0 else ""

    def edges(self, start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Every instant in the window at which its answer may change."""
        number = self.turn(start, zone)
        while (edge := self.boundary(number, zone)) < end:
            yield edge
            number += 1
        day = wall(start, zone).date() - _DAY
        while day <= wall(end, zone).date():
            for one in self.hours:
                yield from one.on(day, zone) or ()
            day += _DAY


class Override(Rule):
    """Somebody stands in, whatever the layers say."""

    person: str
    starts: WallTime
    ends: WallTime

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.ends <= self.starts:
            raise ValueError("an override ends after it starts")
        return self

    def window(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its instants, in UTC."""
        return instant(self.starts, zone), instant(self.ends, zone)


class Schedule(Rule):
    """Layers of rotations with overrides on top: what stands later in the file wins."""

    name: str = Field(pattern=r"^[\w.-]+$")
    time_zone: ZoneName
    layers: tuple[Layer, ...] = Field(min_length=1)
    overrides: tuple[Override, ...] = ()
    handoff_notice: bool = Field(
        default=True, description="Tell who comes on call, and who goes, at the hand-off."
    )

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody it names, each once."""
        named = [person for one in self.layers for person in one.people]
        return tuple(dict.fromkeys((*named, *(one.person for one in self.overrides))))

    def on_call(self, at: datetime) -> str:
        """Who is on call at this instant; empty for nobody."""
        override = self.override(at)
        if override is not None:
            return override.person
        zone = zone_of(self.time_zone)
        found = (layer.person(at, zone) for layer in reversed(self.layers))
        return next((one for one in found if one), "")

    def override(self, at: datetime) -> Override | None:
        """What stands above the layers at this instant."""
        zone = zone_of(self.time_zone)
        windows = ((one, *one.window(zone)) for one in reversed(self.overrides))
        return next((one for one, start, end in windows if start <= at < end), None)

    def edges(self, start: datetime, end: datetime) -> tuple[datetime, ...]:
        """Every instant inside the window at which the answer may change, in order."""
        zone = zone_of(self.time_zone)
        found = {edge for one in self.layers for edge in one.edges(start, end, zone)}
        found |= {edge for one in self.overrides for edge in one.window(zone)}
        return tuple(sorted(one for one in found if start < one < end))


def _named_once(schedules: tuple[Schedule, ...]) -> tuple[Schedule, ...]:
    names = [one.name for one in schedules]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise ValueError(f"two schedules are named {twice!r}")
    return schedules


Schedules = Annotated[tuple[Schedule, ...], AfterValidator(_named_once)]
