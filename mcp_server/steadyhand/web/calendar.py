"""A schedule as an iCalendar file (RFC 5545), written by the `icalendar` package."""

import hashlib
from datetime import datetime

from icalendar import Calendar, Event

from steadyhand.journey.escalation.oncall import OnCall
from steadyhand.journey.escalation.shifts import Shift


def calendar(one: OnCall, now: datetime) -> bytes:
    """All shifts of the window, an event each, in UTC: so no calendar can get a change of clocks wrong.

    A gap is an event too, named as one. A shift keeps its UID, so that importing it again repeats nothing.
    """
    made = Calendar()
    made.add("prodid", "-//Steadyhand//on-call schedule//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", f"On call: {one.schedule}")
    for shift in one.shifts:
        made.add_component(_event(one.schedule, shift, now))
    return bytes(made.to_ical())


def _event(schedule: str, shift: Shift, now: datetime) -> Event:
    made = Event()
    facts = f"{schedule}|{shift.person}|{shift.starts.isoformat()}"
    made.add("uid", f"{hashlib.sha256(facts.encode()).hexdigest()[:32]}@steadyhand")
    made.add("dtstamp", now)
    made.add("dtstart", shift.starts)
    made.add("dtend", shift.ends)
    made.add("summary", f"{shift.person or 'NOBODY'} on call ({schedule})")
    return made
