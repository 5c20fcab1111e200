"""A schedule laid out over time: its shifts, its gaps, its hand-offs."""

from datetime import datetime, timedelta
from itertools import pairwise

from steadyhand.journey.escalation.schedule import Schedule
from steadyhand.journey.rule import Instant, Value

_LOOK = timedelta(days=35)
_FARTHEST = 12


class Shift(Value):
    """From an instant to another one person is on call; `person` is empty where nobody is."""

    person: str
    starts: Instant
    ends: Instant


class Handoff(Value):
    """At an instant one person goes and another comes; empty for nobody."""

    at: Instant
    goes: str
    comes: str


def roster(schedule: Schedule, start: datetime, end: datetime) -> tuple[Shift, ...]:
    """The whole window without a hole, gaps included: each shift ends at the instant the next one starts."""
    found: list[Shift] = []
    cuts = (start, *schedule.edges(start, end), end)
    for begins, ends in pairwise(cuts):
        person = schedule.on_call(begins)
        if found and found[-1].person == person:
            found[-1] = found[-1].model_copy(update={"ends": ends})
        elif begins < ends:
            found.append(Shift(person=person, starts=begins, ends=ends))
    return tuple(found)


def whole(schedule: Schedule, start: datetime, end: datetime) -> tuple[Shift, ...]:
    """All shifts that touch the window, each from its true beginning to its true end, gaps included.

    One that lasts longer than a year beyond the window is cut at it.
    """
    first, *more = roster(schedule, start, end)
    laid = [first.model_copy(update={"starts": _began(schedule, first)}), *more]
    if schedule.on_call(end) == laid[-1].person:
        handoff = next_handoff(schedule, end)
        laid[-1] = laid[-1].model_copy(update={"ends": handoff.at if handoff else end})
    return tuple(laid)


def _began(schedule: Schedule, shift: Shift) -> datetime:
    start = shift.starts
    for _ in range(_FARTHEST):
        *before, last = roster(schedule, start - _LOOK, start)
        if last.person != shift.person:
            return start
        if before:
            return last.starts
        start -= _LOOK
    return shift.starts


def shifts(schedule: Schedule, start: datetime, end: datetime) -> tuple[Shift, ...]:
    """Who is on call from when to when, in order."""
    return tuple(one for one in roster(schedule, start, end) if one.person)


def gaps(schedule: Schedule, start: datetime, end: datetime) -> tuple[Shift, ...]:
    """When nobody is on call."""
    return tuple(one for one in roster(schedule, start, end) if not one.person)


def next_handoff(schedule: Schedule, after: datetime) -> Handoff | None:
    """The next change of who is on call; None when none comes within about a year."""
    start = after
    for _ in range(_FARTHEST):
        laid = roster(schedule, start, start + _LOOK)
        if len(laid) > 1:
            return Handoff(at=laid[0].ends, goes=laid[0].person, comes=laid[1].person)
        start += _LOOK
    return None
