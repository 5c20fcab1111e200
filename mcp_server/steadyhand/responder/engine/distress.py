"""Steadyhand's own dead letters: what nobody will try again is told to a human, in the same transaction."""

from datetime import datetime, timedelta

from steadyhand.journey.commands import Record, Send
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.incident.reduce import reduce
from steadyhand.journey.incident.state import MessageFailed
from steadyhand.responder.outside import Outside
from steadyhand.store import Message, Timer, Transaction, told

SUBJECT = "STEADYHAND NEEDS HELP"
STRANDED_AFTER = timedelta(minutes=1)
_CRY = "help:"


def last_lines(outside: Outside, now: datetime) -> list[Contact]:
    """Every way to everybody in the first tier of a SEV1."""
    ladder = outside.rules.policy("SEV1").ladder
    people = ladder.reach(ladder.tier(0), "SEV1", now)
    return list(dict.fromkeys(way for one in people for way in one.contacts))


def call_for_help(outside: Outside, tx: Transaction, about: str, why: str, now: datetime) -> None:
    """Page the first tier by every way they have, once for all times about the same thing."""
    for way in last_lines(outside, now):
        key = f"{_CRY}{about}:{way.type}:{way.whom}"
        tx.send("", Send(key=key, channel=way.type, target=way.whom, subject=SUBJECT, body=why), now)


def bury(outside: Outside, timer: Timer, why: str) -> None:
    """A timer that failed too often is dead, and that pages. Raises LeaseLost, LedgerError."""
    now = outside.clock.now()
    about = timer.incident or timer.key
    with outside.ledger.write() as tx:
        tx.bury(timer)
        tx.record(timer.incident, Record(action="timer.dead", body={"timer": timer.key, "why": why}), now)
        said = f"{timer.kind} of {about} was tried {timer.attempts} times and is given up: {why}"
        call_for_help(outside, tx, f"{timer.key}:{timer.epoch}", said, now)


def lose(outside: Outside, tx: Transaction, message: Message, why: str, now: datetime) -> None:
    """A message that wakes comes too late, or never: its incident takes another way, or help is called."""
    if not message.incident:
        tx.record("", told("message.lost", message, why=why), now)
    if message.key.startswith(_CRY) or _goes_on(tx, message, why, now):
        return
    # Once a day for each channel: it is the channel that needs a human, not each of its messages.
    about = f"{message.channel}:{now:%Y-%m-%d}"
    call_for_help(outside, tx, about, f"Messages by {message.channel} are lost: {why}", now)


def _goes_on(tx: Transaction, message: Message, why: str, now: datetime) -> bool:
    """Whether the incident it was about has told somebody else instead."""
    before = tx.incident(message.incident) if message.incident else None
    if before is None:
        return False
    words = message.model_dump(include={"key", "channel", "target", "subject", "body"})
    after, commands = reduce(before, MessageFailed(**words, why=why), now)
    tx.save(after, commands, now)
    return any(isinstance(one, Send) for one in commands)


def find_stranded(outside: Outside) -> None:
    """What only a newer release can do, and none does it: a human must know. Raises LedgerError."""
    now = outside.clock.now()
    for one in outside.ledger.stranded(now - STRANDED_AFTER):
        with outside.ledger.write() as tx:
            why = f"{one} waits for a newer release of Steadyhand, which wrote it; this one leaves it alone."
            call_for_help(outside, tx, f"newer:{one}", why, now)
