"""Deliver what the outbox holds: at least once, with the key that lets the receiver see a repeat."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from steadyhand.ports import EffectUnknown, Letter, SourceError, SourceRefused
from steadyhand.responder.distress import lose
from steadyhand.responder.outside import Outside
from steadyhand.store import Message

log = logging.getLogger("steadyhand.mail")
_LEASE = timedelta(seconds=30)
_TRIES = 6
_DEADLINE_S = 10.0


async def claim(outside: Outside, most: int) -> Sequence[Message]:
    """Messages that are due now, oldest first. Raises LedgerError."""
    now = outside.clock.now()
    return await asyncio.to_thread(outside.ledger.claim_messages, outside.owner, now, _LEASE, most)


async def deliver(outside: Outside, message: Message) -> None:
    """Send one message and write down what became of it. Raises LedgerError."""
    try:
        receipt = await _send(outside, message)
    except SourceError as error:
        await asyncio.to_thread(_not_sent, outside, message, error)
    except Exception as error:  # a bug in one channel must not silence the others
        log.exception("channel %s failed", message.channel)
        unknown = EffectUnknown(message.channel, repr(error))
        await asyncio.to_thread(_not_sent, outside, message, unknown)
    else:
        await asyncio.to_thread(outside.ledger.sent, message, receipt)


async def _send(outside: Outside, message: Message) -> str:
    if message.channel == "console":
        return "shown"  # the incident's page is the message
    channel = outside.channels.get(message.channel)
    if channel is None:
        raise SourceRefused(message.channel, "no such channel is configured")
    try:
        async with asyncio.timeout(_DEADLINE_S):
            letter = Letter(
                key=message.key, target=message.target, subject=message.subject, body=message.body
            )
            found = await channel.find(letter) if message.attempts > 1 else ""
            return found or await channel.send(letter)
    except TimeoutError as error:
        raise EffectUnknown(message.channel, f"no answer within {_DEADLINE_S:.0f} s") from error


def _not_sent(outside: Outside, message: Message, error: SourceError) -> None:
    """Try again with growing pauses; a page that may have arrived is repeated rather than missed."""
    last = isinstance(error, SourceRefused) or message.attempts >= _TRIES
    pause = timedelta(seconds=min(2**message.attempts, 60))
    if last:
        log.error("message %s is given up: %s", message.key, error)
        lose(outside, message, str(error), unknown=isinstance(error, EffectUnknown))
    else:
        outside.ledger.unsent(message, str(error), outside.clock.now() + pause)
