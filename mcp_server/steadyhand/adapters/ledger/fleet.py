"""The processes that work on one store: who is there, and what the dead ones held."""

import fcntl
import os
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, delete, func, select

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.engine import insert, to_ms
from steadyhand.ports import LedgerError

_GONE = timedelta(seconds=30)


def sign_in(db: Connection, owner: str, host: str, now: datetime, *, one_host: bool) -> None:
    """Say that this process is there. Raises LedgerError when a second host works on a SQLite file."""
    present = s.process.c.seen_at > to_ms(now - _GONE)
    others = db.execute(select(s.process.c.host).where(present, s.process.c.owner != owner)).scalars()
    foreign = next((one for one in others if not _same(one, host)), "")
    if one_host and foreign:
        raise LedgerError(
            f"{foreign.split('|')[0]} works on this store already: SQLite serves the processes of one host; "
            "for several hosts name a PostgreSQL database in store.dsn_env"
        )
    db.execute(delete(s.process).where(~present))
    values = {"host": host, "seen_at": to_ms(now)}
    row = insert(db.dialect.name, s.process).values(owner=owner, **values)
    db.execute(row.on_conflict_do_update(index_elements=["owner"], set_=values))


def sign_out(db: Connection, owner: str) -> None:
    """Say that this process is gone."""
    db.execute(delete(s.process).where(s.process.c.owner == owner))


def present(db: Connection, now: datetime) -> int:
    """How many processes were there within the last half minute."""
    fresh = s.process.c.seen_at > to_ms(now - _GONE)
    return db.execute(select(func.count()).select_from(s.process).where(fresh)).scalar_one()


def _same(one: str, other: str) -> bool:
    """A host goes by several marks, "name|boot": one in common is enough, for a name may change."""
    return bool(set(one.split("|")) & set(other.split("|")))


class Company(AbstractContextManager["Company"]):
    """Tells whether another process of this host has the file open; the mark dies with the process.

    Enter it while what the dead held is taken over. Afterwards it stays, shared, until `close`.
    """

    def __init__(self, path: Path) -> None:
        # A bare descriptor: it goes with the process, and one dropped without `close` is no warning.
        self._file = os.open(path.with_name(f"{path.name}.users"), os.O_CREAT | os.O_RDWR, 0o600)
        self.alone = self._locked()

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def __exit__(self, *_failure: object) -> None:
        """Let others in beside us."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def close(self) -> None:
        """Be gone."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
