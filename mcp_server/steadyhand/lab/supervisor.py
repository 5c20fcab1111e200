"""The process that owns a lab: python -m steadyhand.lab.supervisor SETTINGS_FILE [--detached].

It starts everything, serves the platform's door, and stops everything when it is told to, or when the
process that started it closes their common pipe (unless detached).
"""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from steadyhand.lab import process
from steadyhand.lab.changes import ChangeLog
from steadyhand.lab.control import application
from steadyhand.lab.failure import LabError
from steadyhand.lab.fleet import Fleet
from steadyhand.lab.knobs import Manner, Pace, manner_file, pace_file, turn
from steadyhand.lab.layout import forget_data
from steadyhand.lab.process import Child, Program, python
from steadyhand.lab.production import Production
from steadyhand.lab.releases import BASELINE
from steadyhand.lab.servers import envoy, postgres, prometheus, redis
from steadyhand.lab.servers.ready import listens
from steadyhand.lab.settings import Description, LabSettings
from steadyhand.lab.sockets import listen

_READY_S = 30.0
_POSTGRES_STOP_S = 5.0


class _Door(uvicorn.Server):
    """The platform's server; the supervisor handles the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Supervisor:
    """Starts, serves and stops one lab."""

    def __init__(self, settings: LabSettings) -> None:
        self._settings = settings
        self._layout = settings.layout
        self._passwords = {role: secrets.token_urlsafe(18) for role in (*postgres.ROLES, postgres.SUPERUSER)}
        self._token = secrets.token_urlsafe(24)
        self._changes = ChangeLog(self._layout.changes, settings.changes_url, settings.changes_token)
        self._fleet = Fleet(self._layout, self._dsn("shop"))
        self._production = Production(
            self._layout, self._fleet, self._changes, self._passwords[postgres.SUPERUSER]
        )
        self._children: dict[str, Child] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._door: _Door | None = None
        self._began = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Start everything, then serve until `stop`. Raises LabError when something does not start."""
        try:
            starting = asyncio.create_task(self._start())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
                return
            await starting
            await stopping
        finally:
            await self._stop()

    async def _start(self) -> None:
        turn(pace_file(self._layout), Pace(rps=self._settings.rps))
        turn(manner_file(self._layout), Manner())
        self._layout.changes.touch()
        kind = prometheus.choose(self._settings.metrics)
        home = postgres.prepare(self._layout)
        orders, *_ = await asyncio.gather(
            self._start_postgres(home), self._start_redis(), self._start_envoy(), self._start_payments()
        )
        await asyncio.gather(self._fleet.start(BASELINE), self._start_exporter(), self._start_metrics(kind))
        self._step("three replicas take traffic")
        await self._start_load()
        await self._serve()
        self._describe(kind, home, orders)

    async def _start_postgres(self, home: postgres.Home) -> int:
        password = self._passwords[postgres.SUPERUSER]
        await postgres.initialise(home, self._layout, password)
        self._children["postgres"] = await postgres.start(home, self._layout, password)
        orders = await postgres.fill(self._layout, password, self._passwords)
        self._step(f"PostgreSQL holds {orders:,} orders")
        return orders

    async def _start_redis(self) -> None:
        self._children["redis"] = await redis.start(self._layout)
        self._step("Redis answers")

    async def _start_envoy(self) -> None:
        self._children["envoy"] = await envoy.start(self._layout)
        self._step("Envoy answers")

    async def _start_payments(self) -> None:
        port = self._layout.port("payments")
        argv = python("steadyhand.lab.payments", str(port), str(manner_file(self._layout)))
        await self._start_python("payments", argv, port)

    async def _start_exporter(self) -> None:
        port, secret = self._layout.port("exporter"), self._secret("exporter.dsn", self._dsn("steadyhand_ro"))
        redis_port = str(self._layout.port("redis"))
        argv = python("steadyhand.lab.exporter", str(port), str(secret), redis_port)
        await self._start_python("exporter", argv, port)

    async def _start_load(self) -> None:
        target, port = self._layout.port("shop"), self._layout.port("load")
        argv = python("steadyhand.lab.load", str(target), str(port), str(pace_file(self._layout)))
        await self._start_python("load", argv, port)
        self._step(f"users send {self._settings.rps:g} requests per second")

    async def _start_python(self, name: str, argv: tuple[str, ...], port: int) -> None:
        self._children[name] = child = await process.start(Program(name, argv), self._layout)
        await child.until(lambda: listens(port), _READY_S)

    async def _start_metrics(self, kind: prometheus.Chosen) -> None:
        token = self._settings.alerts_token
        token_file = self._secret("alerts.token", token) if token else None
        started = await prometheus.start(self._layout, kind, self._settings.alerts_url, token_file)
        self._children |= {child.program.name: child for child in started}
        self._step("Prometheus scrapes" if kind == "real" else "mini-prom scrapes")

    async def _serve(self) -> None:
        port = self._layout.port("platform")
        door = application(self._layout, self._production, self._token)
        config = uvicorn.Config(door, log_level="error", access_log=False, lifespan="off")
        self._door = _Door(config)
        self._tasks = [
            asyncio.create_task(self._door.serve(sockets=[listen(port)])),
            asyncio.create_task(self._changes.deliver()),
        ]

    async def _stop(self) -> None:
        """Users first, then who watches, then the shop, then what it stands on."""
        if self._door is not None:
            self._door.should_exit = True
        for name in ("load", "mini-prom", "prometheus", "alertmanager", "exporter"):
            await self._end(name)
        await asyncio.gather(*(child.stop() for child in self._fleet.children()))
        await asyncio.gather(*(self._end(name) for name in ("payments", "envoy", "redis")))
        await self._end("postgres", _POSTGRES_STOP_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._layout.description.unlink(missing_ok=True)
        forget_data(self._layout)

    async def _end(self, name: str, grace_s: float = 3.0) -> None:
        child = self._children.pop(name, None)
        if child is not None:
            await child.stop(grace_s)

    def _dsn(self, role: str) -> str:
        return postgres.dsn(self._layout, role, self._passwords[role])

    def _secret(self, name: str, text: str) -> Path:
        path = self._layout.run / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def _step(self, text: str) -> None:
        with (self._layout.run / "progress").open("a") as file:
            file.write(f"{time.monotonic() - self._began:.1f} s: {text}\n")

    def _describe(self, kind: str, home: postgres.Home, orders: int) -> None:
        layout = self._layout
        Description(
            directory=layout.directory,
            base_port=layout.base_port,
            pid=os.getpid(),
            shop_url=layout.url("shop"),
            platform_url=layout.url("platform"),
            platform_token=self._token,
            envoy_admin_url=layout.url("envoy-admin"),
            metrics_url=layout.url("metrics"),
            metrics_kind=kind,
            alertmanager_url=layout.url("alertmanager") if kind == "real" else None,
            payments_url=layout.url("payments"),
            read_only_dsn=self._dsn("steadyhand_ro"),
            admin_dsn=self._dsn("steadyhand_fix"),
            shop_logs=str(layout.logs / "shop-*.jsonl"),
            postgres_log=str(home.logs / "postgres.json"),
            orders=orders,
            start_s=round(time.monotonic() - self._began, 2),
        ).write(layout)


async def _main(settings: LabSettings, *, detached: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.set)
    owner = None if detached else asyncio.create_task(_outlived(stop))
    await Supervisor(settings).run(stop)
    if owner is not None:
        owner.cancel()


async def _outlived(stop: asyncio.Event) -> None:
    """Our standard input is a pipe nobody writes to; it ends when its owner does, however that ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    stop.set()


if __name__ == "__main__":
    given = LabSettings.model_validate_json(Path(sys.argv[1]).read_text())
    try:
        asyncio.run(_main(given, detached="--detached" in sys.argv))
    except LabError as failure:
        (given.layout.run / "failure").write_text(str(failure))
        sys.exit(1)
