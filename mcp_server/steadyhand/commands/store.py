"""The store, opened beside the service, by a command that reads or writes it itself."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from steadyhand.adapters.ledger.sql import SqlLedger, open_store
from steadyhand.adapters.machine import secret
from steadyhand.config import IncidentConfig, default_path, home, load
from steadyhand.journey.escalation.handmade import ShiftChange
from steadyhand.ports import LedgerError


def the_store(config: Path | None = None, *, new: bool = False) -> SqlLedger:
    """The store that the configuration names; only with `new` one that is not there yet.

    Raises ConfigError, LedgerError.
    """
    folder, rule = home(), load(config or default_path()).store
    dsn = secret(rule.dsn_env)
    if new:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    elif not _is_there(dsn, folder):
        raise LedgerError(f"there is no store in {folder}; STEADYHAND_HOME says where to look")
    return open_store(dsn, folder, secret(rule.vault_key_env))


def changed_by_hand(config: IncidentConfig, since: datetime) -> Sequence[ShiftChange]:
    """Shifts that people changed and that last later than this; none without a store. Raises LedgerError."""
    folder, dsn = home(), secret(config.store.dsn_env)
    if not config.schedules or not _is_there(dsn, folder):
        return ()
    with closing(open_store(dsn, folder)) as ledger, ledger.read() as tx:
        return tx.shift_changes(since)


def nobody_approves(config: IncidentConfig) -> bool:
    """Whether there is a store, and nobody in it may approve. Raises ConfigError, LedgerError."""
    folder, dsn = home(), secret(config.store.dsn_env)
    if not _is_there(dsn, folder):
        return False
    with closing(open_store(dsn, folder)) as ledger, ledger.read() as tx:
        return not any(one.role in config.approval.approvers for one in tx.people())


def _is_there(dsn: SecretStr | None, folder: Path) -> bool:
    return dsn is not None or (folder / "steadyhand.db").is_file()
