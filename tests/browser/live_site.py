"""The console on a real port, over a night whose seconds are real."""

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from web.house import House

Result = TypeVar("Result")


class Site:
    """A house served on loopback from a thread of its own."""

    def __init__(
        self, house: House, server: uvicorn.Server, loop: asyncio.AbstractEventLoop, port: int
    ) -> None:
        self.house = house
        self.address = f"http://127.0.0.1:{port}"
        self._server = server
        self._loop = loop

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Let something happen in the service's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    def pass_time(self, seconds: int) -> None:
        """The night goes on by this much, at once."""
        self.do(self.house.pass_time(seconds))


@contextmanager
def serve(folder: Path, port: int) -> Iterator[Site]:
    """Serve a fresh house until the block ends."""
    house = House(folder, datetime.now(UTC).replace(microsecond=0))
    house.hire("ana")
    house.hire("sam", role="watcher")
    config = uvicorn.Config(house.app, port=port, log_level="warning", lifespan="off")
    server, loop = uvicorn.Server(config), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(server.serve(),))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), f"port {port} is taken"
            time.sleep(0.01)
        yield Site(house, server, loop, port)
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        loop.close()
        house.outside.ledger.close()
