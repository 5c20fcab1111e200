"""Deliver what the outbox holds: at least once, with the key that lets the receiver see a repeat."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, NamedTuple

from steadyhand.journey.commands import Arm
from steadyhand.journey.escalation.delivery import WAKING, Retry, Trouble, Waiting, after_trouble
from steadyhand.journey.incident.state import MessageArrived
from steadyhand.ports import Channel, EffectUnknown, Letter, SourceError, SourceRefused, SourceUnavailable
from steadyhand.responder.alerts.intake import happen
from steadyhand.responder.engine.distress import lose
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.throttling import (
    WITH,
    Bundle,
    letters,
    ring,
    rings,
    sort_out,
    together,
    way_of,
)
from steadyhand.responder.together import Most, Together
from steadyhand.store import Arrival, Ending, Message, Timer, Transaction, told

log = logging.getLogger("steadyhand.mail")
_LEASE = timedelta(seconds=30)
_DEADLINE_S = 10.0
_ROUNDS = 50  # of claiming in a storm
_MOST = Most(items=100, weight=100)  # ends of messages in one commit
_IN_LETTER = set(Letter.model_fields) - {"link"}
_COURTESY = frozenset({"note", "acknowledged", "resolved"})  # left out where a channel does not carry it


class Mail:
    """Delivers messages; what became of those that end at the same time is written in one commit."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._ends = Together(partial(_write, outside), _MOST)

    async def claim(self, most: int) -> Sequence[Bundle]:
        """Messages that are due now, oldest first; pages that ring too often wait. Raises LedgerError."""
        return await asyncio.to_thread(_claim, self._outside, most) if most > 0 else ()

    async def deliver(self, bundle: Bundle) -> None:
        """Send these as one message and write down what became of each. Raises LedgerError."""
        write = await self._try(bundle)
        await asyncio.gather(*(self._ends.put(_End(one, write)) for one in bundle))

    async def _try(self, bundle: Bundle) -> "_Write":
        message, outside = bundle[0], self._outside
        channel = outside.channels.get(message.channel)
        if message.act in _COURTESY and channel is not None and message.act not in channel.carries:
            return _left_out
        try:
            receipt = await _send(outside, channel, bundle)
        except SourceError as error:
            return partial(_not_sent, error=error, first=message)
        except Exception as error:  # a bug in one channel must not silence the others
            log.exception("channel %s failed", message.channel)
            return partial(_not_sent, error=EffectUnknown(message.channel, repr(error)), first=message)
        # One receipt stands for all that left together.
        within = channel.receipt_within if channel else None
        return partial(_sent, receipt=receipt, within=within, pages=len(bundle))


_Write = Callable[[Outside, Transaction, Message, datetime], None]


class _End(NamedTuple):
    message: Message
    write: _Write


def _claim(outside: Outside, most: int) -> Sequence[Bundle]:
    """In a storm many leave as one, so more are claimed than leave."""
    now, found = outside.clock.now(), list[Message]()
    for _ in range(_ROUNDS):
        more = outside.ledger.claim_messages(outside.owner, now, _LEASE, most)
        found += more
        if len(more) < most or letters(found, outside.rules.throttle) >= most:
            break
    if any(rings(one, outside.rules.throttle) for one in found):
        return _spaced(outside, found, now)
    return sort_out(found, (), outside.rules.throttle, now)[0]


def _spaced(outside: Outside, found: Sequence[Message], now: datetime) -> Sequence[Bundle]:
    """Those that leave now, noted where every process sees them before the first one rings."""
    rule = outside.rules.throttle
    since = now - rule.longest
    with outside.ledger.write() as tx:
        rung = tx.rings({way_of(one) for one in found if rings(one, rule)}, since)
        leaving, held = sort_out(found, rung, rule, now)
        for one in held:
            tx.hold(one.message, one.until)
        tx.rang([ring(one, now) for one in leaving if rings(one[0], rule)], since)
    return leaving


def _write(outside: Outside, ends: Sequence[_End]) -> Sequence[None]:
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        tx.foresee_ends([one.message for one in ends])
        return [one.write(outside, tx, one.message, now) for one in ends]


async def _send(outside: Outside, channel: Channel | None, bundle: Bundle) -> str:
    message = bundle[0]
    if message.channel == "console":
        return "shown"  # the incident's page is the message
    if channel is None:
        raise SourceRefused(message.channel, "no such channel is configured")
    if message.act not in channel.carries:
        raise SourceRefused(message.channel, f"it does not do this: {message.act}")
    try:
        async with asyncio.timeout(_DEADLINE_S):
            letter = together(_letter(outside, message), bundle[1:])
            # An earlier try may have got through: its answer was lost, or its process died too soon.
            found = await channel.find(letter) if message.attempts > 1 else ""
            return found or await channel.send(letter)
    except TimeoutError as error:
        raise EffectUnknown(message.channel, f"no answer within {_DEADLINE_S:.0f} s") from error


def _letter(outside: Outside, message: Message) -> Letter:
    return Letter(**message.model_dump(include=_IN_LETTER), link=outside.link(message.incident))


def _sent(
    _outside: Outside,
    tx: Transaction,
    message: Message,
    now: datetime,
    *,
    receipt: str,
    within: timedelta | None,
    pages: int,
) -> None:
    """Accepted by the channel. Where a receipt of delivery is due, a clock is set for it."""
    if not tx.sent(message, receipt):
        return
    bundled = {"pages": str(pages)} if pages > 1 else {}
    tx.record(message.incident, told("message.sent", message, receipt=receipt[:200], **bundled), now)
    if message.lost and message.incident:
        happen(tx, message.incident, _arrival(message, "late"), now)
    if within is not None and message.act in WAKING:
        about = {"message": message.key}
        arm = Arm(kind="receipt", key=_clock(message), due_at=now + within, payload=about)
        tx.arm(message.incident, arm)


def _left_out(_outside: Outside, tx: Transaction, message: Message, now: datetime) -> None:
    """Its channel has no form for such news, and nobody waits for them there."""
    if tx.unsent(message, "", None, ending="cancelled", lost=False):
        why = f"{message.channel} does not carry: {message.act}"
        tx.record(message.incident, told("message.left_out", message, why=why), now)


def _not_sent(
    outside: Outside, tx: Transaction, message: Message, now: datetime, *, error: SourceError, first: Message
) -> None:
    """Try again after a pause; a page that comes too late goes by another way as well.

    What was to leave together is tried again together, when the first of it is.
    """
    after = _after(outside, message, error, now)
    if after.again_at and message.key != first.key:
        after = after.model_copy(update={"again_at": _after(outside, first, error, now).again_at})
    if after.again_at is None:
        log.error("message %s is given up: %s", message.key, error)
    ending: Ending = "unknown" if isinstance(error, EffectUnknown) else "failed"
    if ending == "failed" and message == first and rings(first, outside.rules.throttle):
        tx.silent(first)
    held = tx.unsent(message, str(error), after.again_at, ending=ending, lost=after.lost)
    if held:
        action = "message.retried" if after.again_at else "message.given_up"
        tx.record(message.incident, told(action, message, why=str(error)), now)
    if held and after.lost:
        _tell_lost(outside, tx, message, str(error), now)


def _after(outside: Outside, message: Message, error: SourceError, now: datetime) -> Retry:
    waiting = Waiting.model_validate(message.model_dump(include=set(Waiting.model_fields)))
    return after_trouble(waiting, _trouble(error), outside.rules.delivery, now)


def _trouble(error: SourceError) -> Trouble:
    match error:
        case SourceUnavailable():
            return Trouble(kind="later", asked=error.again_after)
        case EffectUnknown():
            return Trouble(kind="unknown")
        case _:
            return Trouble(kind="refused")


def _tell_lost(outside: Outside, tx: Transaction, message: Message, why: str, now: datetime) -> None:
    """What should have woken somebody goes another way."""
    if message.act in WAKING:
        lose(outside, tx, message, why, now)


def take_receipt(outside: Outside, channel: Channel, key: str, how: Arrival, why: str) -> bool:
    """A channel says what became of a message. False when that is no news, or it was never that channel's.

    Raises LedgerError when it could not be stored.
    """
    first, _, others = key.partition(WITH)
    with outside.ledger.write() as tx:
        known = tx.message(first)
        if known is None or outside.channels.get(known[0].channel) is not channel:
            return False
        every = (known[0], *(tx.companions(known[0]) if others else ()))
        news = [_arrived(outside, tx, one.key, how, why) for one in every]
        return any(news)


def _arrived(outside: Outside, tx: Transaction, key: str, how: Arrival, why: str) -> bool:
    now, message = outside.clock.now(), tx.arrived(key, how)
    if message is None:
        return False
    tx.disarm(_clock(message))
    if how == "failed" and message.act in WAKING:
        _tell_lost(outside, tx, message, why or "its channel could not deliver it", now)
    elif how == "failed" or not message.incident:
        tx.record(message.incident, told(f"message.{how}", message, **({"why": why} if why else {})), now)
    else:
        happen(tx, message.incident, _arrival(message, how), now)
    return True


def _arrival(message: Message, how: Literal["late", "delivered", "seen"]) -> MessageArrived:
    return MessageArrived(key=message.key, channel=message.channel, target=message.target, how=how)


def receipt_missing(outside: Outside, tx: Transaction, timer: Timer, now: datetime) -> None:
    """No receipt of delivery came in time: sent is never reached, so the next way is taken."""
    known = tx.message(timer.payload["message"])
    if known is None or known[1] != "sent":
        return
    _tell_lost(outside, tx, known[0], "no receipt of delivery came in time", now)


def _clock(message: Message) -> str:
    return f"receipt:{message.key}"
