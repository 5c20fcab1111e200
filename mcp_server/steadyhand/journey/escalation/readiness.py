"""Would anybody be reached? Who is told when nobody answers, and what would keep a page from them."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.contact import Contact, NamedPerson, OnSchedule
from steadyhand.journey.escalation.handmade import PAST, CoveredSchedule, ShiftChange
from steadyhand.journey.escalation.ladder import Ladder, Tier
from steadyhand.journey.escalation.people import PersonRule, Reach
from steadyhand.journey.escalation.policy import SEVERITIES, EscalationRule
from steadyhand.journey.escalation.schedule import Schedule
from steadyhand.journey.escalation.shifts import gaps
from steadyhand.journey.rule import Duration, Instant, Value

LOOK_AHEAD = timedelta(days=28)
_MOST_GAPS = 3


class Telling(Value):
    """One rung in the course of an incident that nobody answers."""

    at: Instant
    heard: Instant
    tier: str
    within: Duration
    whom: tuple[Reach, ...]


def timeline(ladder: Ladder, severity: Severity, at: datetime, *, escalates: bool) -> tuple[Telling, ...]:
    """Who is told at which instant when an incident opens at `at` and nobody ever answers."""
    found = []
    for rung in range(ladder.rungs):
        tier = ladder.tier(rung)
        whom = ladder.reach(tier, severity, at)
        heard, within = ladder.heard(severity, at), tier.response_time_minutes
        found.append(Telling(at=at, heard=heard, tier=tier.name, within=within, whom=whom))
        if whom and not escalates:
            break
        if whom:
            at = ladder.deadline(severity, at, tier.escalate_after)
    return tuple(found)


def problems(
    ladders: Iterable[Ladder],
    people: tuple[PersonRule, ...],
    schedules: tuple[Schedule, ...],
    usable: Collection[str],
    now: datetime,
) -> tuple[str, ...]:
    """Everything that would keep a page from somebody, each once; `usable` are the channels there are."""
    every = tuple(ladders)
    found = [
        *(one for ladder in every for one in _tiers(ladder, usable, now)),
        *(one for person in people for one in _person(person, usable)),
        *(one for schedule in schedules for one in _gaps(schedule, now)),
        *_all_console(every, now),
    ]
    return tuple(dict.fromkeys(found))


def _tiers(ladder: Ladder, usable: Collection[str], now: datetime) -> Iterator[str]:
    last = (ladder.tier(ladder.rungs),) if ladder.last_resort else ()  # else it is everybody once more
    for tier in (*ladder.tiers, *last):
        where = f"escalation {ladder.name}, tier {tier.name}"
        reached = ladder.reach(tier, "SEV1", now)
        lost = [str(one) for one in tier.contacts if isinstance(one, Contact) and one.missing]
        yield from (f"{where}: {one} leads to nobody: write its name under variables" for one in lost)
        if not reached and not lost:
            yield f"{where}: nobody is on call now: it is passed over at once"
        if tier.escalate_after <= timedelta() and tier in ladder.tiers:
            yield f"{where}: escalate_after is 0: the next tier is told at the same moment"
        if _countable(tier) and 0 < len(reached) < tier.acknowledgements:
            wanted = f"{tier.acknowledgements} must acknowledge and {len(reached)} are told"
            yield f"{where}: {wanted}: its ladder cannot be stopped there"
        for one in reached:
            ways = [way.type for way in one.contacts]
            if not _named(tier, one) and not set(ways) & set(usable):
                yield f"{where}: connections.channels has no {ways[0]}"


def _countable(tier: Tier) -> bool:
    """Whether each of its contacts is one person; behind a channel or a service there may be many."""
    return all(not isinstance(one, Contact) or one.user or one.address for one in tier.contacts)


def unused(rule: EscalationRule) -> Iterator[str]:
    """Policies that no incident climbs."""
    climbed = {one.policy for one in rule.assign}
    climbed |= {rule.ladders[0].name} if rule.policies else set()  # for what no row is about
    for one in rule.policies:
        if one.name not in climbed:
            yield f"escalation: no row of assign names the policy {one.name!r}: no incident climbs it"


def _named(tier: Tier, one: Reach) -> bool:
    """Whether they are a person, whose ways are looked at by themselves."""
    return any(isinstance(target, NamedPerson | OnSchedule) for target in tier.contacts) and not any(
        str(target) == one.who for target in tier.contacts
    )


def _person(person: PersonRule, usable: Collection[str]) -> Iterator[str]:
    where = f"people {person.name}"
    for severity in SEVERITIES:
        ways = [one.type for one in person.reach(severity).contacts]
        if not ways:
            yield f"{where}: no contact rule: a page to them is lost"
        elif not set(ways) & set(usable):
            yield f"{where}: none of their ways has a channel under connections.channels ({', '.join(ways)})"
    for way in dict.fromkeys(
        (*person.contacts, *(one for ways in person.by_severity.values() for one in ways))
    ):
        if way.type not in usable:
            yield f"{where}: connections.channels has no {way.type}"


def _gaps(schedule: Schedule, now: datetime) -> Iterator[str]:
    found = gaps(schedule, now, now + LOOK_AHEAD)
    for one in found[:_MOST_GAPS]:
        window = f"from {one.starts:%Y-%m-%d %H:%M} to {one.ends:%Y-%m-%d %H:%M} UTC"
        yield f"schedules {schedule.name}: nobody is on call {window}"
    more = len(found) - _MOST_GAPS
    if more > 0:
        yield f"schedules {schedule.name}: and {more} more gaps within {LOOK_AHEAD.days} days"


def lost_changes(schedules: Iterable[CoveredSchedule], changes: Iterable[ShiftChange]) -> Iterator[str]:
    """Shifts changed by hand that count for nothing: their schedule, or who stands in, is there no more."""
    obeyed = {one.id for schedule in schedules for one in schedule.changes}
    for one in changes:
        if one.id not in obeyed:
            names = ", ".join(dict.fromkeys(cover.person for cover in one.covers))
            yield (
                f"shift {one.id} of {one.schedule}, {PAST[one.kind]} by {one.by}, counts for nothing: "
                f"{one.schedule} is no schedule here, or {names} not under people"
            )


def _all_console(ladders: tuple[Ladder, ...], now: datetime) -> Iterator[str]:
    ways = {
        way.type
        for ladder in ladders
        for tier in ladder.tiers
        for one in ladder.reach(tier, "SEV1", now)
        for way in one.contacts
    }
    if ways == {"console"}:
        yield "every contact is the console: nobody is woken by a page they must be looking at"
