"""Shifts changed by hand as rows, and the incidents that must hear of them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import insert, to_ms
from steadyhand.adapters.ledger.reading import incident_of
from steadyhand.journey.escalation.handmade import ShiftChange
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.incident.versions import MACHINE


class ShiftRows:
    """The part of a transaction that is about shifts changed by hand."""

    _db: Batch

    def keep_shift_change(self, change: ShiftChange) -> None:
        """Write a change, or what is left of it."""
        values = {"ends_at": to_ms(change.ends), "state": change.model_dump_json()}
        row = insert(self._db.dialect, s.shift_change).values(id=change.id, at=to_ms(change.at), **values)
        self._db.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))

    def shift_change(self, wanted: str) -> ShiftChange | None:
        """The change of this id."""
        query = select(s.shift_change.c.state).where(s.shift_change.c.id == wanted)
        found = self._db.execute(query).scalar()
        return ShiftChange.model_validate_json(found) if found else None

    def shift_changes(self, since: datetime) -> Sequence[ShiftChange]:
        """Those that last, or are to come, later than this, in the order in which they were made."""
        lasting = select(s.shift_change.c.state).where(s.shift_change.c.ends_at > to_ms(since))
        rows = self._db.execute(lasting.order_by(s.shift_change.c.at, s.shift_change.c.id)).scalars()
        return [ShiftChange.model_validate_json(one) for one in rows]

    def living(self, since: datetime) -> Sequence[Incident]:
        """Incidents that are open, or were resolved since then, but for those of a newer release."""
        recent = (s.incident.c.status != "resolved") | (s.incident.c.resolved_at >= to_ms(since))
        known = recent & (s.incident.c.machine <= MACHINE)
        rows = self._db.execute(select(s.incident.c.state, s.incident.c.machine).where(known))
        return [found for row in rows if (found := incident_of(row))]
