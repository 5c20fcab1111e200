"""Why it was this person: the step of the frozen ladder, and what of it led to them."""

from datetime import datetime

from steadyhand.journey.escalation.contact import Contact, NamedPerson, OnSchedule, Target
from steadyhand.journey.escalation.handmade import PAST
from steadyhand.journey.escalation.ladder import Ladder
from steadyhand.journey.escalation.people import Reach
from steadyhand.journey.escalation.walltime import zone_of
from steadyhand.journey.incident.state import Incident


def who_is(incident: Incident, channel: str, target: str) -> str:
    """Whose way this is; the way itself where it is nobody's."""
    found = owner(incident, channel, target)
    return found.who if found else f"{channel} {target}"


def owner(incident: Incident, channel: str, target: str) -> Reach | None:
    """Whoever is reached by this way."""
    rules = (one.reach(incident.severity) for one in incident.policy.ladder.people)
    people = (*incident.called, *incident.reserve, *incident.told, *rules)
    return next((one for one in people if one.has(channel, target)), None)


def step_of(incident: Incident, rung: int) -> str:
    """Where on the ladder this rung is, in words."""
    ladder = incident.policy.ladder
    if not ladder.has_next(rung):
        return "last resort"
    again, place = divmod(rung, len(ladder.tiers))
    round_ = f", round {again + 1} of {ladder.repeat + 1}" if ladder.repeat else ""
    return f"tier {place + 1} of {len(ladder.tiers)} ({ladder.tier(rung).name}{round_})"


def chosen(incident: Incident, rung: int, who: str, at: datetime) -> str:
    """What of a rung that was called at an instant led to this person; empty where nothing of it did."""
    ladder = incident.policy.ladder
    found = (_leads(ladder, one, who, at) for one in ladder.tier(rung).contacts)
    return next((one for one in found if one), "")


def _leads(ladder: Ladder, target: Target, who: str, at: datetime) -> str:
    match target:
        case Contact():
            return "the step names this contact" if str(target) == who else ""
        case NamedPerson():
            return f"the step names {who}" if target.person == who else ""
        case OnSchedule():
            return _by_schedule(ladder, target.schedule, who, at)


def _by_schedule(ladder: Ladder, name: str, who: str, at: datetime) -> str:
    schedule = next((one for one in ladder.schedules if one.name == name), None)
    if schedule is None or schedule.on_call(at) != who:
        return ""
    local = f"{at.astimezone(zone_of(schedule.time_zone)):%a %H:%M %Z}"
    changed = schedule.stand_in(at)
    if changed is not None:
        change, cover = changed
        ends = f"{cover.ends.astimezone(zone_of(schedule.time_zone)):%a %d %b %H:%M}"
        how = f"shift {PAST[change.kind]} by {change.by} until {ends}"
        return f"{who} stood in on schedule {name} at {local}: {how}"
    override = schedule.override(at)
    if override is None:
        return f"{who} was on call by schedule {name} at {local}"
    return (
        f"{who} stood in on schedule {name} at {local}, by an override until {override.ends:%a %d %b %H:%M}"
    )
