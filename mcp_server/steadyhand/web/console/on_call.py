"""The page of who is on call: now, for the next two weeks, and who is told when nobody answers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.handmade import ShiftChange
from steadyhand.journey.escalation.oncall import LOOK_AHEAD, OnCall, on_call
from steadyhand.journey.escalation.policy import SEVERITIES
from steadyhand.journey.escalation.readiness import Telling, timeline
from steadyhand.journey.escalation.walltime import wall, zone_of
from steadyhand.responder.people.roster import read_schedules
from steadyhand.responder.people.shifts import shift_changes
from steadyhand.responder.rules import Rules
from steadyhand.web.calendar import calendar
from steadyhand.web.console.paper import page
from steadyhand.web.console.visitor import Visitor, visitor
from steadyhand.web.desk import Desk
from steadyhand.web.shifts import said

PAGE = "/on-call"
WIDTH = 1000
_COLOURS = 6
_LETTER = 9  # wide
_YEAR = timedelta(days=365)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Block:
    """One shift in the drawing of a schedule, in the units of its view box."""

    x: float
    width: float
    person: str
    colour: int
    words: str
    named: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a day begins."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Strip:
    """A schedule over two weeks as a drawing."""

    one: OnCall
    blocks: tuple[Block, ...]
    days: tuple[Mark, ...]
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    """Who is told when nobody answers an incident of this severity that opens now."""

    severity: Severity
    told: tuple[Telling, ...]
    escalates: bool
    again: timedelta | None


class OnCallPage:
    """GET /on-call, and each schedule as a calendar file."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """The two of them; none changes anything."""
        return [Route(PAGE, self.show), Route(f"{PAGE}/{{schedule}}.ics", self.file)]

    async def show(self, request: Request) -> Response:
        """Who is on call."""
        return await show_on_call(self._desk, await visitor(self._desk, request))

    async def file(self, request: Request) -> Response:
        """A year of one schedule, to be imported into a calendar."""
        await visitor(self._desk, request)
        now = self._desk.outside.clock.now()
        every = await asyncio.to_thread(read_schedules, self._desk.outside, now)
        wanted = [one for one in every if one.name == request.path_params["schedule"]]
        if not wanted:
            raise HTTPException(404, "There is no such schedule.")
        made = calendar(on_call(wanted, now, now, now + _YEAR, cut=False)[0], now)
        kept = {"Content-Disposition": f'attachment; filename="{wanted[0].name}.ics"'}
        return Response(made, media_type="text/calendar; charset=utf-8", headers=kept)


async def show_on_call(
    desk: Desk, who: Visitor, problem: str = "", typed: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    """The whole page; what was typed into its form, and why that was not done, where it was not."""
    outside, now = desk.outside, desk.outside.clock.now()
    changes = await asyncio.to_thread(shift_changes, outside)
    schedules = outside.rules.on_call(changes)
    shown = {
        "strips": tuple(draw(one) for one in on_call(schedules, now, now, now + LOOK_AHEAD)),
        "ladders": ladders(outside.rules, changes, now),
        "changes": tuple((one, said(outside, one)) for one in changes),
        "crew": tuple(one.name for one in outside.rules.people if one.name != who.person.name),
        "schedules": tuple(one.name for one in schedules),
    }
    return page(desk, "on_call.html", status, who=who, now=now, problem=problem, typed=typed or {}, **shown)


def draw(one: OnCall) -> Strip:
    """The shifts side by side, each person in a colour of their own."""
    start, end = one.shifts[0].starts, one.shifts[-1].ends
    people = sorted({shift.person for shift in one.shifts if shift.person})

    def x(at: datetime) -> float:
        return round(WIDTH * ((at - start) / (end - start)), 1)

    blocks = tuple(
        Block(
            x=x(shift.starts),
            width=round(x(shift.ends) - x(shift.starts), 1),
            person=shift.person or "nobody",
            colour=people.index(shift.person) % _COLOURS if shift.person else -1,
            words=f"{shift.person or 'NOBODY'}: {one.local(shift.starts)} to {one.local(shift.ends)}",
            named=x(shift.ends) - x(shift.starts) >= _LETTER * (len(shift.person or "nobody") + 1),
        )
        for shift in one.shifts
    )
    gaps = tuple(f"{one.local(gap.starts)} to {one.local(gap.ends)}" for gap in one.shifts if not gap.person)
    return Strip(one=one, blocks=blocks, days=_days(one, start, end), gaps=gaps)


def _days(one: OnCall, start: datetime, end: datetime) -> tuple[Mark, ...]:
    zone = zone_of(one.time_zone)
    first = wall(start, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    midnights = ((first + number * _DAY) for number in range(1, LOOK_AHEAD.days + 1))
    marks = ((midnight.replace(tzinfo=zone), midnight) for midnight in midnights)
    return tuple(
        Mark(x=round(WIDTH * ((at - start) / (end - start)), 1), label=f"{midnight:%a %d}")
        for at, midnight in marks
        if at < end
    )


def ladders(rules: Rules, changes: Sequence[ShiftChange], now: datetime) -> tuple[Ladder, ...]:
    """For each severity who would be told, and when; one round of it."""
    found = []
    for severity in SEVERITIES:
        policy = rules.policy(severity, changes=changes)
        escalates = policy.treatment.auto_escalate
        told = timeline(policy.ladder, severity, now, escalates=escalates)
        once = told[: len(policy.ladder.tiers)] + told[-1:] if escalates else told
        again = policy.ladder.silence(policy.ladder.rungs, severity) if escalates else None
        found.append(Ladder(severity, once, escalates, again))
    return tuple(found)
