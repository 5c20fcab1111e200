"""What was committed is on disk before anybody is told so: a power cut loses no approval, page or alert."""

from pydantic import SecretStr
from stores import Place

from steadyhand.adapters.ledger.sql import SqlLedger


def test_a_commit_waits_for_the_disk_at_every_door_that_writes(place: Place) -> None:
    ledger = SqlLedger(place)
    wanted = {"show synchronous_commit": "on"} if isinstance(place, SecretStr) else FILE
    for door in (ledger.doors.writer, ledger.doors.queue):
        with door.begin() as db:
            assert {one: db.exec_driver_sql(one).scalar() for one in wanted} == wanted


FILE = {"pragma journal_mode": "wal", "pragma synchronous": 2}  # 2 is FULL
