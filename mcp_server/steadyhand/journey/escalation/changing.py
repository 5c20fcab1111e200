"""What it means to take, give away or swap a shift: the covers that follow, or why it cannot be."""

from datetime import datetime
from typing import NamedTuple

from steadyhand.journey.escalation.handmade import LONGEST, ChangeKind, Cover, CoveredSchedule
from steadyhand.journey.escalation.shifts import next_handoff, roster, shifts
from steadyhand.journey.escalation.walltime import zone_of

_MOST_SHOWN = 3


class CannotChange(ValueError):
    """This change of shifts means nothing, or would lose a page; the text says what would help."""


class Span(NamedTuple):
    """A window of time; None where nobody said."""

    starts: datetime | None = None
    ends: datetime | None = None


class Wish(NamedTuple):
    """What somebody wants: `other` is whom they give to or swap with, `theirs` the other one's window."""

    kind: ChangeKind
    by: str
    other: str = ""
    own: Span = Span()
    theirs: Span = Span()


def covers_for(schedule: CoveredSchedule, wish: Wish, now: datetime) -> tuple[Cover, ...]:
    """The covers that fulfil it, from now on. Raises CannotChange.

    Where no window is named it is one's next shift (the present one, if it lasts); for a take, what is left
    of the present shift.
    """
    match wish.kind:
        case "take":
            return (_take(schedule, wish, now),)
        case "give":
            return (_given(schedule, wish.by, wish.other, wish.own, now),)
        case "swap":
            mine = _given(schedule, wish.by, wish.other, wish.own, now)
            return mine, _given(schedule, wish.other, wish.by, wish.theirs, now)


def _take(schedule: CoveredSchedule, wish: Wish, now: datetime) -> Cover:
    starts = wish.own.starts or now
    ends = wish.own.ends or _next_change(schedule, max(starts, now))
    window = _sound(starts, ends, now)
    if all(one.person == wish.by for one in roster(schedule, *window)):
        raise CannotChange(f"{wish.by} is on call for {schedule.name} then anyway")
    return Cover(person=wish.by, starts=window[0], ends=window[1])


def _next_change(schedule: CoveredSchedule, after: datetime) -> datetime:
    handoff = next_handoff(schedule, after)
    if handoff is None:
        raise CannotChange(f"no hand-off of {schedule.name} comes: say how long")
    return handoff.at


def _given(schedule: CoveredSchedule, giver: str, to: str, span: Span, now: datetime) -> Cover:
    """Of a window, what the giver would be on call for."""
    if giver == to:
        raise CannotChange(f"it is {giver}'s already")
    window = _sound(*_window(schedule, giver, span, now), now)
    if all(one.person != giver for one in roster(schedule, *window)):
        raise CannotChange(
            f"{giver} is not on call for {schedule.name} then; {_shifts_of(schedule, giver, now)}"
        )
    return Cover(person=to, starts=window[0], ends=window[1], instead_of=giver)


def _window(schedule: CoveredSchedule, of: str, span: Span, now: datetime) -> tuple[datetime, datetime]:
    if span.starts is not None and span.ends is not None:
        return span.starts, span.ends
    wanted = max(span.starts or now, now)
    found = next((one for one in shifts(schedule, wanted, wanted + LONGEST) if one.person == of), None)
    if found is None:
        raise CannotChange(
            f"{of} is not on call for {schedule.name} within {LONGEST.days} days: say from when to when"
        )
    return found.starts, span.ends or found.ends


def _sound(starts: datetime, ends: datetime, now: datetime) -> tuple[datetime, datetime]:
    if ends <= now:
        raise CannotChange("that is over already")
    if ends <= starts:
        raise CannotChange("it must end after it starts")
    if ends - starts > LONGEST:
        raise CannotChange(f"at most {LONGEST.days} days at once; for longer change schedules")
    return max(starts, now), ends


def _shifts_of(schedule: CoveredSchedule, person: str, now: datetime) -> str:
    """The next shifts of somebody, in words."""
    zone = zone_of(schedule.time_zone)
    found = [one for one in shifts(schedule, now, now + LONGEST) if one.person == person][:_MOST_SHOWN]
    words = (
        f"{one.starts.astimezone(zone):%a %d %b %H:%M} to {one.ends.astimezone(zone):%a %d %b %H:%M}"
        for one in found
    )
    return f"their next shifts: {', '.join(words)}" if found else f"they have no shift in {LONGEST.days} days"
