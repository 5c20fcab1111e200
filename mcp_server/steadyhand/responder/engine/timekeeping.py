"""Hosts that share a store call people by their own clocks: none may go astray unnoticed."""

import asyncio
from datetime import timedelta

from steadyhand.ports import LedgerError
from steadyhand.responder.engine.alarm import Alarm
from steadyhand.responder.outside import Outside

_SKEW = timedelta(seconds=5)
_EVERY = timedelta(minutes=5)


def wrong_time(outside: Outside) -> str:
    """How far this host's clock is off the store's; "" while they agree. Raises LedgerError."""
    asked_at = outside.clock.now()
    skew = outside.ledger.skew(asked_at)
    waited = outside.clock.now() - asked_at  # a store that answers late is not one whose clock is off
    if skew - waited <= _SKEW:
        return ""
    return f"this host's clock is {skew.total_seconds():.0f} s off that of the store: set both by NTP"


async def keep_time(outside: Outside) -> None:
    """Page while the clock is astray, until cancelled. Work goes on: early or late is better than never.

    A store that fails is the worker's alarm, not ours.
    """
    alarm = Alarm(outside)
    while True:
        await outside.clock.sleep(_EVERY)
        try:
            wrong = await asyncio.to_thread(wrong_time, outside)
        except LedgerError:
            continue
        if wrong:
            await alarm.ring(f"{outside.host}: {wrong}")
