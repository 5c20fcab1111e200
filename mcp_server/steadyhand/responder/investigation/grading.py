"""How bad it is: measured by the service's goals, or said by a person or a model, always with a reason."""

from datetime import datetime
from typing import NamedTuple

from steadyhand.journey.alert.impact import Impact, impact
from steadyhand.journey.alert.severity import Severity, classify
from steadyhand.journey.commands import ActorKind
from steadyhand.journey.incident.grading import objection
from steadyhand.journey.incident.holding import held
from steadyhand.journey.incident.paging import thread
from steadyhand.journey.incident.reduce import reduce
from steadyhand.journey.incident.state import Incident, SeverityChanged
from steadyhand.journey.recovery.model import Goal
from steadyhand.responder.alerts.intake import UnknownIncident, happen
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.fixes.planning import read_goals
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.roster import policy_since
from steadyhand.store import Transaction


class Voice(NamedTuple):
    """Who says it, and at which door."""

    by: str
    kind: ActorKind
    via: str


_OURS = Voice("steadyhand", "system", "service")


async def measure(outside: Outside, service: str) -> Impact:
    """What the users of a service feel now. Bounded in time; a goal without a number is not measured."""
    rules = outside.rules.goals.get(service, ())
    found = await read_goals(outside, rules, outside.clock.now()) if rules else ()
    return impact([Goal(**one.model_dump()) for one in rules], found)


def grade(outside: Outside, wanted: str, severity: Severity, why: str, voice: Voice) -> Incident:
    """Give an incident another severity. Raises UnknownIncident, Refused with the reason, LedgerError."""
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        before = tx.incident(wanted)
        if before is None:
            raise UnknownIncident(f"there is no incident {wanted}; list_incidents shows them")
        event = _event(outside, tx, before, severity, why, voice)
        after = happen(tx, wanted, event, now)
        refused = objection(before, event) if severity != before.severity else ""
    if refused:
        raise Refused(f"{wanted} stays {before.severity}: {refused}")
    return after


def regrade(outside: Outside, tx: Transaction, incident: Incident, seen: Impact, now: datetime) -> Incident:
    """What is measured decides before the first page has left; later it may raise, and lowers nothing.

    No person's word is overruled. Raises LedgerError.
    """
    firing = [one for one in incident.alerts if one.status == "firing"]
    if not seen.words or not firing:
        return incident
    service = outside.rules.topology.get(incident.service)
    severity, why = min(classify(one, service, outside.rules.severity, seen) for one in firing)
    waits = tx.unheard_until(incident.id, thread(incident))
    event = _event(outside, tx, incident, severity, f"measured: {why}.", _OURS)
    event = event.model_copy(update={"unheard": waits is not None})
    if severity == incident.severity or objection(incident, event):
        return incident
    after, commands = reduce(incident, event, now)
    # Pages that wait for what is known wait on, under the new severity; quiet hours do not hold a graver one.
    if waits is not None and now < waits <= now + outside.rules.enrichment.deadline:
        commands = held(commands, waits)
    return tx.save(after, commands, now)


def _event(
    outside: Outside, tx: Transaction, incident: Incident, severity: Severity, why: str, voice: Voice
) -> SeverityChanged:
    policy = policy_since(outside, tx, severity, incident.service, incident.opened_at)
    return SeverityChanged(severity=severity, why=why, **voice._asdict(), policy=policy)
