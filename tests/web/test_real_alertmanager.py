"""A real Alertmanager posts to us, tries again while we are down, and delivers once we are back."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from plugin.running import eventually
from servers import free_port
from web.alertmanager_world import NEEDED, alertmanager, failed_posts, fire
from web.house import INGEST, House

pytestmark = NEEDED


@contextmanager
def door(house: House, port: int) -> Iterator[None]:
    """Our doors on this port, for as long as the block lasts."""
    server = uvicorn.Server(uvicorn.Config(house.open(), log_level="error", timeout_graceful_shutdown=1))
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        assert eventually(lambda: server.started)
        yield
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def test_what_it_could_not_deliver_while_we_were_down_is_there_once_we_are_back(tmp_path: Path) -> None:
    house, ours = House(tmp_path, datetime.now(UTC)), free_port()
    began = datetime.now(UTC) - timedelta(seconds=30)

    def alerts() -> dict[str, str]:
        return {one.name: one.status for incident in house.incidents() for one in incident.alerts}

    with alertmanager(tmp_path, ours, INGEST) as url:
        with door(house, ours):
            fire(url, "SlowAnswers", began)
            assert eventually(lambda: alerts() == {"SlowAnswers": "firing"})
        fire(url, "FailedAnswers", began)
        assert eventually(lambda: failed_posts(url) > 0), "it never tried while we were down"
        with door(house, ours):
            assert eventually(lambda: alerts() == {"SlowAnswers": "firing", "FailedAnswers": "firing"})
            for name in ("SlowAnswers", "FailedAnswers"):
                fire(url, name, began, over=True)
            assert eventually(lambda: set(alerts().values()) == {"resolved"})
    (incident,) = house.incidents()
    assert incident.recovered_at is not None
    assert incident.alerts[0].starts_at == began.replace(microsecond=began.microsecond)
