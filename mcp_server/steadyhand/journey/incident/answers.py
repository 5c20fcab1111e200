"""Transitions by what people do, and by what they leave undone."""

from datetime import datetime, timedelta
from typing import assert_never

from steadyhand.journey.commands import Disarm, LookedAt, Record, Unsend
from steadyhand.journey.incident.climbing import awaited, next_rung, stand_in
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
        after, more = _one_of_several(incident.model_copy(update={"acks": acks}), event.by, now)
        return after, (*looked_at(incident, event.by), record, *more)
    after = incident.model_copy(update={"acks": acks, "acked_by": ", ".join(acks)})
    return after, (Disarm(kinds=LADDER), Unsend(), *looked_at(incident, event.by), record)


def _one_of_several(incident: Incident, by: str, now: datetime) -> Outcome:
    """They are rung no more by this step, the others are; where it waits for nobody else, it goes on."""
    ways = _ways(incident, by)
    quiet = (Unsend(ways=ways),) if ways else ()
    if by not in awaited(incident):
        return incident, quiet
    after = incident.model_copy(update={"answered": (*incident.answered, by)})
    if awaited(after):
        return after, quiet
    why = f"{by} has it, and more must."
    onward, commands = stand_in(after, why, now) if after.reserve else next_rung(after, now, why)
    return onward, (*quiet, *commands)


def looked_at(incident: Incident, by: str) -> tuple[LookedAt, ...]:
    """Whoever answers has seen what was sent to them; of ways that are nobody's by name nothing is known."""
    ways = _ways(incident, by)
    return (LookedAt(ways=ways),) if ways else ()


def _ways(incident: Incident, by: str) -> tuple[tuple[str, str], ...]:
    told = (*incident.told, *incident.called)
    return tuple(dict.fromkeys((way.type, way.whom) for one in told if one.who == by for way in one.contacts))


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
