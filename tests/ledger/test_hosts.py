"""Who may work on one store."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ledger.shelf import NOW
from stores import Place

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.ports import LedgerError


def test_processes_of_one_host_work_side_by_side_and_are_counted(place: Place) -> None:
    ledger = SqlLedger(place)
    ledger.sign_in("a", "web-1|boot-7", NOW)
    ledger.sign_in("b", "renamed|boot-7", NOW)
    ledger.sign_in("c", "web-1|boot-7", NOW)
    assert ledger.figures(NOW).processes == 3
    ledger.sign_out("b")
    assert ledger.figures(NOW).processes == 2
    assert ledger.figures(NOW + timedelta(seconds=31)).processes == 0


def test_a_second_host_is_refused_on_sqlite_and_told_the_way_out(tmp_path: Path) -> None:
    ledger = SqlLedger(tmp_path / "store.db")
    ledger.sign_in("a", "web-1|boot-7", NOW)
    with pytest.raises(LedgerError, match=r"web-1 works on this store already.*PostgreSQL.*store\.dsn_env"):
        ledger.sign_in("b", "web-2|boot-9", NOW + timedelta(seconds=29))
    ledger.sign_in("b", "web-2|boot-9", NOW + timedelta(seconds=31))  # the first one is gone


def test_several_hosts_work_on_postgres(place: Place) -> None:
    if isinstance(place, Path):
        pytest.skip("a file is one host's")
    ledger = SqlLedger(place)
    ledger.sign_in("a", "web-1|boot-7", NOW)
    ledger.sign_in("b", "web-2|boot-9", NOW)
    assert ledger.figures(NOW).processes == 2


def test_how_far_a_clock_is_from_the_store_s_is_known(place: Place) -> None:
    ledger, now = SqlLedger(place), datetime.now(UTC)
    assert ledger.skew(now) < timedelta(seconds=60)
    behind = ledger.skew(now - timedelta(hours=1))
    assert behind == timedelta() if isinstance(place, Path) else behind > timedelta(minutes=59)
