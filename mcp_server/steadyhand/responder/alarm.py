"""The page of last resort: straight to the first tier, past the store, when the store itself is sick."""

import logging
from datetime import datetime, timedelta

from steadyhand.ports import SourceError
from steadyhand.responder.outside import Outside

log = logging.getLogger("steadyhand.alarm")
_QUIET = timedelta(minutes=1)


class Alarm:
    """Rings at most once a minute for the same words, so that a sick store does not become a storm."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._rang: dict[str, datetime] = {}

    async def ring(self, why: str) -> None:
        """Tell every contact of the first tier directly; what cannot be reached is logged."""
        now = self._outside.clock.now()
        last = self._rang.get(why)
        if last is not None and now - last < _QUIET:
            return
        self._rang[why] = now
        for contact in self._outside.rules.escalation.tier(0).contacts:
            channel = self._outside.channels.get(contact.type)
            if channel is None:
                continue
            key = f"alarm:{contact.type}:{now.timestamp():.0f}"
            try:
                await channel.send(key, contact.whom, "STEADYHAND NEEDS HELP", why)
            except SourceError as error:
                log.error("alarm not delivered: %s", error)  # noqa: TRY400 - the cause is in the text
