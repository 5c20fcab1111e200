"""Transitions by alerts: what joins, what is over, what comes back, and when quiet is enough.

An incident whose alerts are all over is *recovered*, unless a rollout is under way: that one ends by its own
verification and by nothing else. A recovered incident wakes nobody; it closes by rule after the time in its
policy, or by a person before. When one of its alerts fires again meanwhile, it is back: who has it keeps it,
and where nobody has, people are paged anew.
"""

from datetime import datetime, timedelta
from typing import assert_never

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.commands import Arm, Command, Disarm, Record, Unsend
from steadyhand.journey.incident.paging import EVERY, LADDER, call
from steadyhand.journey.incident.state import AlertsSeen, Incident, Outcome, QuietLongEnough
from steadyhand.journey.rule import show_duration

AlertEvent = AlertsSeen | QuietLongEnough
_NAMED = 3
_LOOK_AGAIN = timedelta(seconds=15)
MOST_LISTED = 20  # beyond it alerts are counted, not listed


def reduce(incident: Incident, event: AlertEvent, now: datetime) -> Outcome:
    """What follows from alerts, or from their absence."""
    match event:
        case AlertsSeen():
            return _seen(incident, event, now)
        case QuietLongEnough():
            return _closed(incident, now)
        case _:
            assert_never(event)


def _seen(incident: Incident, event: AlertsSeen, now: datetime) -> Outcome:
    """Repeats are counted and restart no clock; a relapse of a resolved incident reopens it."""
    known = {_key(one): one for one in incident.alerts}
    fresh = [one for one in event.alerts if _changes(known.get(_key(one)), one)]
    after = _noted(incident, event, fresh, now)
    if incident.status == "resolved":
        back = next((one for one in event.alerts if _relapses(incident, one, known)), None)
        return _reopened(after, back, now) if back else (after, ())
    records = (*_records(fresh), *_flapping(incident, event))
    if not after.firing:
        return _recovered(after, records, now) if incident.firing else (after, records)
    if incident.recovered_at:
        return _back(after, fresh, records, now)
    if (
        incident.status == "needs_human"
        and not incident.plans
        and any(_key(one) not in known for one in fresh)
    ):
        return _look_again(after, records, now)
    return after, records


def _key(alert: Alert) -> tuple[str, str]:
    return alert.source, alert.dedup_key


def _changes(before: Alert | None, alert: Alert) -> bool:
    return before is None or before.status != alert.status


def _relapses(incident: Incident, alert: Alert, known: dict[tuple[str, str], Alert]) -> bool:
    """A monitor needs a while to see that it is over; until then it says again what it said before."""
    if alert.status != "firing":
        return False
    return _changes(known.get(_key(alert)), alert) or alert.starts_at > incident.milestones["resolved"]


def _noted(incident: Incident, event: AlertsSeen, fresh: list[Alert], now: datetime) -> Incident:
    known = {_key(one): one for one in incident.alerts} | {_key(one): one for one in event.alerts}
    listed = sorted(known.values(), key=lambda one: one.status != "firing")[:MOST_LISTED]
    firing = sum(one.status == "firing" for one in listed)
    whole = firing if event.firing is None else event.firing
    again = len(event.alerts) - len(fresh) if event.repeats is None else event.repeats
    services = dict.fromkeys((*incident.joined, *(one.service for one in event.alerts)))
    joined = tuple(one for one in services if one != incident.service)
    grown = any(_key(one) not in {_key(old) for old in incident.alerts} for one in fresh)
    return incident.model_copy(
        update={
            "alerts": tuple(listed),
            "unlisted": max(0, whole - firing),
            "joined": joined,
            "repeats": incident.repeats + again,
            "flapping": event.flapping,
            "grown_at": now if grown else incident.grown_at,
        }
    )


def _records(fresh: list[Alert]) -> tuple[Record, ...]:
    """One line for all of a status, however many come at once."""
    lines = []
    for status in ("firing", "resolved"):
        names = [f"{one.name} on {one.service}" for one in fresh if one.status == status]
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            body = {"alert": ", ".join(names[:_NAMED]) + more, "status": status, "alerts": str(len(names))}
            lines.append(Record(action="alert.seen", body=body))
    return tuple(lines)


def _flapping(incident: Incident, event: AlertsSeen) -> tuple[Record, ...]:
    begun = [one for one in event.flapping if one not in incident.flapping]
    body = {"alerts": ", ".join(begun), "meaning": "its ends are held until it is calm"}
    return (Record(action="alert.flapping", body=body),) if begun else ()


def _recovered(incident: Incident, records: tuple[Record, ...], now: datetime) -> Outcome:
    if incident.status == "rolling_out":
        return incident, records
    wait = incident.policy.close_after
    note = f"Its alerts are over. It closes by itself in {show_duration(wait)} unless one comes back."
    awake = {"quiet_until": None, "snoozed": False}
    after = incident.model_copy(update={"recovered_at": now, "note": note, **awake})
    return after, (
        Disarm(kinds=(*LADDER, "resume", "approval")),
        Unsend(),
        *records,
        Record(action="incident.recovered", body={"closes_after": show_duration(wait)}),
        Arm(kind="close", key=f"{incident.id}:close", due_at=now + wait),
    )


def _back(incident: Incident, fresh: list[Alert], records: tuple[Record, ...], now: datetime) -> Outcome:
    """Fires again before it closed. Who has it keeps it; where nobody has, people are called anew."""
    names = ", ".join(one.name for one in fresh if one.status == "firing") or "An alert"
    note = f"Back: {names} fires again."
    after = incident.model_copy(update={"recovered_at": None, "note": note})
    quiet: tuple[Command, ...] = (Disarm(kinds=("close",)), *records, Record(action="incident.back"))
    look: tuple[Command, ...] = ()
    if after.status == "investigating" or (after.status == "needs_human" and not after.plans):
        after = after.model_copy(update={"status": "investigating"})
        look = (Arm(kind="investigate", key=f"{incident.id}:investigate", due_at=now),)
    if after.acked_by:
        return after, (*quiet, *look)
    anew = {"episode": after.episode + 1, "rung": 0, "acks": (), "told": ()}
    called, pages = call(after.model_copy(update=anew), now, f"It is back: {names} fires again.")
    return called, (*quiet, *pages, *look)


def _look_again(incident: Incident, records: tuple[Record, ...], now: datetime) -> Outcome:
    """Something new fires and nothing is proposed yet: the evidence may say more now.

    In a storm something new fires all the time: what comes within a while is looked at together.
    """
    read_at = incident.milestones.get("evidence_ready", incident.opened_at)
    due_at = max(now, read_at + _LOOK_AGAIN)
    after = incident.model_copy(update={"status": "investigating", "note": "Reading the evidence again."})
    return after, (*records, Arm(kind="investigate", key=f"{incident.id}:investigate", due_at=due_at))


def _reopened(incident: Incident, back: Alert, now: datetime) -> Outcome:
    after = incident.model_copy(
        update={
            "status": "investigating",
            "acked_by": "",
            "acks": (),
            "told": (),
            "quiet_until": None,
            "snoozed": False,
            "episode": incident.episode + 1,
            "rung": 0,
            "recovered_at": None,
            "note": f"Reopened: {back.name} fires again.",
            "milestones": {name: at for name, at in incident.milestones.items() if name != "resolved"},
        }
    )
    called, pages = call(after, now, f"It is back: {back.name} fires again.")
    return called, (
        Record(action="incident.reopened", body={"alert": back.name}),
        *pages,
        Arm(kind="investigate", key=f"{incident.id}:investigate", due_at=now),
    )


def _closed(incident: Incident, now: datetime) -> Outcome:
    """Quiet for long enough. One that is being mended, or fires again, is left alone."""
    if not incident.recovered_at or incident.status in ("resolved", "rolling_out"):
        return incident, ()
    why = f"its alerts have been over for {show_duration(incident.policy.close_after)}"
    after = incident.model_copy(
        update={
            "status": "resolved",
            "note": f"Closed by rule: {why}.",
            "milestones": {**incident.milestones, "resolved": now},
        }
    )
    return after, (
        Disarm(kinds=EVERY),
        Unsend(),
        Record(action="incident.resolved", body={"why": why}),
    )
