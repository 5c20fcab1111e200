"""A full disk: nothing half-written, the first tier is called, and afterwards the work goes on."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool
from stories.night import Night

from steadyhand.journey.commands import Record
from steadyhand.ports import LedgerError, SourceUnavailable


@contextmanager
def full(night: Night) -> Iterator[None]:
    """The store may not grow by one page until this ends."""
    night.outside.ledger.close()
    with closing(sqlite3.connect(night.place)) as db:
        pages = db.execute("pragma page_count").fetchone()[0]

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"pragma max_page_count={pages}")

    event.listen(Pool, "connect", limit)
    try:
        yield
    finally:
        event.remove(Pool, "connect", limit)
        night.outside.ledger.close()


def fill_up(night: Night) -> None:
    """Use what is left inside the pages there are."""
    for size in (20_000, 2_000, 200, 20):
        body = {"filler": "x" * size}
        while True:
            try:
                with night.outside.ledger.write() as tx:
                    tx.record("", Record(action="filler", body=body), night.clock.now())
            except LedgerError as error:
                assert "full" in str(error)  # noqa: PT017 - any other failure must fail the test
                break


def test_an_alert_that_cannot_be_stored_is_refused_whole_and_taken_once_there_is_room(night: Night) -> None:
    with full(night):
        fill_up(night)
        with pytest.raises(LedgerError, match="full"):
            night.alert()
        assert night.incidents() == []
    assert night.alert() == night.incidents()[0].id


def test_a_full_store_calls_the_first_tier_and_the_escalation_comes_when_there_is_room(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        await night.turn()
        with full(night):
            fill_up(night)
            working = asyncio.create_task(night.worker.run())
            await night.clock.advance(minutes=15)
            for _ in range(120):
                await asyncio.sleep(0.01)  # the store works in threads of its own
                await night.clock.advance(seconds=1)
            called = [one for one in night.phone.rings if "NEEDS HELP" in one.subject]
            assert called
            assert all(one.target == "ana" and "full" in one.body for one in called)
            assert night.view(incident).incident.rung == 0
        for _ in range(200):
            await asyncio.sleep(0.01)
            await night.clock.advance(seconds=1)
        assert night.phone.rang("bo") == 1
        assert night.view(incident).incident.rung == 1
        working.cancel()
        await asyncio.wait([working])

    asyncio.run(story())


def test_an_alarm_that_cannot_be_delivered_does_not_stop_the_worker(night: Night) -> None:
    async def story() -> None:
        night.alert()
        await night.turn()
        with full(night):
            fill_up(night)
            night.phone.failure = SourceUnavailable("phone", "no line")
            working = asyncio.create_task(night.worker.run())
            await night.clock.advance(minutes=15)
            for _ in range(30):
                await asyncio.sleep(0.01)
                await night.clock.advance(seconds=1)
            assert not working.done()
        night.phone.failure = None
        for _ in range(200):
            await asyncio.sleep(0.01)
            await night.clock.advance(seconds=1)
        assert night.phone.rang("bo") == 1
        working.cancel()
        await asyncio.wait([working])

    asyncio.run(story())
