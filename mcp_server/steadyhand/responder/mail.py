"""Deliver what the outbox holds: at least once, with the key that lets the receiver see a repeat."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from steadyhand.journey.commands import Arm, Record
from steadyhand.journey.escalation.delivery import WAKING, Trouble, Waiting, after_trouble
from steadyhand.journey.incident.state import MessageArrived
from steadyhand.ports import Channel, EffectUnknown, Letter, SourceError, SourceRefused, SourceUnavailable
from steadyhand.responder.distress import lose
from steadyhand.responder.intake import happen
from steadyhand.responder.outside import Outside
from steadyhand.responder.throttling import Bundle, Held
from steadyhand.store import Arrival, Ending, Message, Timer, Transaction

log = logging.getLogger("steadyhand.mail")
_LEASE = timedelta(seconds=30)
_DEADLINE_S = 10.0
_WITH = "&with:"  # after the key of the first of several that left together
_SUBJECT = 200
_COURTESY = frozenset({"note", "acknowledged", "resolved"})  # left out where a channel does not carry it


async def claim(outside: Outside, most: int) -> Sequence[Message]:
    """Messages that are due now, oldest first. Raises LedgerError."""
    now = outside.clock.now()
    return await asyncio.to_thread(outside.ledger.claim_messages, outside.owner, now, _LEASE, most)


def hold(outside: Outside, held: Sequence[Held]) -> None:
    """These must wait: they ring too often. Raises LedgerError."""
    with outside.ledger.write() as tx:
        for one in held:
            tx.hold(one.message, one.until)


async def deliver(outside: Outside, message: Message, *others: Message) -> None:
    """Send one message, others with it, and write down what became of each. Raises LedgerError."""
    every = (message, *others)
    channel = outside.channels.get(message.channel)
    if message.act in _COURTESY and channel is not None and message.act not in channel.carries:
        await asyncio.to_thread(_left_out, outside, message)
        return
    try:
        receipt = await _send(outside, channel, message, others)
    except SourceError as error:
        await asyncio.to_thread(_none_sent, outside, every, error)
    except Exception as error:  # a bug in one channel must not silence the others
        log.exception("channel %s failed", message.channel)
        unknown = EffectUnknown(message.channel, repr(error))
        await asyncio.to_thread(_none_sent, outside, every, unknown)
    else:
        within = channel.receipt_within if channel else None
        await asyncio.to_thread(_all_sent, outside, every, receipt, within)


def _all_sent(outside: Outside, every: Bundle, receipt: str, within: timedelta | None) -> None:
    """One receipt stands for all; only the first waits for word that it was delivered."""
    first, *others = every
    _sent(outside, first, receipt, within)
    for one in others:
        _sent(outside, one, receipt, None)


def _none_sent(outside: Outside, every: Bundle, error: SourceError) -> None:
    for one in every:
        _not_sent(outside, one, error)


async def _send(outside: Outside, channel: Channel | None, message: Message, others: Bundle) -> str:
    if message.channel == "console":
        return "shown"  # the incident's page is the message
    if channel is None:
        raise SourceRefused(message.channel, "no such channel is configured")
    if message.act not in channel.carries:
        raise SourceRefused(message.channel, f"it does not do this: {message.act}")
    try:
        async with asyncio.timeout(_DEADLINE_S):
            letter = _together(await asyncio.to_thread(_letter, outside, message), others)
            # An earlier try may have got through: its answer was lost, or its process died too soon.
            found = await channel.find(letter) if message.attempts > 1 else ""
            return found or await channel.send(letter)
    except TimeoutError as error:
        raise EffectUnknown(message.channel, f"no answer within {_DEADLINE_S:.0f} s") from error


def _letter(outside: Outside, message: Message) -> Letter:
    with outside.ledger.read() as tx:
        first = tx.first_receipt(message)
    shared = message.model_dump(
        include={"key", "target", "subject", "body", "act", "severity", "incident", "thread"}
    )
    return Letter(**shared, first=first, link=outside.link(message.incident))


def _together(letter: Letter, others: Bundle) -> Letter:
    """Several pages in one. Its key names them all: with another one among them it is another message."""
    if not others:
        return letter
    names = "\n".join(one.key for one in others)
    told = [f"{letter.subject}. {letter.body}", *(f"{one.subject}. {one.body}" for one in others)]
    update = {
        "key": f"{letter.key}{_WITH}{hashlib.sha256(names.encode()).hexdigest()[:12]}",
        "subject": f"{len(told)} pages, the first: {letter.subject}"[:_SUBJECT],
        "body": "\n".join(told),
    }
    return letter.model_copy(update=update)


def _sent(outside: Outside, message: Message, receipt: str, within: timedelta | None) -> None:
    """Accepted by the channel. Where a receipt of delivery is due, a clock is set for it."""
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        if not tx.sent(message, receipt):
            return
        tx.record(message.incident, _line("sent", message, {"receipt": receipt[:200]}), now)
        if within is not None and message.act in WAKING:
            arm = Arm(
                kind="receipt", key=_clock(message), due_at=now + within, payload={"message": message.key}
            )
            tx.arm(message.incident, arm)


def _left_out(outside: Outside, message: Message) -> None:
    with outside.ledger.write() as tx:
        tx.unsent(message, "", None, ending="cancelled", lost=False)


def _not_sent(outside: Outside, message: Message, error: SourceError) -> None:
    """Try again after a pause; a page that comes too late goes by another way as well."""
    now = outside.clock.now()
    waiting = Waiting.model_validate(message.model_dump(include=set(Waiting.model_fields)))
    after = after_trouble(waiting, _trouble(error), outside.rules.delivery, now)
    if after.again_at is None:
        log.error("message %s is given up: %s", message.key, error)
    ending: Ending = "unknown" if isinstance(error, EffectUnknown) else "failed"
    with outside.ledger.write() as tx:
        held = tx.unsent(message, str(error), after.again_at, ending=ending, lost=after.lost)
        if held and after.lost:
            _tell_lost(outside, tx, message, str(error), now)


def _trouble(error: SourceError) -> Trouble:
    match error:
        case SourceUnavailable():
            return Trouble(kind="later", asked=error.again_after)
        case EffectUnknown():
            return Trouble(kind="unknown")
        case _:
            return Trouble(kind="refused")


def _tell_lost(outside: Outside, tx: Transaction, message: Message, why: str, now: datetime) -> None:
    """What should have woken somebody goes another way; the rest is only noted."""
    if message.act in WAKING:
        lose(outside, tx, message, why, now)
    else:
        tx.record(message.incident, _line("lost", message, {"why": why}), now)


def take_receipt(outside: Outside, channel: Channel, key: str, how: Arrival, why: str) -> bool:
    """A channel says what became of a message. False when that is no news, or it was never that channel's.

    Raises LedgerError when it could not be stored.
    """
    now, key = outside.clock.now(), key.partition(_WITH)[0]
    with outside.ledger.write() as tx:
        known = tx.message(key)
        if known is None or outside.channels.get(known[0].channel) is not channel:
            return False
        message = tx.arrived(key, how)
        if message is None:
            return False
        tx.disarm(_clock(message))
        if how == "failed":
            _tell_lost(outside, tx, message, why or "its channel could not deliver it", now)
        elif message.incident:
            event = MessageArrived(key=key, channel=message.channel, target=message.target, how=how)
            happen(tx, message.incident, event, now)
        return True


def receipt_missing(outside: Outside, tx: Transaction, timer: Timer, now: datetime) -> None:
    """No receipt of delivery came in time: sent is never reached, so the next way is taken."""
    known = tx.message(timer.payload["message"])
    if known is None or known[1] != "sent":
        return
    _tell_lost(outside, tx, known[0], "no receipt of delivery came in time", now)


def _clock(message: Message) -> str:
    return f"receipt:{message.key}"


def _line(what: str, message: Message, more: dict[str, str]) -> Record:
    facts = message.model_dump(include={"act", "channel", "target"})
    return Record(action=f"message.{what}", body={**facts, **more})
