"""What of closed incidents leaves the store: everything but the audit trail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, exists, select

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import to_ms
from steadyhand.adapters.ledger.schema import is_state

# Whatever belongs to an incident says so in a column of this name; what refers to others goes before them.
_OWNED = tuple(
    one for one in reversed(s.metadata.sorted_tables) if "incident" in one.c and one is not s.audit
)


def closed(db: Batch, before: datetime, most: int) -> Sequence[str]:
    """Incidents resolved before this instant for which nothing is left to be done, oldest first."""
    mine = s.timer.c.incident == s.incident.c.id, s.outbox.c.incident == s.incident.c.id
    busy = exists().where(mine[0], is_state(s.timer, "armed") | is_state(s.timer, "leased"))
    unsent = exists().where(mine[1], is_state(s.outbox, "queued") | is_state(s.outbox, "sending"))
    old = (s.incident.c.status == "resolved") & (s.incident.c.resolved_at < to_ms(before))
    query = select(s.incident.c.id).where(old & ~busy & ~unsent).order_by(s.incident.c.resolved_at)
    return list(db.execute(query.limit(most)).scalars())


def rows_of(db: Batch, incident: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of an incident by its table, the trail's too; its vault's are kept nowhere else."""
    owned = {one.name: one.c.incident for one in (*_OWNED, s.audit) if one is not s.vault}
    tables = {"incident": s.incident.c.id, **owned}
    found = {name: db.execute(select(key.table).where(key == incident)) for name, key in tables.items()}
    told = select(s.alert_seen.c.post).where(s.alert_seen.c.incident == incident)
    found["alert_post"] = db.execute(select(s.alert_post).where(s.alert_post.c.id.in_(told)))
    return {name: [dict(one) for one in rows.mappings()] for name, rows in found.items()}


def forget(db: Batch, incident: str) -> None:
    """Delete an incident with all that belongs to it; its trail stays."""
    for table in _OWNED:
        db.execute(delete(table).where(table.c.incident == incident))
    db.execute(delete(s.incident).where(s.incident.c.id == incident))


def sweep(db: Batch, before: datetime) -> None:
    """Delete what belongs to no incident and is over: done timers, sent messages, changes of that time."""
    over: tuple[tuple[Table, tuple[str, ...]], ...] = (
        (s.timer, ("done", "cancelled")),
        (s.outbox, ("sent", "delivered", "seen", "cancelled")),
    )
    for table, states in over:
        gone = table.c.incident.is_(None) & table.c.state.in_(states) & (table.c.due_at < to_ms(before))
        db.execute(delete(table).where(gone))
    _sweep_alerts(db, to_ms(before))
    db.execute(delete(s.change).where(s.change.c.started_at < to_ms(before)))
    db.execute(delete(s.shift_change).where(s.shift_change.c.ends_at < to_ms(before)))


def _sweep_alerts(db: Batch, before: int) -> None:
    """Alerts that were nobody's, posts that nothing is known of any more, silences that are over."""
    for table in (s.alert_seen, s.alert_track):
        db.execute(delete(table).where(table.c.incident.is_(None), table.c.at < before))
    old = select(s.alert_post.c.id).where(s.alert_post.c.at < before)
    given_up = s.alert_waiting.c.due_at.is_(None) & s.alert_waiting.c.post.in_(old)
    db.execute(delete(s.alert_waiting).where(given_up))
    told = exists().where(s.alert_seen.c.post == s.alert_post.c.id)
    waits = exists().where(s.alert_waiting.c.post == s.alert_post.c.id)
    db.execute(delete(s.alert_post).where(s.alert_post.c.at < before, ~told, ~waits))
    db.execute(delete(s.silence).where(s.silence.c.ends_at < before))
