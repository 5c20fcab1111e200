"""What a person does to an incident through any HTTP door, beside deciding and aborting."""

import asyncio
from datetime import timedelta

from steadyhand.journey.diagnosis.model import Outcome
from steadyhand.journey.incident.state import Acknowledged, ClosedByHuman, Incident, UpdateWritten
from steadyhand.journey.memory.case import Case, Judgement
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.investigation.checking import record_checks
from steadyhand.responder.investigation.recalling import judge
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.handing import delegate, reassign, snooze
from steadyhand.store import Person

LONGEST_UPDATE = 2000  # characters


async def acknowledge(outside: Outside, incident: str, by: str, via: str) -> Incident:
    """Somebody has it: the ladder stops. Raises UnknownIncident, LedgerError."""
    return await asyncio.to_thread(tell_incident, outside, incident, Acknowledged(by=by, via=via))


async def put_off(outside: Outside, incident: str, by: str, via: str, span: timedelta) -> Incident:
    """Quiet for a while, then the same tier again. Raises UnknownIncident, Refused, LedgerError."""
    return await asyncio.to_thread(snooze, outside, incident, by, via, span)


async def give(outside: Outside, incident: str, by: str, via: str, to: str) -> Incident:
    """To somebody else, who is told now. Raises UnknownIncident, Refused, LedgerError."""
    return await asyncio.to_thread(reassign, outside, incident, by, via, to)


async def hand_over(outside: Outside, person: Person, plan: str, to: str, via: str) -> Incident:
    """The open question to another approver. Raises Refused, LedgerError."""
    return await asyncio.to_thread(delegate, outside, person, plan, to, via)


async def write_update(outside: Outside, incident: str, by: str, via: str, text: str) -> int:
    """A person tells stakeholders how things stand; returns how many are told.

    Raises UnknownIncident, LedgerError, and Refused when nobody is to be told.
    """
    event = UpdateWritten(by=by, via=via, text=text)
    after = await asyncio.to_thread(tell_incident, outside, incident, event)
    told = len(after.policy.stakeholders.contacts)
    if not told:
        raise Refused("stakeholders.contacts was empty when this incident opened: there is nobody to tell")
    return told


async def judge_cause(outside: Outside, incident: str, given: Judgement) -> Case:
    """A person says what it was, once it is over. Raises Refused, LedgerError."""
    return await asyncio.to_thread(judge, outside, incident, given)


async def tell_check(outside: Outside, incident: str, seen: Outcome, by: str, via: str) -> tuple[str, ...]:
    """A person says what a check showed; the ranking moves. Raises Refused, LedgerError."""
    return await asyncio.to_thread(record_checks, outside, incident, [seen], by, "human", via)


async def close(outside: Outside, incident: str, by: str, via: str, why: str) -> Incident:
    """A person says it is over. Raises UnknownIncident, Refused while a rollout is under way, LedgerError."""
    event = ClosedByHuman(by=by, via=via, why=why)
    after = await asyncio.to_thread(tell_incident, outside, incident, event)
    if after.status != "resolved":
        raise Refused(f"incident {incident} is {after.status}: abort the rollout first, or wait for it")
    return after
