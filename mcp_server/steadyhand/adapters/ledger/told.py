"""What an incident told to whom, and what it waits for."""

import json
from collections.abc import Sequence

from sqlalchemy import select

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import from_ms
from steadyhand.adapters.ledger.schema import is_state
from steadyhand.journey.commands import Arm
from steadyhand.journey.escalation.delivery import Receipt


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
