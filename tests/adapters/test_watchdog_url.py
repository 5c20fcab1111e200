"""The watchdog outside hears from us while all is well, and its trouble is never ours."""

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from servers import HANG, Reply, http_server
from stories.night import Night

from steadyhand.adapters.watchdog.url import UrlWatchdog, WatchdogRule
from steadyhand.ports import SourceError, SourceRefused
from steadyhand.responder.engine.worker import Worker

RULE = WatchdogRule(url_env="X", every=timedelta(seconds=30))


def test_it_is_fetched_and_a_refusal_is_named_without_its_address() -> None:
    async def story() -> None:
        async with http_server(lambda _: Reply(404)) as server, httpx2.AsyncClient(trust_env=False) as http:
            watchdog = UrlWatchdog(RULE, http, SecretStr(f"{server.url}/ping/s3cret"))
            with pytest.raises(SourceRefused, match="watchdog: answered 404") as refused:
                await watchdog.ping()
            assert "s3cret" not in str(refused.value)
            assert [one.path for one in server.requests] == ["/ping/s3cret"]

    asyncio.run(story())


class Counting:
    """A watchdog that counts, and may be out of order."""

    every = timedelta(seconds=30)

    def __init__(self) -> None:
        self.pings = 0
        self.failure: SourceError | None = None

    async def ping(self) -> None:
        self.pings += 1
        if self.failure:
            raise self.failure


def watched(tmp_path: Path) -> tuple[Night, Counting]:
    night, watchdog = Night(tmp_path), Counting()
    object.__setattr__(night.outside, "watchdog", watchdog)
    night.worker = Worker(night.outside)
    return night, watchdog


async def _minutes(night: Night, count: int) -> None:
    working = asyncio.create_task(night.worker.run())
    for _ in range(count * 60):
        await night.clock.advance(seconds=1)
        await asyncio.sleep(0.002)  # the store works in threads of its own
    working.cancel()
    await asyncio.wait([working])


def test_it_hears_from_a_worker_whose_turns_go_well_and_no_more_often_than_it_wants(tmp_path: Path) -> None:
    night, watchdog = watched(tmp_path)
    asyncio.run(_minutes(night, 2))
    assert 2 <= watchdog.pings <= 5


def test_a_watchdog_out_of_order_stops_no_page(tmp_path: Path) -> None:
    night, watchdog = watched(tmp_path)
    watchdog.failure = SourceRefused("watchdog", "gone")

    async def story() -> None:
        night.alert()
        await _minutes(night, 1)
        assert night.phone.rang("ana") >= 1

    asyncio.run(story())


def test_it_does_not_hear_from_a_worker_that_cannot_use_its_store(tmp_path: Path) -> None:
    night, watchdog = watched(tmp_path)
    night.outside.ledger.close()
    night.path.unlink()
    night.path.mkdir()
    asyncio.run(_minutes(night, 1))
    assert watchdog.pings == 0


def test_one_that_hangs_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steadyhand.adapters.watchdog.url._DEADLINE", timedelta(seconds=0.2))

    async def story() -> None:
        async with http_server(lambda _: HANG) as server, httpx2.AsyncClient(trust_env=False) as http:
            with pytest.raises(SourceError, match="no answer within"):
                await UrlWatchdog(RULE, http, SecretStr(server.url)).ping()

    asyncio.run(story())
