"""A change of a shift as a person asks for it, whatever the door; times without a zone are the schedule's."""

from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from starlette.exceptions import HTTPException

from steadyhand.journey.escalation.changing import Span, Wish
from steadyhand.journey.escalation.handmade import ShiftChange
from steadyhand.journey.escalation.oncall import say_change
from steadyhand.journey.escalation.schedule import Schedule
from steadyhand.journey.escalation.walltime import instant, zone_of
from steadyhand.journey.rule import Value, parse_duration
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.shifts import change_shift

_TIME = Field(default="", max_length=40)


class WantedShift(Value):
    """What a person asks for; without a schedule it is the only one there is."""

    kind: Literal["take", "give", "swap"]
    schedule: str = Field(default="", max_length=80)
    other: str = Field(default="", max_length=80, description="Whom it is given to, or swapped with.")
    starts: str = _TIME
    ends: str = _TIME
    lasts: str = Field(default="", max_length=20, description="In place of ends: 8h, 30m.")
    their_starts: str = Field(default="", max_length=40, description="Of a swap: what one gets.")
    their_ends: str = _TIME
    reason: str = Field(default="", max_length=500)


def do_shift(outside: Outside, wanted: WantedShift, by: str, via: str) -> ShiftChange:
    """Do what is asked for. Raises HTTPException 400 naming what is wrong, Refused, LedgerError."""
    schedule = _schedule(outside, wanted.schedule)
    if wanted.kind != "take" and not wanted.other:
        raise HTTPException(
            400, f"other: whom do you {wanted.kind} it {'to' if wanted.kind == 'give' else 'with'}?"
        )
    zone, now = zone_of(schedule.time_zone), outside.clock.now()
    own = _span("starts", (wanted.starts, wanted.ends, wanted.lasts), zone, now)
    theirs = _span("their_starts", (wanted.their_starts, wanted.their_ends, ""), zone, now)
    other = wanted.other if wanted.kind != "take" else ""
    wish = Wish(wanted.kind, by, other, own, theirs)
    return change_shift(outside, schedule.name, wish, wanted.reason.strip(), via)


def said(outside: Outside, change: ShiftChange) -> str:
    """The change in one sentence, in the schedule's own time."""
    found = next((one for one in outside.rules.schedules if one.name == change.schedule), None)
    return say_change(change, found.time_zone if found else "UTC")


def _schedule(outside: Outside, name: str) -> Schedule:
    every = outside.rules.schedules
    found = next((one for one in every if one.name == name), None)
    if found is None and not name and len(every) == 1:
        return every[0]
    if found is None:
        known = ", ".join(one.name for one in every) or "none: write one under schedules"
        raise HTTPException(400, f"schedule: which one? There are {known}")
    return found


def _span(place: str, given: tuple[str, str, str], zone: ZoneInfo, now: datetime) -> Span:
    starts, ends = _instant(place, given[0], zone), _instant(place.replace("starts", "ends"), given[1], zone)
    if given[2] and ends is None:
        ends = _after(starts or now, given[2])
    return Span(starts, ends)


def _instant(place: str, text: str, zone: ZoneInfo) -> datetime | None:
    """A time without a zone is what the schedule's people read on the wall."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return instant(at.replace(microsecond=0), zone) if at.tzinfo is None else at.astimezone(zone)
    except (ValueError, OverflowError):
        raise HTTPException(
            400, f"{place}: write it like 2026-01-31T18:00, or with a zone: ..T17:00Z"
        ) from None


def _after(start: datetime, lasts: str) -> datetime:
    try:
        span = parse_duration(lasts)
        assert isinstance(span, timedelta), "a text is a duration or an error"
        return start + span
    except (ValueError, OverflowError) as error:
        raise HTTPException(400, f"lasts: {error}") from None
