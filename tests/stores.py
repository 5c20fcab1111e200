"""Places for a store: a new file, or a new database of one PostgreSQL server."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pydantic import SecretStr

from steadyhand.adapters.ledger.sql import SqlLedger

Place = Path | SecretStr
KINDS = ("sqlite", "postgres")
_NUMBERS = itertools.count(1)


def prepare(server: str) -> str:
    """A database of this server with an empty store in it, to be copied for each test."""
    SqlLedger(SecretStr(server)).close()
    return server


@contextmanager
def new_database(server: str, template: str = "postgres") -> Iterator[SecretStr]:
    """A database of its own, a copy of the prepared one; `template0` for one with nothing in it."""
    name = f"store_{next(_NUMBERS)}"
    with psycopg.connect(f"{server.rpartition('/')[0]}/template1", autocommit=True) as admin:
        admin.execute(f"create database {name} template {template}")  # type: ignore[call-overload]
        try:
            yield SecretStr(f"{server.rpartition('/')[0]}/{name}")
        finally:
            admin.execute(f"drop database {name} with (force)")  # type: ignore[call-overload]
