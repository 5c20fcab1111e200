"""A real Alertmanager on loopback that posts to a port of ours, and a wire to us that can be cut."""

import shutil
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import httpx2
import pytest
import yaml
from plugin.running import eventually
from servers import free_port, running

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
FAILED = "alertmanager_notification_requests_failed_total"
NEEDED = [
    pytest.mark.prometheus,
    pytest.mark.skipif(PROGRAM is None, reason="apt-get install prometheus-alertmanager"),
]


@contextmanager
def alertmanager(folder: Path, ours: int, token: str, repeat: str = "1h") -> Iterator[str]:
    """A real one that posts to our port, and repeats what still fires after `repeat`; yields its address."""
    hook = {
        "url": f"http://127.0.0.1:{ours}/alerts/alertmanager",
        "http_config": {"authorization": {"credentials": token}},
    }
    config = {
        "route": {
            "receiver": "us",
            "group_by": ["alertname"],
            "group_wait": "1ms",
            "group_interval": "1s",
            "repeat_interval": repeat,
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


Cut = Literal["in the middle of the post", "before the answer"]


@contextmanager
def wire(to: int, cut: Cut, then: Callable[[], None]) -> Iterator[int]:
    """A port that leads to another one. The first post is cut there, and `then` happens at that moment."""
    first = threading.Lock()

    class Post(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if not first.acquire(blocking=False):
                self._answer(self._forward(_request(self.request)))
                return
            request = _request(self.request)
            self._forward(request[: len(request) // 2] if cut == "in the middle of the post" else request)
            then()

        def _forward(self, request: bytes) -> bytes:
            """What is answered; half a request has none."""
            try:
                with socket.create_connection(("127.0.0.1", to), timeout=10) as ours:
                    ours.sendall(request)
                    return ours.recv(65_536) if _whole(request) else b""
            except OSError:
                return b""

        def _answer(self, answer: bytes) -> None:
            self.request.sendall(answer)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Post) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _request(peer: socket.socket) -> bytes:
    seen = b""
    while not _whole(seen) and (more := peer.recv(65_536)):
        seen += more
    return seen


def _whole(request: bytes) -> bool:
    head, found, body = request.partition(b"\r\n\r\n")
    lengths = [one for one in head.lower().split(b"\r\n") if one.startswith(b"content-length:")]
    return bool(found) and len(body) >= sum(int(one.partition(b":")[2]) for one in lengths)
