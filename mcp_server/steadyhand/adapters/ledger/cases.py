"""Remembered cases as rows. They outlive their incidents and have a time of their own."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import insert, to_ms
from steadyhand.journey.memory.case import Case


class MemoryRows:
    """The part of a transaction that is about remembered cases."""

    _db: Batch

    def keep_case(self, case: Case) -> None:
        """Write a case, or write it anew."""
        values = {"at": to_ms(case.at), "service": case.service, "body": case.model_dump_json()}
        row = insert(self._db.dialect, s.memory_case).values(id=case.id, **values)
        self._db.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))

    def case(self, wanted: str) -> Case | None:
        """The case of this id."""
        query = select(s.memory_case.c.body).where(s.memory_case.c.id == wanted)
        found = self._db.execute(query).scalar()
        return Case.model_validate_json(found) if found else None

    def cases(self, limit: int) -> Sequence[Case]:
        """The latest cases, newest first."""
        newest = select(s.memory_case.c.body).order_by(s.memory_case.c.at.desc(), s.memory_case.c.id)
        return [Case.model_validate_json(one) for one in self._db.execute(newest.limit(limit)).scalars()]

    def forget_case(self, wanted: str) -> bool:
        """Delete a case; False when there is none."""
        return bool(self._db.execute(delete(s.memory_case).where(s.memory_case.c.id == wanted)).rowcount)

    def forget_cases(self, before: datetime) -> int:
        """Delete the cases of incidents that opened before this instant; returns how many."""
        return self._db.execute(delete(s.memory_case).where(s.memory_case.c.at < to_ms(before))).rowcount
