"""A real Alertmanager posts to us, tries again while we are down, and delivers once we are back."""

import asyncio
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
import uvicorn
import yaml
from plugin.running import eventually
from servers import free_port, running
from web.house import INGEST, House

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
FAILED = "alertmanager_notification_requests_failed_total"
pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(PROGRAM is None, reason="apt-get install prometheus-alertmanager"),
]


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


@contextmanager
def alertmanager(folder: Path, ours: int) -> Iterator[str]:
    """A real one that posts to our port; yields its address."""
    hook = {
        "url": f"http://127.0.0.1:{ours}/alerts/alertmanager",
        "http_config": {"authorization": {"credentials": INGEST}},
    }
    config = {
        "route": {
            "receiver": "us",
            "group_by": ["alertname"],
            "group_wait": "1ms",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "us", "webhook_configs": [hook]}],
    }
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    port = free_port()
    options = {
        "config.file": folder / "alertmanager.yml",
        "storage.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
        "cluster.listen-address": "",
        "log.level": "error",
    }
    with running([str(PROGRAM), *(f"--{name}={value}" for name, value in options.items())]):
        url = f"http://127.0.0.1:{port}"
        assert eventually(lambda: _up(url))
        yield url


def _up(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/-/ready", trust_env=False).is_success
    except httpx2.TransportError:
        return False


def fire(url: str, name: str, began: datetime, *, over: bool = False) -> None:
    alert = {
        "labels": {"alertname": name, "service": "shop", "severity": "critical"},
        "annotations": {"summary": f"{name} of the shop"},
        "startsAt": began.isoformat(),
    }
    if over:
        alert["endsAt"] = datetime.now(UTC).isoformat()
    httpx2.post(f"{url}/api/v2/alerts", json=[alert], trust_env=False).raise_for_status()


def failed_posts(url: str) -> float:
    text = httpx2.get(f"{url}/metrics", trust_env=False).text
    lines = [one for one in text.splitlines() if one.startswith(FAILED)]
    return sum(float(one.rsplit(" ", 1)[1]) for one in lines if 'integration="webhook"' in one)


def test_what_it_could_not_deliver_while_we_were_down_is_there_once_we_are_back(tmp_path: Path) -> None:
    house, ours = House(tmp_path, datetime.now(UTC)), free_port()
    began = datetime.now(UTC) - timedelta(seconds=30)

    def alerts() -> dict[str, str]:
        return {one.name: one.status for incident in house.incidents() for one in incident.alerts}

    with alertmanager(tmp_path, ours) as url:
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
