"""The real lab: started once, broken twice, ended twice without mercy."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import psutil
import psycopg
import pytest

from steadyhand.lab import command, process
from steadyhand.lab.failure import LabError
from steadyhand.lab.servers.envoy import runtime_value
from steadyhand.lab.stack import Lab, LabSettings

pytestmark = pytest.mark.lab
BASE_PORT = 21400
P95 = "histogram_quantile(0.95, sum by (le) (rate(client_request_duration_seconds_bucket{route='%s'}[5s])))"
FAILING = "sum(rate(client_requests_total{code=~'5..|timeout|error'}[5s]))"
OWNER = """
import sys, time
from pathlib import Path
from steadyhand.lab.stack import Lab, LabSettings
Lab(LabSettings(directory=Path(sys.argv[1]), base_port=int(sys.argv[2]), metrics="mini")).start()
print("up", flush=True)
time.sleep(300)
"""


class Receiver:
    """Whoever hears of alerts and changes."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                heard.append((self.path, self.headers["authorization"], body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for where, _, body in self.heard if where == path]

    def fired(self) -> set[str]:
        alerts = [alert for body in self.bodies("/alerts") for alert in body["alerts"]]
        return {one["labels"]["alertname"] for one in alerts if one["status"] == "firing"}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Lab]:
    directory = tmp_path_factory.mktemp("lab")
    one = Lab(
        LabSettings(
            directory=directory,
            base_port=BASE_PORT,
            alerts_url=f"{receiver.url}/alerts",
            alerts_token="alert-word",
            changes_url=f"{receiver.url}/changes",
            changes_token="change-word",
        )
    )
    one.start()
    yield one
    one.stop()


@pytest.fixture
def well(lab: Lab) -> Lab:
    """The lab with nothing broken and its users content."""
    command.fix(lab.layout.directory)
    _until(lambda: (_metric(lab, FAILING) or 0) == 0 and (_metric(lab, P95 % "/orders") or 1) < 0.2, 40)
    return lab


def _until(holds: Callable[[], bool], limit_s: float) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < limit_s, f"not within {limit_s} s"
        time.sleep(0.3)
    return time.monotonic() - began


def _metric(lab: Lab, expression: str) -> float | None:
    url = f"{lab.description.metrics_url}/api/v1/query"
    found = httpx2.get(url, params={"query": expression}).json()["data"]["result"]
    return float(found[0]["value"][1]) if found else None


def _platform(lab: Lab, method: str, path: str, body: object = None) -> httpx2.Response:
    headers = {"authorization": f"Bearer {lab.description.platform_token}"}
    return httpx2.request(method, lab.description.platform_url + path, json=body, headers=headers, timeout=60)


def _order(arm: str, version: str, replicas: int) -> dict[str, object]:
    return {"service": "shop", "arm": arm, "version": version, "replicas": replicas, "author": "test"}


def _completed(lab: Lab) -> dict[str, int]:
    url = f"{lab.description.envoy_admin_url}/stats?filter=cluster.*upstream_rq_completed$"
    lines = httpx2.get(url).text.split()
    return {name.split(".")[1]: int(count) for name, count in zip(lines[::2], lines[1::2], strict=True)}


def _truth(lab: Lab) -> dict[str, Any]:
    assert lab.layout.truth.stat().st_mode & 0o777 == 0o600
    return dict(json.loads(lab.layout.truth.read_text())[0])


def _processes(lab: Lab) -> list[psutil.Process]:
    supervisor = psutil.Process(lab.description.pid)
    return [supervisor, *supervisor.children(recursive=True)]


def _alive(processes: list[psutil.Process]) -> list[str]:
    return [name for one in processes if (name := _name(one))]


def _name(one: psutil.Process) -> str:
    """The name of a process that lives; empty for one that ended, also while we looked."""
    try:
        return one.name() if one.is_running() and one.status() != psutil.STATUS_ZOMBIE else ""
    except psutil.NoSuchProcess:
        return ""


def test_users_are_served_quickly(well: Lab) -> None:
    assert httpx2.get(f"{well.description.shop_url}/product/7").status_code == 200
    _until(lambda: (_metric(well, "sum(rate(client_requests_total{code='200'}[5s]))") or 0) > 30, 20)
    for route in ("/product", "/orders", "/checkout"):
        assert (_metric(well, P95 % route) or 9) < 0.4
    assert _metric(well, "sum(up{job='shop',arm='stable'})") == 3


def test_the_door_needs_the_token_and_refuses_what_it_does_not_know(lab: Lab) -> None:
    assert httpx2.get(f"{lab.description.platform_url}/state").status_code == 401
    refused = _platform(lab, "POST", "/releases", _order("stable", "9.9.9", 3))
    assert (refused.status_code, "9.9.9" in refused.json()["error"]) == (409, True)
    assert _platform(lab, "POST", "/releases", _order("stable", "2.13.0", 4)).status_code == 422
    assert lab.layout.description.stat().st_mode & 0o777 == 0o600


def test_the_same_order_twice_restarts_nothing(well: Lab) -> None:
    first = _platform(well, "POST", "/releases", _order("stable", "2.13.0", 3)).json()
    assert _platform(well, "POST", "/releases", _order("stable", "2.13.0", 3)).json() == first


def test_an_innocent_release_rolls_out_without_an_error_and_is_told(well: Lab, receiver: Receiver) -> None:
    before = _metric(well, "sum(client_requests_total{code!='200'})") or 0
    state = _platform(well, "POST", "/releases", _order("stable", "2.13.1", 3)).json()
    assert state["arms"]["stable"]["version"] == "2.13.1"
    assert [one["healthy"] for one in state["arms"]["stable"]["replicas"]] == [True] * 3
    time.sleep(2)
    assert (_metric(well, "sum(client_requests_total{code!='200'})") or 0) == before
    started, finished = [one for one in receiver.bodies("/changes") if one["version"] == "2.13.1"]
    assert (started["id"], started["finished_at"]) == (finished["id"], None)
    assert finished["finished_at"] > finished["started_at"]


def test_five_percent_of_the_traffic_is_five_percent(well: Lab) -> None:
    _platform(well, "POST", "/load", {"rps": 250})
    _platform(well, "POST", "/releases", _order("canary", "2.13.1", 1))
    admin = f"{well.description.envoy_admin_url}/runtime_modify"
    httpx2.post(admin, params={"canary.share": runtime_value(0.05)})
    before = _completed(well)
    time.sleep(10)
    after = _completed(well)
    canary, stable = (after[arm] - before[arm] for arm in ("canary", "stable"))
    assert canary / (canary + stable) == pytest.approx(0.05, abs=0.01)
    assert _platform(well, "POST", "/releases", _order("canary", "2.13.1", 0)).status_code == 409
    httpx2.post(admin, params={"canary.share": "0"})
    _platform(well, "POST", "/load", {"rps": 50})
    assert _platform(well, "POST", "/releases", _order("canary", "2.13.1", 0)).json()["arms"]["canary"] == {
        "version": None,
        "replicas": [],
    }


def test_the_leaky_release_exhausts_the_pools(well: Lab, receiver: Receiver) -> None:
    began = time.time()
    command.break_("leaky-release", well.layout.directory)
    truth = _truth(well)
    assert (truth["component"], truth["release"]) == ("shop", "2.14.0")
    assert began < truth["onset"] < time.time()
    _until(lambda: (_metric(well, "sum(rate(client_requests_total{code='503'}[5s]))") or 0) > 2, 60)
    # One exhausted pool is enough for the first errors; the other two follow.
    statement = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
    with psycopg.connect(well.description.read_only_dsn, autocommit=True) as connection:
        _until(lambda: (connection.execute(statement).fetchone() or (0,))[0] >= 10, 30)
    _until(lambda: "DatabasePoolSaturated" in receiver.fired(), 20)
    assert {word for path, word, _ in receiver.heard if path == "/alerts"} == {"Bearer alert-word"}
    assert {word for path, word, _ in receiver.heard if path == "/changes"} == {"Bearer change-word"}


def test_the_missing_index_slows_orders_and_an_index_cures_them(well: Lab, receiver: Receiver) -> None:
    command.break_("missing-index", well.layout.directory)
    assert (_truth(well)["table"], _truth(well)["column"]) == ("orders", "customer_email")
    _until(lambda: (_metric(well, P95 % "/orders") or 0) > 0.4, 30)
    _until(lambda: "HighLatency" in receiver.fired(), 30)
    with psycopg.connect(well.description.admin_dsn, autocommit=True) as connection:
        connection.execute("CREATE INDEX CONCURRENTLY orders_by_email ON orders (customer_email)")
    _until(lambda: (_metric(well, P95 % "/orders") or 9) < 0.2, 30)
    command.fix(well.layout.directory)
    with psycopg.connect(well.description.read_only_dsn) as connection:
        statement = "SELECT count(*) FROM pg_indexes WHERE indexname = 'orders_by_email'"
        assert connection.execute(statement).fetchone() == (0,)
    assert "broken           nothing" in command.status(well.layout.directory)


def test_a_second_lab_is_refused_and_names_why(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"runs in .* already"):
        Lab(lab.settings).start()
    with pytest.raises(LabError, match=rf"port {BASE_PORT}, wanted for platform"):
        Lab(LabSettings(directory=tmp_path, base_port=BASE_PORT)).start()


def test_nothing_survives_a_supervisor_killed_without_warning(lab: Lab) -> None:
    processes = _processes(lab)
    assert len(processes) > 12
    processes[0].kill()
    _until(lambda: not _alive(processes), 6)


def test_after_that_it_starts_again_and_ends_with_its_owner(lab: Lab) -> None:
    directory = lab.layout.directory
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(directory), str(BASE_PORT)], stdout=subprocess.PIPE
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        processes = _processes(lab)
        owner.kill()
    _until(lambda: not _alive(processes), 15)
    assert not lab.layout.description.exists()
    assert [one for one in lab.layout.pids.iterdir() if process.running(one)] == []
    assert not command.down(directory)
