"""The store, opened beside the service, by a command that reads or writes it itself."""

from pathlib import Path

from steadyhand.adapters.ledger.sql import SqlLedger, open_store
from steadyhand.adapters.machine import secret
from steadyhand.config import default_path, home, load
from steadyhand.ports import LedgerError


def the_store(config: Path | None = None, *, new: bool = False) -> SqlLedger:
    """The store that the configuration names; only with `new` one that is not there yet.

    Raises ConfigError, LedgerError.
    """
    folder, dsn = home(), secret(load(config or default_path()).store.dsn_env)
    if new:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    elif dsn is None and not (folder / "steadyhand.db").is_file():
        raise LedgerError(f"there is no store in {folder}; STEADYHAND_HOME says where to look")
    return open_store(dsn, folder)
