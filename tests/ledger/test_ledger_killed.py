"""kill -9 between any two steps loses nothing."""

import asyncio
import multiprocessing
from datetime import timedelta
from pathlib import Path

import pytest
from ledger.doomed import POINTS, PhoneBook, live_until, service, turns
from ledger.shelf import NOW, filled
from stores import Place

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.audit.entry import find_tampering


def killed(place: Place, book: Path, point: str) -> int | None:
    child = multiprocessing.get_context("spawn").Process(target=live_until, args=(place, book, NOW, point))
    child.start()
    child.join(60)
    return child.exitcode


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.mark.parametrize("point", POINTS)
def test_what_a_killed_service_had_begun_is_done_by_the_next(
    place: Place, tmp_path: Path, point: str
) -> None:
    book = tmp_path / "calls"
    filled(place).close()
    assert killed(place, book, point) == -9

    ledger, phone = SqlLedger(place), PhoneBook(book)
    ledger.reclaim(NOW, all_owners=True)
    asyncio.run(turns(service(ledger, phone, NOW, "next")))

    with ledger.read() as tx:
        incident, trail, receipts = tx.incident("inc-1"), tx.trail(), tx.receipts("inc-1")
    assert incident.status == "needs_human"  # no source is configured, so a human was told
    assert find_tampering(trail) == ""
    assert [one.action for one in trail].count("incident.diagnosed") == 1
    assert {one.state for one in receipts} == {"sent"}
    assert len(set(phone.keys())) == len(receipts) == 2
    on_its_way = point in ("before a commit", "sent, not written down")
    assert len(phone.keys()) <= 2 + on_its_way  # then it may come twice, with the same key


def test_without_a_restart_another_process_takes_over_once_the_lease_is_out(
    place: Place, tmp_path: Path
) -> None:
    book = tmp_path / "calls"
    filled(place).close()
    assert killed(place, book, "timers claimed") == -9

    ledger, phone = SqlLedger(place), PhoneBook(book)
    asyncio.run(turns(service(ledger, phone, NOW + timedelta(seconds=29), "other")))
    with ledger.read() as tx:
        assert tx.incident("inc-1").status == "investigating"
    asyncio.run(turns(service(ledger, phone, NOW + timedelta(seconds=31), "other")))
    with ledger.read() as tx:
        assert tx.incident("inc-1").status == "needs_human"
