"""When which telephone rang, as rows that all processes share."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, select, tuple_

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import from_ms, insert, to_ms
from steadyhand.store import Message, Ring, Way


class RingRows:
    """The part of a transaction that is about rings."""

    _db: Batch

    def rings(self, ways: Collection[Way], since: datetime) -> Sequence[Ring]:
        """What rang by these ways since then, in order, whichever process sent it."""
        row = s.ring.c
        query = select(s.ring).where(tuple_(row.channel, row.target).in_(ways), row.at > to_ms(since))
        return [
            Ring(
                message=one.message,
                attempt=one.attempt,
                way=(one.channel, one.target),
                at=from_ms(one.at),
                incidents=frozenset(json.loads(one.about)),
            )
            for one in self._db.execute(query.order_by(row.at, row.message))
        ]

    def rang(self, rings: Sequence[Ring], since: datetime) -> None:
        """These leave now; what rang before `since` is forgotten."""
        self._db.execute(delete(s.ring).where(s.ring.c.at <= to_ms(since)))
        rows = [_row(one) for one in rings]
        if rows:
            self._db.execute(insert(self._db.dialect, s.ring).on_conflict_do_nothing(), rows)

    def silent(self, message: Message) -> None:
        """It was refused: nothing rang."""
        same = (s.ring.c.message == message.key) & (s.ring.c.attempt == message.attempts)
        self._db.execute(delete(s.ring).where(same))


def _row(ring: Ring) -> dict[str, object]:
    channel, target = ring.way
    about = json.dumps(sorted(ring.incidents))
    same = {"message": ring.message, "attempt": ring.attempt, "at": to_ms(ring.at)}
    return {**same, "channel": channel, "target": target, "about": about}
