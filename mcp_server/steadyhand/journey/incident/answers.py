"""Transitions by what people do, and by what they leave undone."""

from datetime import datetime, timedelta
from typing import assert_never

from steadyhand.journey.commands import ActorKind, Disarm, LookedAt, Record, Unsend
from steadyhand.journey.incident.paging import EVERY, LADDER, call, lateness
from steadyhand.journey.incident.state import (
    Acknowledged,
    ClosedByHuman,
    Escalated,
    Incident,
    Outcome,
    TierSilent,
)
from steadyhand.journey.rule import show_duration

_KINDS: dict[str, ActorKind] = {"steadyhand": "system", "model": "agent"}  # whoever else asks is a person
AnswerEvent = Acknowledged | TierSilent | Escalated | ClosedByHuman


def reduce(incident: Incident, event: AnswerEvent, now: datetime) -> Outcome:
    """What follows from an answer, or from silence."""
    match event:
        case Acknowledged():
            return _acknowledged(incident, event, now)
        case TierSilent():
            return _tier_silent(incident, event, now)
        case Escalated():
            return next_rung(incident, now, f"{event.by} asks for help: {event.why}.", event.by)
        case ClosedByHuman():
            return _closed(incident, event, now)
        case _:
            assert_never(event)


def _acknowledged(incident: Incident, event: Acknowledged, now: datetime) -> Outcome:
    """Somebody has it. Where a tier wants more than one, the first does not silence the others."""
    if incident.acked_by or incident.status == "resolved":
        return incident, ()
    acks = tuple(dict.fromkeys((*incident.acks, event.by)))
    needed = incident.policy.ladder.tier(incident.rung).acknowledgements
    body = _promptness(incident, now)
    body |= {"acknowledgements": f"{len(acks)} of {needed}"} if needed > 1 else {}
    record = Record(
        action="incident.acknowledged", actor=event.by, actor_kind="human", via=event.via, body=body
    )
    if len(acks) < needed:
        return incident.model_copy(update={"acks": acks}), (*looked_at(incident, event.by), record)
    after = incident.model_copy(update={"acks": acks, "acked_by": ", ".join(acks)})
    return after, (Disarm(kinds=LADDER), Unsend(), *looked_at(incident, event.by), record)


def looked_at(incident: Incident, by: str) -> tuple[LookedAt, ...]:
    """Whoever answers has seen what was sent to them; of ways that are nobody's by name nothing is known."""
    told = (*incident.told, *incident.called)
    ways = ((way.type, way.whom) for one in told if one.who == by for way in one.contacts)
    found = tuple(dict.fromkeys(ways))
    return (LookedAt(ways=found),) if found else ()


def _promptness(incident: Incident, now: datetime) -> dict[str, str]:
    """Whether the first answer came as soon as its first tier promised; of a relapse nothing was promised."""
    if incident.episode or incident.acks:
        return {}
    after, within = now - incident.opened_at, incident.policy.ladder.tier(0).response_time_minutes
    seconds = timedelta(seconds=round(after.total_seconds()))
    in_time = "yes" if after <= within else "no"
    return {"after": show_duration(seconds), "wanted_within": show_duration(within), "in_time": in_time}


def _tier_silent(incident: Incident, event: TierSilent, now: datetime) -> Outcome:
    answered = bool(incident.acked_by) or incident.status == "resolved"
    if answered or event.rung != incident.rung:
        return incident, ()
    silent = incident.policy.ladder.tier(incident.rung).name
    why = f"{silent} did not answer{lateness(event.due_at, now)}."
    ladder = incident.policy.ladder
    if not ladder.has_next(incident.rung) and ladder.silence(incident.rung, incident.severity):
        return _reminded(incident, now, why)
    return next_rung(incident, now, why, "steadyhand")


def _reminded(incident: Incident, now: datetime, why: str) -> Outcome:
    """Everybody was told and nobody has it: the last resort again, and again after the same time."""
    again = incident.model_copy(update={"calls": incident.calls + 1})
    after, pages = call(again, now, f"{why} Nobody has it since {incident.opened_at:%H:%M} UTC.")
    return after, (Record(action="escalation.reminded", body={"why": why}), *pages)


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


def _closed(incident: Incident, event: ClosedByHuman, now: datetime) -> Outcome:
    if incident.status in ("resolved", "rolling_out"):
        refused = Record(
            action="incident.close_refused",
            actor=event.by,
            actor_kind="human",
            via=event.via,
            body={"status": incident.status, "why": f"it is {incident.status}"},
        )
        return incident, (refused,)
    after = incident.model_copy(
        update={
            "status": "resolved",
            "note": f"Closed by {event.by}: {event.why}",
            "milestones": {**incident.milestones, "resolved": now},
        }
    )
    record = Record(
        action="incident.resolved",
        actor=event.by,
        actor_kind="human",
        via=event.via,
        body={"why": event.why},
    )
    return after, (Disarm(kinds=EVERY), Unsend(), record)
