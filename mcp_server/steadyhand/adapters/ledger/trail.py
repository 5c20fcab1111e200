"""Lines of the audit trail as rows."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.engine import insert, to_ms
from steadyhand.journey.audit.entry import Entry, seal
from steadyhand.journey.audit.proof import GENESIS
from steadyhand.journey.commands import Record


def write_entry(db: Connection, incident: str, record: Record, now: datetime) -> None:
    """Append to the audit trail; the write lock of the transaction keeps the chain in one line."""
    newest = select(s.audit.c.seq, s.audit.c.hash).order_by(s.audit.c.seq.desc()).limit(1)
    last = db.execute(newest).one_or_none()
    entry = seal(
        Entry(
            seq=(last.seq if last else 0) + 1,
            ts=to_ms(now),
            incident=incident,
            prev=last.hash if last else GENESIS,
            **record.model_dump(),
        )
    )
    db.execute(insert(db, s.audit).values({**entry.model_dump(exclude={"n"}), "body": _text(entry.body)}))


def read_entry(row: RowMapping) -> Entry:
    """The line in a row. One that is not written as we write is still shown, and its hash tells on it."""
    try:
        body = json.loads(row["body"])
        if _text(body) == row["body"]:
            return Entry.model_validate({**row, "body": body})
    except ValueError:
        pass  # tampering is named by find_tampering; whoever only reads is shown what there is
    shown: dict[str, Any] = {name: str(row[name]) for name in ("incident", "prev", "hash")}
    shown |= {"action": "unreadable", "body": {"row": str(dict(row))}, "actor": "", "actor_kind": "system"}
    return Entry.model_construct(seq=row["seq"], ts=0, via="", **shown)


def _text(body: object) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
