"""Closed incidents leave the store for the archive after their time; the audit trail stays."""

import hashlib
import json
import logging
from datetime import datetime

from steadyhand.journey.commands import Record
from steadyhand.responder.investigation.recalling import forget_old
from steadyhand.responder.outside import Outside
from steadyhand.store import Transaction

log = logging.getLogger("steadyhand.retention")
_AT_ONCE = 20  # incidents in one round: others wait for the store no longer than that takes


def prune(outside: Outside) -> int:
    """Archive and delete what has had its time; returns how many incidents. Raises LedgerError, OSError.

    Each is written to the archive, and is on the disk there, before the transaction that deletes it commits.
    """
    rule, now = outside.rules.retention, outside.clock.now()
    with outside.ledger.write() as tx:
        forget_old(outside, tx, now)
    if outside.archive is None or not rule.keep_closed:
        return 0
    before = now - rule.keep_closed
    with outside.ledger.read() as tx:
        found = tx.closed(before, _AT_ONCE)
    for incident in found:
        with outside.ledger.write() as tx:
            if incident in tx.closed(before, _AT_ONCE):  # another process may have been faster
                _archive(outside, tx, incident, now)
    with outside.ledger.write() as tx:
        tx.sweep(before)
    return len(found)


def _archive(outside: Outside, tx: Transaction, incident: str, now: datetime) -> None:
    assert outside.archive is not None, "only called where there is one"
    rows = tx.rows_of(incident)
    closed_at = datetime.fromtimestamp(rows["incident"][0]["resolved_at"] / 1000, tz=now.tzinfo)
    line = json.dumps({"incident": incident, "rows": rows}, sort_keys=True, ensure_ascii=False)
    name = outside.archive.keep(closed_at, line)
    digest = hashlib.sha256(line.encode()).hexdigest()
    tx.record(incident, Record(action="incident.archived", body={"file": name, "sha256": digest}), now)
    tx.forget(incident)
    log.info("%s is archived in %s", incident, name)
