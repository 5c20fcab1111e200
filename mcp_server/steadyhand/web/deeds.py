"""What a person does to an incident through any HTTP door, beside deciding and aborting."""

import asyncio

from steadyhand.journey.incident.state import Acknowledged, ClosedByHuman, Incident
from steadyhand.responder.deciding import Refused
from steadyhand.responder.intake import tell_incident
from steadyhand.responder.outside import Outside


async def acknowledge(outside: Outside, incident: str, by: str, via: str) -> Incident:
    """Somebody has it: the ladder stops. Raises UnknownIncident, LedgerError."""
    return await asyncio.to_thread(tell_incident, outside, incident, Acknowledged(by=by, via=via))


async def close(outside: Outside, incident: str, by: str, via: str, why: str) -> Incident:
    """A person says it is over. Raises UnknownIncident, Refused while a rollout is under way, LedgerError."""
    event = ClosedByHuman(by=by, via=via, why=why)
    after = await asyncio.to_thread(tell_incident, outside, incident, event)
    if after.status != "resolved":
        raise Refused(f"incident {incident} is {after.status}: abort the rollout first, or wait for it")
    return after
