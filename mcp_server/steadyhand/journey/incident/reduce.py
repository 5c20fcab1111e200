"""The table of transitions: `reduce(incident, event, now)` gives the new incident and its commands."""

from datetime import datetime
from typing import assert_never

from steadyhand.journey.commands import ActorKind, Arm, Disarm, Record, Unsend
from steadyhand.journey.incident import consent, rollout
from steadyhand.journey.incident.paging import lateness, next_page, page
from steadyhand.journey.incident.state import (
    Acknowledged,
    AlertSeen,
    ApprovalSilent,
    ClosedByHuman,
    Decided,
    Escalated,
    Event,
    Incident,
    Investigated,
    InvestigationFailed,
    Outcome,
    PlanChosen,
    RolloutEnded,
    RolloutMoved,
    RolloutStarted,
    TierSilent,
)

_KINDS: dict[str, ActorKind] = {"steadyhand": "system", "model": "agent"}  # whoever else asks is a person


def reduce(incident: Incident, event: Event, now: datetime) -> Outcome:
    """What follows from an event. An event that comes too late changes nothing."""
    match event:
        case AlertSeen() | Acknowledged() | TierSilent() | Escalated() | ClosedByHuman():
            return _people(incident, event, now)
        case Investigated() | InvestigationFailed() | PlanChosen() | Decided() | ApprovalSilent():
            return consent.reduce(incident, event, now)
        case RolloutStarted() | RolloutMoved() | RolloutEnded():
            return rollout.reduce(incident, event, now)
        case _:
            assert_never(event)


def _people(
    incident: Incident,
    event: AlertSeen | Acknowledged | TierSilent | Escalated | ClosedByHuman,
    now: datetime,
) -> Outcome:
    match event:
        case AlertSeen():
            return _alert_seen(incident, event, now)
        case Acknowledged():
            return _acknowledged(incident, event)
        case TierSilent():
            return _tier_silent(incident, event, now)
        case Escalated():
            return _next_rung(incident, now, f"{event.by} asks for help: {event.why}.", event.by)
        case ClosedByHuman():
            return _closed(incident, event, now)
        case _:
            assert_never(event)


def _alert_seen(incident: Incident, event: AlertSeen, now: datetime) -> Outcome:
    """A repeat is counted and restarts no clock; a relapse of a resolved incident reopens it."""
    known = {one.dedup_key: one for one in incident.alerts}
    before = known.get(event.alert.dedup_key)
    known[event.alert.dedup_key] = event.alert
    again = before is not None and before.status == event.alert.status
    after = incident.model_copy(
        update={"alerts": tuple(known.values()), "repeats": incident.repeats + int(again)}
    )
    if incident.status == "resolved" and event.alert.status == "firing":
        # A monitor needs a while to see that it is over; until then it says again what it said before.
        old = again and event.alert.starts_at <= incident.milestones["resolved"]
        return (after, ()) if old else _reopened(after, event, now)
    if again:
        return after, ()
    facts = {"alert": event.alert.name, "status": event.alert.status}
    record = Record(action="alert.seen", body=facts)
    if before is None and incident.status == "needs_human" and not incident.plans:
        return _look_again(after, record, now)
    return after, (record,)


def _look_again(incident: Incident, record: Record, now: datetime) -> Outcome:
    """Something new fires and nothing is proposed yet: the evidence may say more now."""
    after = incident.model_copy(update={"status": "investigating", "note": "Reading the evidence again."})
    return after, (record, Arm(kind="investigate", key=f"{incident.id}:investigate", due_at=now))


def _reopened(incident: Incident, event: AlertSeen, now: datetime) -> Outcome:
    after = incident.model_copy(
        update={
            "status": "investigating",
            "acked_by": "",
            "episode": incident.episode + 1,
            "rung": 0,
            "note": f"Reopened: {event.alert.name} fires again.",
            "milestones": {name: at for name, at in incident.milestones.items() if name != "resolved"},
        }
    )
    key = f"{incident.id}:investigate"
    return after, (
        Record(action="incident.reopened", body={"alert": event.alert.name}),
        *page(after, f"It is back: {event.alert.name} fires again after a fix."),
        *next_page(after, now),
        Arm(kind="investigate", key=key, due_at=now),
    )


def _acknowledged(incident: Incident, event: Acknowledged) -> Outcome:
    if incident.acked_by or incident.status == "resolved":
        return incident, ()
    after = incident.model_copy(update={"acked_by": event.by})
    record = Record(action="incident.acknowledged", actor=event.by, actor_kind="human", via=event.via)
    return after, (Disarm(kinds=("escalate",)), Unsend(), record)


def _tier_silent(incident: Incident, event: TierSilent, now: datetime) -> Outcome:
    answered = bool(incident.acked_by) or incident.status == "resolved"
    if answered or event.rung != incident.rung:
        return incident, ()
    silent = incident.policy.ladder.tier(incident.rung).name
    why = f"{silent} did not answer{lateness(event.due_at, now)}."
    return _next_rung(incident, now, why, "steadyhand")


def _next_rung(incident: Incident, now: datetime, why: str, by: str) -> Outcome:
    if incident.status == "resolved" or not incident.policy.ladder.has_next(incident.rung):
        return incident, (Record(action="escalation.exhausted", body={"why": why}),)
    after = incident.model_copy(update={"rung": incident.rung + 1})
    kind = _KINDS.get(by, "human")
    tier = after.policy.ladder.tier(after.rung).name
    record = Record(action="incident.escalated", actor=by, actor_kind=kind, body={"to": tier, "why": why})
    return after, (record, *page(after, why), *next_page(after, now))


def _closed(incident: Incident, event: ClosedByHuman, now: datetime) -> Outcome:
    if incident.status in ("resolved", "rolling_out"):
        return incident, (Record(action="incident.close_refused", body={"status": incident.status}),)
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
    return after, (Disarm(kinds=("escalate", "approval", "investigate")), Unsend(), record)
