"""Who may work on one store."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ledger.doomed import outside
from ledger.shelf import NOW
from stores import Place

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.ports import LedgerError
from steadyhand.responder.engine.timekeeping import keep_time
from steadyhand.testing.phone import Phone


class AtOnce(ThreadPoolExecutor):
    """Does what is asked of its threads before it returns: no clock is moved past them."""

    def submit(self, work: Callable[..., Any], /, *of: Any, **named: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        done.set_result(work(*of, **named))
        return done


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


def test_a_host_whose_clock_goes_astray_while_it_works_pages_and_one_on_time_does_not(place: Place) -> None:
    ledger = SqlLedger(place)
    phones = {minutes: Phone() for minutes in (0, 10)}

    async def story(minutes: int) -> None:
        at = outside(ledger, phones[minutes], datetime.now(UTC) - timedelta(minutes=5 - minutes), "web-1")
        asyncio.get_running_loop().set_default_executor(AtOnce())
        keeping = asyncio.create_task(keep_time(at))
        await at.clock.advance(minutes=5)
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping

    for minutes in phones:
        asyncio.run(story(minutes))
    assert not phones[0].rings
    told = [one.body for one in phones[10].rings]
    assert told == [] if isinstance(place, Path) else "s off that of the store: set both by NTP" in told[0]
