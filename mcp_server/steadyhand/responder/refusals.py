"""What was tried and refused stands in the trail: deeds of people and models, and knocks at a door."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from steadyhand.journey.commands import Record
from steadyhand.ports import LedgerError
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.outside import Outside

log = logging.getLogger("steadyhand.refusals")
_QUIET = timedelta(minutes=1)


@contextmanager
def noted(outside: Outside, incident: str, deed: Record) -> Iterator[None]:
    """Write down that this deed was refused, and by what, when it raises Refused. Raises it on."""
    try:
        yield
    except Refused as error:
        body = {**deed.body, "deed": deed.action, "why": str(error)}
        with outside.ledger.write() as tx:
            where = incident if tx.incident(incident) else ""
            refused = deed.model_copy(update={"action": "deed.refused", "body": body})
            tx.record(where, refused, outside.clock.now())
        raise


class Doors:
    """Who was turned away at a door.

    One row a minute for each door and reason, with how many more there were: a flood must not fill the trail.
    """

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], tuple[datetime, int]] = {}

    def turned_away(self, door: str, why: str) -> None:
        """Note it, and how many more there were since the last row about it. Safe from any thread."""
        now = self._outside.clock.now()
        more = self._since(door, why, now)
        if more is None:
            return
        body = {"door": door, "why": why, "unwritten": str(more)}
        try:
            with self._outside.ledger.write() as tx:
                tx.record("", Record(action="door.refused", actor="somebody", via=door, body=body), now)
        except LedgerError as error:  # whoever is turned away is turned away all the same
            log.error("a refusal at %s is not in the trail: %s", door, error)  # noqa: TRY400 - cause in the text

    def _since(self, door: str, why: str, now: datetime) -> int | None:
        with self._lock:
            at, unwritten = self._seen.get((door, why), (None, 0))
            if at is not None and now - at < _QUIET:
                self._seen[door, why] = (at, unwritten + 1)
                return None
            self._seen[door, why] = (now, 0)
            return unwritten
