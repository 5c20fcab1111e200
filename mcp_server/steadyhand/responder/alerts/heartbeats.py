"""Listening for monitors that must report: silence comes in as an alert, a sign of life ends it."""

import asyncio
from datetime import datetime

from steadyhand.journey.alert.heartbeat import HeartbeatRule, Pulse, return_of, silence, unheard
from steadyhand.journey.commands import Arm
from steadyhand.ports import SteadyhandError
from steadyhand.responder.alerts.intake import take_alert
from steadyhand.responder.outside import Outside
from steadyhand.store import Timer, Transaction


class UnknownHeartbeat(SteadyhandError):
    """No such monitor is in the configuration."""


def watch(outside: Outside) -> None:
    """Begin to listen for monitors that were never heard of; those known keep their clocks."""
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        for rule in outside.rules.heartbeats:
            if tx.pulse(rule.name) is None:
                tx.save_pulse(Pulse(name=rule.name))
                tx.arm("", _clock(rule, rule.due_after(now)))


def beat(outside: Outside, name: str) -> datetime:
    """It reports; returns when it is due again. Raises UnknownHeartbeat, LedgerError."""
    rule, now = _rule(outside, name), outside.clock.now()
    with outside.ledger.read() as tx:
        before = tx.pulse(name)
    if before is not None and before.missed_at is not None:
        take_alert(outside, alert := return_of(rule, before.missed_at), alert.model_dump_json())
    with outside.ledger.write() as tx:
        tx.save_pulse(Pulse(name=name, seen_at=now))
        tx.arm("", _clock(rule, rule.due_after(now)))
    return rule.due_after(now)


async def missed(outside: Outside, timer: Timer) -> None:
    """It is due and did not report. Raises SteadyhandError."""
    await asyncio.to_thread(_missed, outside, timer)


def _missed(outside: Outside, timer: Timer) -> None:
    """Noted first, then told, then looked at again: it may have reported in the meantime."""
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        tx.holds(timer)
        rule = next((one for one in outside.rules.heartbeats if one.name == timer.payload["name"]), None)
        if rule is None:
            tx.finish(timer)
            return
        if unheard(timer.due_at, now) and "again" not in timer.payload:
            tx.arm("", _clock(rule, now + rule.grace, again="yes"))
            return
        pulse = _noted(tx, rule, timer.due_at)
    take_alert(outside, alert := silence(rule, pulse, timer.due_at), alert.model_dump_json())
    with outside.ledger.write() as tx:
        after = tx.pulse(rule.name)
        if after is not None and after.missed_at is not None:
            tx.finish(timer)
            return
    take_alert(outside, alert := return_of(rule, timer.due_at), alert.model_dump_json())


def _noted(tx: Transaction, rule: HeartbeatRule, missed_at: datetime) -> Pulse:
    known = tx.pulse(rule.name) or Pulse(name=rule.name)
    pulse = known.model_copy(update={"missed_at": missed_at})
    tx.save_pulse(pulse)
    return pulse


def _rule(outside: Outside, name: str) -> HeartbeatRule:
    rule = next((one for one in outside.rules.heartbeats if one.name == name), None)
    if rule is None:
        raise UnknownHeartbeat(f"the configuration has no heartbeat {name!r}")
    return rule


def _clock(rule: HeartbeatRule, due_at: datetime, **more: str) -> Arm:
    payload = {"name": rule.name, **more}
    return Arm(kind="heartbeat", key=f"heartbeat:{rule.name}", due_at=due_at, payload=payload)
