"""Shifts taken, given away or swapped by hand: they stand above whatever the configuration says.

Instants, not wall time: what two people agreed on does not move when the clocks change.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from steadyhand.journey.escalation.schedule import Schedule
from steadyhand.journey.rule import Instant, Value

LONGEST = timedelta(days=35)
ChangeKind = Literal["take", "give", "swap"]
PAST: dict[ChangeKind, str] = {"take": "taken", "give": "given", "swap": "swapped"}


class Cover(Value):
    """From one instant to another somebody stands in: for whoever is on call, or for one person only."""

    person: str
    starts: Instant
    ends: Instant
    instead_of: str = Field(default="", description="Only where they would be on call; empty: whoever is.")

    def holds(self, person: str, at: datetime) -> bool:
        """Whether it puts somebody else in place of this person at an instant."""
        return self.starts <= at < self.ends and self.instead_of in ("", person)


class ShiftChange(Value):
    """What one person did to a schedule at one instant; a swap is two covers that come and go together."""

    id: str
    kind: ChangeKind
    schedule: str
    by: str
    at: Instant
    reason: str = ""
    covers: tuple[Cover, ...] = Field(min_length=1)

    @property
    def ends(self) -> datetime:
        """When the last of it is over."""
        return max(one.ends for one in self.covers)

    def cover(self, person: str, at: datetime) -> Cover | None:
        """What of it puts somebody in place of this person at an instant."""
        return next((one for one in self.covers if one.holds(person, at)), None)

    def undone(self, now: datetime) -> "ShiftChange":
        """What is left of it when it ends now: nothing of what has not begun; what was stays as it was."""
        covers = (one.model_copy(update={"ends": min(one.ends, max(one.starts, now))}) for one in self.covers)
        return self.model_copy(update={"covers": tuple(covers)})


class CoveredSchedule(Schedule):
    """A schedule of the configuration with what was changed by hand on top: the later change wins."""

    changes: tuple[ShiftChange, ...] = ()

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody it names, each once; those who stand in too."""
        standing_in = (one.person for change in self.changes for one in change.covers)
        return tuple(dict.fromkeys((*super().people, *standing_in)))

    def on_call(self, at: datetime) -> str:
        """Who is on call at this instant; empty for nobody."""
        return self._standing(at)[0]

    def stand_in(self, at: datetime) -> tuple[ShiftChange, Cover] | None:
        """The change that decides who is on call at an instant; None when the configuration does."""
        return self._standing(at)[1]

    def _standing(self, at: datetime) -> tuple[str, tuple[ShiftChange, Cover] | None]:
        person, last = super().on_call(at), None
        for change in self.changes:
            cover = change.cover(person, at)
            if cover is not None:
                person, last = cover.person, (change, cover)
        return person, last

    def edges(self, start: datetime, end: datetime) -> tuple[datetime, ...]:
        """Every instant inside the window at which the answer may change, in order."""
        ends = (edge for one in self.changes for cover in one.covers for edge in (cover.starts, cover.ends))
        return tuple(sorted({*super().edges(start, end), *(one for one in ends if start < one < end)}))


def covered(
    schedules: Iterable[Schedule], changes: Sequence[ShiftChange], known: Collection[str]
) -> tuple[CoveredSchedule, ...]:
    """The schedules with what was changed by hand on top.

    A change in favour of somebody who is not among the known people any more counts for nothing: the
    configuration's own answer is better than a page to nobody.
    """
    good = [one for one in changes if all(cover.person in known for cover in one.covers)]
    return tuple(
        _covered(one, tuple(each for each in good if each.schedule == one.name)) for one in schedules
    )


def _covered(one: Schedule, changes: tuple[ShiftChange, ...]) -> CoveredSchedule:
    fields = {name: getattr(one, name) for name in Schedule.model_fields}
    return CoveredSchedule.model_construct(**fields, changes=changes)
