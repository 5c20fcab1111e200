"""What steps ask of the trail costs no more where the trail is long."""

from ledger.shelf import NOW, opening, raw
from pydantic import SecretStr
from stores import new_database

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.adapters.ledger.transaction import SqlTransaction
from steadyhand.journey.commands import Record

_NAMES = [f"inc-{number}" for number in range(100)]
_LINES = 50
_SCANS = "select seq_scan from pg_stat_xact_user_tables where relname = 'audit'"


def long_trail(place: SecretStr) -> SqlLedger:
    """Many incidents with a long chain each, in a database that knows how long they are."""
    ledger = SqlLedger(place)
    with ledger.write() as tx:
        for name in _NAMES:
            tx.save(*opening(name, service=name), NOW)
            for number in range(_LINES):
                tx.record(name, Record(action="test", body={"number": str(number)}), NOW)
    raw(place, "analyze audit", "select 1")
    return ledger


def test_where_many_chains_end_is_looked_up_and_the_trail_is_not_read_through(postgres_server: str) -> None:
    with new_database(postgres_server) as place:
        ledger = long_trail(place)
        with ledger.doors.writing(alone=True) as connection:
            tx = SqlTransaction(connection)
            tx.foresee(_NAMES)
            assert connection.exec_driver_sql(_SCANS).scalar() == 0
            for name in _NAMES:
                tx.record(name, Record(action="test.last"), NOW)
            tx.flush()
        with ledger.read() as tx:
            assert [one.n for one in tx.trail("inc-7")] == list(range(1, len(tx.trail("inc-7")) + 1))
        ledger.close()
