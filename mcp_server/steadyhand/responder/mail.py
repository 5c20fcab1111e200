"""Deliver what the outbox holds: at least once, with the key that lets the receiver see a repeat."""

import asyncio
from datetime import timedelta

from steadyhand.ports import EffectUnknown, SourceError, SourceRefused
from steadyhand.responder.outside import Outside
from steadyhand.store import Message

_LEASE = timedelta(seconds=30)
_BATCH = 20
_TRIES = 6
_DEADLINE_S = 10.0


async def deliver(outside: Outside) -> int:
    """Send everything that is due now; returns how many messages were tried. Raises LedgerError."""
    now = outside.clock.now()
    due = await asyncio.to_thread(outside.ledger.claim_messages, outside.owner, now, _LEASE, _BATCH)
    await asyncio.gather(*(_deliver(outside, one) for one in due))
    return len(due)


async def _deliver(outside: Outside, message: Message) -> None:
    try:
        receipt = await _send(outside, message)
    except SourceError as error:
        await asyncio.to_thread(_not_sent, outside, message, error)
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
            return await channel.send(message.key, message.target, message.subject, message.body)
    except TimeoutError as error:
        raise EffectUnknown(message.channel, f"no answer within {_DEADLINE_S:.0f} s") from error


def _not_sent(outside: Outside, message: Message, error: SourceError) -> None:
    """Try again with growing pauses; a page that may have arrived is repeated rather than missed."""
    last = isinstance(error, SourceRefused) or message.attempts >= _TRIES
    pause = timedelta(seconds=min(2**message.attempts, 60))
    again = None if last else outside.clock.now() + pause
    unknown = isinstance(error, EffectUnknown)
    outside.ledger.unsent(message, str(error), again, unknown=unknown)
