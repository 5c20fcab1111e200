"""Where it goes when those who were called will not settle it: to whoever stands in, or up the ladder."""

from datetime import datetime

from steadyhand.journey.commands import ActorKind, Record
from steadyhand.journey.incident.paging import call, next_way, page_one
from steadyhand.journey.incident.state import Incident, Outcome

_KINDS: dict[str, ActorKind] = {"steadyhand": "system", "model": "agent"}  # whoever else asks is a person


def next_rung(incident: Incident, now: datetime, why: str, by: str = "steadyhand") -> Outcome:
    """Up the ladder, if anybody is left on it."""
    if incident.status == "resolved" or not incident.policy.ladder.has_next(incident.rung):
        return incident, (Record(action="escalation.exhausted", body={"why": why}),)
    later = incident.model_copy(update={"rung": incident.rung + 1})
    after, pages = call(later, now, why)
    kind = _KINDS.get(by, "human")
    tier = after.policy.ladder.tier(after.rung).name
    record = Record(action="incident.escalated", actor=by, actor_kind=kind, body={"to": tier, "why": why})
    return after, (record, *pages)


def awaited(incident: Incident) -> set[str]:
    """Of those called, who may still answer."""
    return {one.who for one in incident.called} - {*incident.answered, *incident.lost}


def stand_in(incident: Incident, why: str, now: datetime) -> Outcome:
    """Call the next of those in reserve."""
    other, *rest = incident.reserve
    told = incident.told if other in incident.told else (*incident.told, other)
    update = {"called": (*incident.called, other), "reserve": tuple(rest), "told": told}
    after = incident.model_copy(update=update)
    record = Record(action="escalation.next_person", body={"who": other.who, "why": why})
    patience = next_way(after, other, 1, now)
    return after, (record, page_one(after, other.contacts[0], why), *((patience,) if patience else ()))
