"""Steadyhand's own dead letters: what nobody will try again is told to a human, in the same transaction."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from steadyhand.journey.commands import Arm, Record, Send
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.handmade import ShiftChange
from steadyhand.journey.incident.paging import thread
from steadyhand.journey.incident.reduce import reduce
from steadyhand.journey.incident.state import Incident, MessageFailed
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.roster import changes_since
from steadyhand.store import Cry, Message, Timer, Transaction, told

log = logging.getLogger("steadyhand.distress")
SUBJECT = "STEADYHAND NEEDS HELP"
STRANDED_AFTER = timedelta(minutes=1)
_CRY = "help:"
_REMEMBERED = timedelta(days=1)  # how long a call that nobody heard counts


def last_lines(outside: Outside, changes: Sequence[ShiftChange], now: datetime) -> list[Contact]:
    """Every way to everybody in the first tier of a SEV1, with these shifts changed by hand."""
    ladder = outside.rules.policy("SEV1", changes=changes).ladder
    people = ladder.reach(ladder.tier(0), "SEV1", now)
    return list(dict.fromkeys(way for one in people for way in one.contacts))


def everybody(outside: Outside) -> list[Contact]:
    """Every way to anybody that the configuration names, on a ladder or not."""
    rules = outside.rules
    own = (way for one in rules.people for ways in (one.contacts, *one.by_severity.values()) for way in ways)
    ladders = rules.escalation.ladders
    tiers = (tier.contacts for ladder in ladders for tier in ladder.tiers)
    named = (way for ways in (*tiers, *(one.last_resort for one in ladders)) for way in ways)
    found = dict.fromkeys((*own, *(one for one in named if isinstance(one, Contact))))
    return [one for one in found if not one.missing]


def call_for_help(outside: Outside, tx: Transaction, about: str, why: str, now: datetime) -> None:
    """Page the first tier by every way they have, once for all times about the same thing."""
    first = last_lines(outside, changes_since(outside, tx, now), now)
    _call(tx, _waking(first) or _waking(everybody(outside)) or first, f"{_CRY}{about}", why, now)


def _waking(ways: Iterable[Contact]) -> list[Contact]:
    """Those that wake somebody: the console only shows."""
    return [one for one in ways if one.type != "console"]


def _call(
    tx: Transaction,
    ways: Sequence[Contact],
    key: str,
    body: str,
    now: datetime,
    incident: str = "",
    of: str = "",
) -> None:
    if not ways:
        log.error("nobody can be told: %s", body)
    for way in ways:
        one = Send(
            key=f"{key}:{way.type}:{way.whom}",
            channel=way.type,
            target=way.whom,
            subject=SUBJECT,
            body=body,
            thread=of,
        )
        tx.send(incident, one, now)


def nobody_reached(outside: Outside, tx: Transaction, timer: Timer, now: datetime) -> None:
    """Nobody on the ladder of an incident can be reached: whoever else can be is told of it."""
    incident = tx.incident(timer.incident)
    if incident is None or not _needs_somebody(incident):
        return
    sick = {one.channel for one in tx.receipts(incident.id) if one.error}
    lines = last_lines(outside, changes_since(outside, tx, now), now)
    first = [one for one in _waking(lines) if one.type not in sick]
    ways = first or _waking(everybody(outside))
    said = f"{incident.severity} {incident.service}: {incident.title}"
    why = f"{said}. You are told because nobody on its ladder can be reached. {timer.payload['why']}"
    key = f"{_CRY}{thread(incident)}:{timer.payload['step']}"
    body = {"why": timer.payload["why"], "by": ", ".join(map(str, ways)) or "no way at all"}
    tx.record(incident.id, Record(action="help.called", body=body), now)
    _call(tx, ways, key, f"{why} Incident {incident.id}.", now, incident.id, thread(incident))


def _needs_somebody(incident: Incident) -> bool:
    return not incident.acked_by and incident.recovered_at is None and incident.status != "resolved"


def unheard(outside: Outside, tx: Transaction) -> int:
    """How many calls for help of the last day reached nobody, while nobody has what they are about.

    One about no incident counts until any page gets through.
    """
    calls = defaultdict[str, list[Cry]](list)
    for one in tx.cries(_CRY, outside.clock.now() - _REMEMBERED):
        calls[one.key.removesuffix(f":{one.channel}:{one.target}")].append(one)
    lost = [rows[0] for rows in calls.values() if all(one.lost for one in rows)]
    reached = tx.last_reached() if lost else None
    return sum(_still_matters(tx, one, reached) for one in lost)


def _still_matters(tx: Transaction, one: Cry, reached: datetime | None) -> bool:
    if not one.incident:
        return reached is None or reached < one.queued_at
    incident = tx.incident(one.incident)
    return incident is not None and _needs_somebody(incident)


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
    if message.key.startswith(_CRY):
        _call_anybody(outside, tx, message, why, now)
        return
    if not message.incident:
        tx.record("", told("message.lost", message, why=why), now)
    if _goes_on(tx, message, why, now):
        return
    # Once a day for each channel: it is the channel that needs a human, not each of its messages.
    about = f"{message.channel}:{now:%Y-%m-%d}"
    call_for_help(outside, tx, about, f"Messages by {message.channel} are lost: {why}", now)


def _call_anybody(outside: Outside, tx: Transaction, message: Message, why: str, now: datetime) -> None:
    """A call for help that fails by all its ways goes on by every other there is, once by each."""
    tx.record(message.incident, told("message.lost", message, why=why), now)
    key = message.key.removesuffix(f":{message.channel}:{message.target}")
    beside = tx.cries(f"{key}:", message.queued_at - _REMEMBERED)
    if not all(one.lost for one in beside if one.key != message.key):
        return
    ways = _waking(everybody(outside))
    _call(tx, ways, key, message.body, now, message.incident, message.thread)


def _goes_on(tx: Transaction, message: Message, why: str, now: datetime) -> bool:
    """Whether the incident it was about has told somebody else instead, or calls for help itself."""
    before = tx.incident(message.incident) if message.incident else None
    if before is None:
        return False
    words = message.model_dump(include={"key", "channel", "target", "subject", "body"})
    after, commands = reduce(before, MessageFailed(**words, why=why), now)
    tx.save(after, commands, now)
    return any(isinstance(one, Send) or (isinstance(one, Arm) and one.kind == "help") for one in commands)


def find_stranded(outside: Outside) -> None:
    """What only a newer release can do, and none does it: a human must know. Raises LedgerError."""
    now = outside.clock.now()
    for one in outside.ledger.stranded(now - STRANDED_AFTER):
        with outside.ledger.write() as tx:
            why = f"{one} waits for a newer release of Steadyhand, which wrote it; this one leaves it alone."
            call_for_help(outside, tx, f"newer:{one}", why, now)
