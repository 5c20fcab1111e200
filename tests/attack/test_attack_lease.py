"""Somebody writes into the lease of a service's traffic: it comes home all the same."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest

from steadyhand.adapters.rollouts import watchdog
from steadyhand.adapters.rollouts.lease import Lease, Way

pytestmark = pytest.mark.timed

KEY = "canary.share"


class Balancer(ThreadingHTTPServer):
    """What the watchdog needs of Envoy's administration: one share that can be set and read."""

    share = "5"


class _Admin(BaseHTTPRequestHandler):
    server: Balancer

    def do_POST(self) -> None:
        self.server.share = self.path.rpartition("=")[2]
        self._answer("OK")

    def do_GET(self) -> None:
        self._answer(json.dumps({"entries": {KEY: {"final_value": self.server.share}}}))

    def log_message(self, *_given: object) -> None:
        """Quiet."""

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


@pytest.fixture
def balancer() -> Iterator[Balancer]:
    with Balancer(("127.0.0.1", 0), _Admin) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.anyio
@pytest.mark.parametrize("edit", ["", "{", "[]", "{}", '{"sequence": 99}', '{"active": "x", "sequence": []}'])
async def test_a_lease_somebody_spoiled_runs_out_like_any_other(
    balancer: Balancer, tmp_path: Path, edit: str
) -> None:
    held = {"owner": "steadyhand", "share": 0.05, "previous": 0.0, "sequence": 1, "lease_s": 0.6}
    admin = f"http://127.0.0.1:{balancer.server_port}"
    lease = tmp_path / "shop.lease.json"
    lease.write_text(json.dumps(held | {"active": True, "admin": admin, "key": KEY}))
    script = [sys.executable, "-I", "-S", str(watchdog.__file__), str(tmp_path), "shop"]
    assert (await asyncio.to_thread(subprocess.run, script, timeout=10, check=False)).returncode == 0
    lease.write_text(edit)
    for _ in range(40):
        await asyncio.sleep(0.1)
        if balancer.share == "0" and (tmp_path / "shop.watchdog.log").exists():
            break
    assert balancer.share == "0"
    await asyncio.sleep(0.3)
    after = Lease(tmp_path, "shop", "steadyhand", Way(admin=admin, key=KEY)).read()
    assert after is not None
    assert not after.active, "and the file is whole again"


def test_a_target_that_stays_dead_is_asked_at_once_and_then_less_and_less_often() -> None:
    patience = watchdog.Patience()
    tried = [tick / 10 for tick in range(36_000) if patience.tries(1000 + tick / 10)]
    assert tried[0] == 0
    assert len([at for at in tried if at < 5]) >= 5
    assert len(tried) < 400  # in an hour, each of them a process
    assert max(later - sooner for sooner, later in pairwise(tried)) <= 10.1
