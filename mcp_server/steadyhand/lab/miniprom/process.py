"""Everything at work in one process: scraping, rules, notifications and the API."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2
import uvicorn

from steadyhand.lab.miniprom import VERSION
from steadyhand.lab.miniprom.api import Api, application
from steadyhand.lab.miniprom.notify import Notifier, Receiver
from steadyhand.lab.miniprom.rules import Rule
from steadyhand.lab.miniprom.samples import RETENTION_MS, Store
from steadyhand.lab.miniprom.scrape import Target, scrape, targets_of
from steadyhand.lab.miniprom.settings import PrometheusFile
from steadyhand.lab.miniprom.watch import Watch, unix_ms

log = logging.getLogger("mini-prom")

TELL_EVERY = timedelta(seconds=0.2)
FORGET_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Setup:
    """What to run: checked files, where to listen, whom to tell."""

    file: PrometheusFile
    rules: Sequence[Rule]
    host: str
    port: int
    receiver: Receiver

    @property
    def url(self) -> str:
        """Return where the API is served."""
        return f"http://{self.host}:{self.port}"


class Process:
    """The parts of mini-prom, joined."""

    def __init__(self, setup: Setup, http: httpx2.AsyncClient) -> None:
        self._setup = setup
        self._http = http
        self._store = Store()
        self._watch = Watch(setup.rules, self._store)
        self._notifier = Notifier(setup.receiver, http, setup.url)

    async def run(self) -> None:
        """Run until a signal stops the server; a failure of any part ends all of them."""
        log.info("%s listens on %s with %d rules", VERSION, self._setup.url, len(self._setup.rules))
        async with asyncio.TaskGroup() as group:
            chores = [group.create_task(chore) for chore in self._chores()]
            await self._server().serve()
            for chore in chores:
                chore.cancel()

    def _server(self) -> uvicorn.Server:
        api = Api(self._store, self._watch, lambda: unix_ms(_now()))
        return uvicorn.Server(
            uvicorn.Config(
                application(api),
                host=self._setup.host,
                port=self._setup.port,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=2,
            )
        )

    def _chores(self) -> list[Coroutine[None, None, None]]:
        times = self._setup.file.global_
        targets = targets_of(self._setup.file.scrape_configs)
        return [
            *(self._scraping(target, times.scrape_interval) for target in targets),
            _every(times.evaluation_interval, self._evaluate, first=times.scrape_interval / 2),
            _every(TELL_EVERY, self._tell),
            _every(FORGET_EVERY, self._forget),
        ]

    async def _scraping(self, target: Target, interval: timedelta) -> None:
        async def once() -> None:
            await scrape(target, self._http, self._store, unix_ms(_now()), interval)

        await _every(interval, once)

    async def _evaluate(self) -> None:
        now = _now()
        self._notifier.receive(self._watch.turn(now), now)

    async def _tell(self) -> None:
        await self._notifier.tell(_now())

    async def _forget(self) -> None:
        self._store.forget(unix_ms(_now()) - RETENTION_MS)


async def _every(
    interval: timedelta, work: Callable[[], Awaitable[None]], first: timedelta | None = None
) -> None:
    """Do the work at once (or after `first`) and then at every interval; late work is done at once."""
    loop = asyncio.get_running_loop()
    due = loop.time() + (first or timedelta(0)).total_seconds()
    while True:
        await asyncio.sleep(due - loop.time())
        await work()
        due = max(due + interval.total_seconds(), loop.time())


def _now() -> datetime:
    return datetime.now(UTC)
