"""What an incident told to whom, and what it waits for."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import from_ms, to_ms
from steadyhand.adapters.ledger.schema import is_state
from steadyhand.journey.commands import Arm
from steadyhand.journey.escalation.delivery import WAKING, Receipt
from steadyhand.store import Cry


class ToldRows:
    """The part of a transaction that reads messages and timers of one incident."""

    _db: Batch

    def receipts(self, incident: str) -> Sequence[Receipt]:
        """What became of each message of an incident, in the order in which they were to leave."""
        columns = (s.outbox.c[one] for one in Receipt.model_fields)
        query = select(*columns).where(s.outbox.c.incident == incident)
        rows = self._db.execute(query.order_by(s.outbox.c.queued_at, s.outbox.c.key)).mappings()
        return [
            Receipt.model_validate(
                {**one, "queued_at": from_ms(one["queued_at"]), "due_at": from_ms(one["due_at"])}
            )
            for one in rows
        ]

    def cries(self, prefix: str, since: datetime) -> Sequence[Cry]:
        """Messages written since then whose keys begin so."""
        row = s.outbox.c
        query = select(s.outbox).where(row.key.startswith(prefix), row.queued_at >= to_ms(since))
        return [
            Cry(
                key=one.key,
                channel=one.channel,
                target=one.target,
                incident=one.incident or "",
                queued_at=from_ms(one.queued_at),
                lost=bool(one.lost) or one.channel == "console" or one.state in ("failed", "unknown"),
            )
            for one in self._db.execute(query.order_by(row.key))
        ]

    def last_reached(self) -> datetime | None:
        """When the latest message that woke somebody, as far as is known, was written."""
        row = s.outbox.c
        through = row.act.in_(WAKING) & row.state.in_(("sent", "delivered", "seen"))
        query = select(func.max(row.queued_at)).where(through, row.channel != "console")
        found = self._db.execute(query).scalar()
        return from_ms(found) if found is not None else None

    def clocks(self, incident: str) -> Sequence[Arm]:
        """What an incident waits for, the earliest first."""
        columns = (s.timer.c[one] for one in Arm.model_fields)
        waiting = is_state(s.timer, "armed") | is_state(s.timer, "leased")
        query = select(*columns).where(s.timer.c.incident == incident, waiting)
        rows = self._db.execute(query.order_by(s.timer.c.due_at, s.timer.c.key)).mappings()
        return [
            Arm.model_validate(
                {**one, "due_at": from_ms(one["due_at"]), "payload": json.loads(one["payload"])}
            )
            for one in rows
        ]
