"""Hand-off notices: whoever comes on call is told, and whoever goes; a gap is told to whoever goes."""

from datetime import datetime, timedelta

from steadyhand.journey.commands import Arm, Record, Send
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.handmade import CoveredSchedule
from steadyhand.journey.escalation.people import PersonRule
from steadyhand.journey.escalation.shifts import next_handoff
from steadyhand.journey.escalation.walltime import zone_of
from steadyhand.journey.incident.paging import lateness
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.roster import schedules_since
from steadyhand.store import Timer, Transaction

_BEFORE = timedelta(seconds=1)
_WAKES = ("phone", "pagerduty")  # ways that ring: a hand-off is no emergency


def arm_handoffs(outside: Outside) -> None:
    """Set the clock of each schedule's next hand-off, which is the same timer each time. Raises LedgerError.

    One that was due while no process lived is still armed: it is told late by whoever starts.
    """
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        for schedule in schedules_since(outside, tx, now):
            arm_handoff(tx, schedule, now)


def arm_handoff(tx: Transaction, schedule: CoveredSchedule, after: datetime) -> None:
    """Set the clock of this schedule's next hand-off. Raises LedgerError."""
    handoff = next_handoff(schedule, after) if schedule.handoff_notice else None
    if handoff is not None:
        key = f"handoff:{schedule.name}:{handoff.at:%Y%m%dT%H%M%SZ}"
        payload = {"schedule": schedule.name}
        tx.arm("", Arm(kind="handoff", key=key, due_at=handoff.at, payload=payload))


def hand_off(outside: Outside, tx: Transaction, timer: Timer, now: datetime) -> None:
    """A hand-off is due: tell both, and set the next clock. What the schedule says by now is what counts."""
    every = schedules_since(outside, tx, timer.due_at - _BEFORE)
    schedule = next((one for one in every if one.name == timer.payload["schedule"]), None)
    if schedule is None:
        return
    arm_handoff(tx, schedule, now)
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


def _until(schedule: CoveredSchedule, now: datetime) -> str:
    handoff = next_handoff(schedule, now)
    if handoff is None:
        return ""
    return f" until {handoff.at.astimezone(zone_of(schedule.time_zone)):%a %Y-%m-%d %H:%M %Z}"


def _tell(outside: Outside, tx: Transaction, timer: Timer, who: str, text: str, now: datetime) -> None:
    rule = next((one for one in outside.rules.people if one.name == who), None)
    way = quiet_way(rule) if rule else None
    if way is None:
        return
    key = f"{timer.key}:{who}"
    tx.send("", Send(key=key, channel=way.type, target=way.whom, subject="On-call hand-off", body=text), now)


def quiet_way(rule: PersonRule) -> Contact | None:
    """The first of their ways that does not ring; else the first; None for somebody without any."""
    return next((one for one in rule.contacts if one.type not in _WAKES), next(iter(rule.contacts), None))
