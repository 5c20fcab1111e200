"""Hand-off notices: whoever comes on call is told, and whoever goes; a gap is told to whoever goes."""

from datetime import datetime, timedelta

from steadyhand.journey.commands import Arm, Record, Send
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.people import PersonRule
from steadyhand.journey.escalation.schedule import Schedule
from steadyhand.journey.escalation.shifts import next_handoff
from steadyhand.journey.escalation.walltime import zone_of
from steadyhand.journey.incident.paging import lateness
from steadyhand.responder.outside import Outside
from steadyhand.store import Timer, Transaction

_BEFORE = timedelta(seconds=1)
_WAKES = ("phone", "pagerduty")  # ways that ring: a hand-off is no emergency


def arm_handoffs(outside: Outside) -> None:
    """Set the clock of each schedule's next hand-off, which is the same timer each time. Raises LedgerError.

    One that was due while no process lived is still armed: it is told late by whoever starts.
    """
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        for schedule in outside.rules.schedules:
            _arm(tx, schedule, now)


def _arm(tx: Transaction, schedule: Schedule, after: datetime) -> None:
    handoff = next_handoff(schedule, after) if schedule.handoff_notice else None
    if handoff is not None:
        key = f"handoff:{schedule.name}:{handoff.at:%Y%m%dT%H%M%SZ}"
        payload = {"schedule": schedule.name}
        tx.arm("", Arm(kind="handoff", key=key, due_at=handoff.at, payload=payload))


def hand_off(outside: Outside, tx: Transaction, timer: Timer, now: datetime) -> None:
    """A hand-off is due: tell both, and set the next clock. What the schedule says by now is what counts."""
    schedule = next((one for one in outside.rules.schedules if one.name == timer.payload["schedule"]), None)
    if schedule is None:
        return
    _arm(tx, schedule, now)
    goes, comes = schedule.on_call(timer.due_at - _BEFORE), schedule.on_call(now)
    if goes == comes or not schedule.handoff_notice:
        return
    body = {"schedule": schedule.name, "goes": goes or "nobody", "comes": comes or "nobody"}
    tx.record("", Record(action="schedule.handed_off" if comes else "schedule.gap", body=body), now)
    late = lateness(timer.due_at, now)
    until = _until(schedule, now)
    words = (
        (comes, f"You are on call for {schedule.name}{until}{late}. {goes or 'Nobody'} was before you."),
        (goes, f"{comes or 'NOBODY'} is on call for {schedule.name} now{late}: your shift is over."),
    )
    for who, text in words:
        _tell(outside, tx, timer, who, text, now)


def _until(schedule: Schedule, now: datetime) -> str:
    handoff = next_handoff(schedule, now)
    if handoff is None:
        return ""
    return f" until {handoff.at.astimezone(zone_of(schedule.time_zone)):%a %Y-%m-%d %H:%M %Z}"


def _tell(outside: Outside, tx: Transaction, timer: Timer, who: str, text: str, now: datetime) -> None:
    rule = next((one for one in outside.rules.people if one.name == who), None)
    way = _quiet_way(rule) if rule else None
    if way is None:
        return
    key = f"{timer.key}:{who}"
    tx.send("", Send(key=key, channel=way.type, target=way.whom, subject="On-call hand-off", body=text), now)


def _quiet_way(rule: PersonRule) -> Contact | None:
    """The first of their ways that does not ring; else the first."""
    return next((one for one in rule.contacts if one.type not in _WAKES), next(iter(rule.contacts), None))
