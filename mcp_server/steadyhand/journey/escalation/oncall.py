"""Who is on call, from when to when, as people ask it: in the schedule's own time."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from steadyhand.journey.escalation.handmade import Cover, ShiftChange
from steadyhand.journey.escalation.schedule import Schedule
from steadyhand.journey.escalation.shifts import Shift, next_handoff, roster, whole
from steadyhand.journey.escalation.walltime import zone_of
from steadyhand.journey.rule import Instant, Value

Layout = Callable[[Schedule, datetime, datetime], tuple[Shift, ...]]
LOOK_AHEAD = timedelta(days=14)
LONGEST = timedelta(days=400)


class OnCall(Value):
    """One schedule at an instant, and laid out over a window; a shift without a person is a gap."""

    schedule: str
    time_zone: str
    person: str
    until: Instant | None
    then: str
    shifts: tuple[Shift, ...]

    def local(self, at: datetime) -> str:
        """An instant as the schedule's people read it."""
        return local(at, self.time_zone)


def local(at: datetime, time_zone: str) -> str:
    """An instant as people of this zone read it."""
    return f"{at.astimezone(zone_of(time_zone)):%a %Y-%m-%d %H:%M %Z}"


def say_change(change: ShiftChange, time_zone: str) -> str:
    """In one sentence what somebody did to a schedule."""
    told = " and ".join(_say_cover(one, time_zone) for one in change.covers)
    words = {"take": "takes", "give": "gives", "swap": "swaps"}[change.kind]
    why = f" ({change.reason})" if change.reason else ""
    return f"{change.by} {words} {change.schedule}: {told}{why}"


def _say_cover(cover: Cover, time_zone: str) -> str:
    instead = f" instead of {cover.instead_of}" if cover.instead_of else ""
    return (
        f"{cover.person} is on call{instead} from {local(cover.starts, time_zone)}"
        f" to {local(cover.ends, time_zone)}"
    )


def on_call(
    schedules: Iterable[Schedule], now: datetime, start: datetime, end: datetime, *, cut: bool = True
) -> tuple[OnCall, ...]:
    """Who is on call now and who comes next, and all shifts of the window, cut at it or whole.

    Raises ValueError.
    """
    if not start < end <= start + LONGEST:
        raise ValueError(f"the window must end after it starts, and within {LONGEST.days} days")
    return tuple(_one(schedule, now, start, end, roster if cut else whole) for schedule in schedules)


def _one(schedule: Schedule, now: datetime, start: datetime, end: datetime, lay: Layout) -> OnCall:
    handoff = next_handoff(schedule, now)
    return OnCall(
        schedule=schedule.name,
        time_zone=schedule.time_zone,
        person=schedule.on_call(now),
        until=handoff.at if handoff else None,
        then=handoff.comes if handoff else "",
        shifts=lay(schedule, start, end),
    )


def say_now(one: OnCall) -> str:
    """In one sentence who is on call now, and who comes next."""
    person = f"{one.person} is on call" if one.person else "NOBODY is on call"
    if one.until is None:
        return f"{one.schedule}: {person}, and no hand-off comes."
    return f"{one.schedule}: {person} until {one.local(one.until)}, then {one.then or 'NOBODY'}."


def say_shifts(one: OnCall) -> tuple[str, ...]:
    """The window's shifts, a line each."""
    return tuple(
        f"{one.local(shift.starts)} to {one.local(shift.ends)}: {shift.person or 'NOBODY (a gap)'}"
        for shift in one.shifts
    )
