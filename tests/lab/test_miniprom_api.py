"""The HTTP API over a store fed by hand, and the command as a user starts it."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from miniprom_shop import Exporter, served

from steadyhand.lab.miniprom.__main__ import main
from steadyhand.lab.miniprom.api import Api, application
from steadyhand.lab.miniprom.formats import general, plain, scientific
from steadyhand.lab.miniprom.labels import NAME, labels_from
from steadyhand.lab.miniprom.samples import Store
from steadyhand.lab.miniprom.watch import Watch

Given = dict[str, str] | list[tuple[str, str | int | float | bool | None]]


def call(
    method: str, path: str, params: Given | None = None, form: dict[str, str] | None = None
) -> httpx2.Response:
    store = Store()
    for second in range(20):
        store.append(labels_from({NAME: "a", "job": "shop"}), second * 1000, 1e6 * second)
        store.append(labels_from({NAME: "b", "kind": "x"}), second * 1000, 0.5)
        store.append(labels_from({NAME: "c", "kind": "x"}), second * 1000, float("inf"))

    async def once() -> httpx2.Response:
        app = application(Api(store, Watch([], store), lambda: 10_000))
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://mini") as http:
            return await http.request(method, path, params=params, data=form)

    return asyncio.run(once())


def data(path: str, params: Given) -> Any:
    answer = call("GET", path, params=params)
    assert answer.status_code == 200
    assert answer.json()["status"] == "success"
    return answer.json()["data"]


def test_an_instant_vector_has_text_values_and_second_times() -> None:
    assert data("/api/v1/query", {"query": "a", "time": "3.5"}) == {
        "resultType": "vector",
        "result": [{"metric": {NAME: "a", "job": "shop"}, "value": [3.5, "3000000"]}],
    }


def test_a_scalar_a_window_and_infinity_have_their_shapes() -> None:
    assert data("/api/v1/query", {"query": "1/4"}) == {"resultType": "scalar", "result": [10.0, "0.25"]}
    assert data("/api/v1/query", {"query": "b[1s]", "time": "2"}) == {
        "resultType": "matrix",
        "result": [{"metric": {NAME: "b", "kind": "x"}, "values": [[1.0, "0.5"], [2.0, "0.5"]]}],
    }
    assert data("/api/v1/query", {"query": "-c"})["result"][0]["value"] == [10.0, "-Inf"]


@pytest.mark.parametrize(
    ("value", "as_sample", "in_text", "as_alert"),
    [
        (0.0, "0", "0", "0e+00"),
        (-0.0, "-0", "-0", "-0e+00"),
        (1.5, "1.5", "1.5", "1.5e+00"),
        (999999.0, "999999", "999999", "9.99999e+05"),
        (1e6, "1000000", "1e+06", "1e+06"),
        (-1234567.25, "-1234567.25", "-1.23456725e+06", "-1.23456725e+06"),
        (1e21, "1000000000000000000000", "1e+21", "1e+21"),
        (0.0001, "0.0001", "0.0001", "1e-04"),
        (1.5e-7, "0.00000015", "1.5e-07", "1.5e-07"),
        (float("nan"), "NaN", "NaN", "NaN"),
        (float("-inf"), "-Inf", "-Inf", "-Inf"),
    ],
)
def test_numbers_are_written_as_prometheus_writes_them(
    value: float, as_sample: str, in_text: str, as_alert: str
) -> None:
    assert (plain(value), general(value), scientific(value)) == (as_sample, in_text, as_alert)


def test_a_range_query_answers_at_each_step_both_ends_included() -> None:
    given = {"query": "a > 2e6", "start": "1", "end": "1970-01-01T00:00:05Z", "step": "2s"}
    [series] = data("/api/v1/query_range", given)["result"]
    assert series["values"] == [[3.0, "3000000"], [5.0, "5000000"]]


def test_a_form_is_answered_like_a_query_string() -> None:
    given = {"query": "a", "time": "3"}
    by_form = call("POST", "/api/v1/query", form=given).json()
    assert by_form["data"] == data("/api/v1/query", given)


def test_series_labels_and_values_are_listed() -> None:
    assert data("/api/v1/series", {"match[]": "b"}) == [{NAME: "b", "kind": "x"}]
    assert data("/api/v1/labels", {}) == [NAME, "job", "kind"]
    assert data("/api/v1/labels", {"match[]": "a"}) == [NAME, "job"]
    assert data(f"/api/v1/label/{NAME}/values", {}) == ["a", "b", "c"]
    assert data(f"/api/v1/label/{NAME}/values", [("match[]", "a"), ("match[]", 'c{kind="x"}')]) == ["a", "c"]
    assert data("/api/v1/series", {"match[]": "b", "start": "100", "end": "200"}) == []


def test_it_says_that_it_is_mini_prom() -> None:
    assert data("/api/v1/status/buildinfo", {})["version"].startswith("mini-prom ")
    assert call("GET", "/-/ready").status_code == 200
    assert data("/api/v1/alerts", {}) == {"alerts": []}


RANGE = {"query": "a", "start": "0", "end": "10", "step": "1"}


@pytest.mark.parametrize(
    ("path", "given", "status", "kind", "reason"),
    [
        ("query", {}, 400, "bad_data", "query"),
        ("query", {"query": "a +"}, 400, "bad_data", "query"),
        ("query", {"query": "absent(a)"}, 400, "bad_data", "mini-prom does not cover"),
        ("query", {"query": "a", "time": "noon"}, 400, "bad_data", "time"),
        ("query", {"query": "a", "time": "nan"}, 400, "bad_data", "time"),
        ("query", {"query": "a", "time": "1970-01-01T00:00:05"}, 400, "bad_data", "time"),
        ("query", {"query": 'b + {__name__=~"b|c"}'}, 422, "execution", "many-to-many"),
        ("query_range", RANGE | {"query": "a[5s]"}, 400, "bad_data", "range vector"),
        ("query_range", RANGE | {"step": "0"}, 400, "bad_data", "step"),
        ("query_range", RANGE | {"step": "often"}, 400, "bad_data", "duration"),
        ("query_range", RANGE | {"end": "-1"}, 400, "bad_data", "end"),
        ("query_range", RANGE | {"end": "11001"}, 400, "bad_data", "11,000 points"),
        ("series", {}, 400, "bad_data", "match[]"),
        ("series", {"match[]": "rate(a[5s])"}, 400, "bad_data", "match[]"),
    ],
)
def test_a_wrong_question_gets_a_named_error(
    path: str, given: dict[str, str], status: int, kind: str, reason: str
) -> None:
    answer = call("GET", f"/api/v1/{path}", params=given)
    assert (answer.status_code, answer.json()["status"]) == (status, "error")
    assert answer.json()["errorType"] == kind
    assert reason in answer.json()["error"]


def test_the_longest_range_of_the_real_one_is_answered() -> None:
    given = RANGE | {"end": "11000"}
    assert call("GET", "/api/v1/query_range", params=given).status_code == 200


def test_a_refused_file_stops_the_start_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prometheus.yml").write_text("remote_write: []")
    (tmp_path / "rules.yml").write_text("groups: []")
    assert main(arguments(tmp_path, "127.0.0.1:1", "http://127.0.0.1:1")) == 2
    assert "remote_write: mini-prom does not implement this key" in capsys.readouterr().err


def arguments(folder: Path, listen: str, webhook: str) -> list[str]:
    return [
        f"--config={folder / 'prometheus.yml'}",
        f"--rules={folder / 'rules.yml'}",
        f"--listen={listen}",
        f"--webhook={webhook}",
    ]


def test_the_command_scrapes_answers_and_reports_a_dead_target(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    exporter = Exporter(1)
    with served(exporter) as shop:
        targets = [f"127.0.0.1:{shop.server_port}", listen.replace("127.0.0.1", "127.0.0.2")]
        write_files(tmp_path, targets)
        hook = f"http://127.0.0.1:{shop.server_port}/alerts"
        command = [sys.executable, "-m", "steadyhand.lab.miniprom", *arguments(tmp_path, listen, hook)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                wait_until(lambda: value_of(listen, "count(shop_requests_total)") == "6")
                wait_until(lambda: bool(exporter.posts))
                assert value_of(listen, 'count(ALERTS{alertstate="firing"})') == "1"
            finally:
                process.terminate()
                _, log = process.communicate(timeout=10)
    assert "mini-prom 1 (PromQL subset after Prometheus 2.42) listens on" in log
    assert "Traceback" not in log
    [alert] = json.loads(exporter.posts[0])["alerts"]
    assert (alert["labels"]["instance"], alert["status"]) == (targets[1], "firing")


def write_files(folder: Path, targets: list[str]) -> None:
    jobs = [{"job_name": "shop", "static_configs": [{"targets": targets}]}]
    every = {"scrape_interval": "0.2s", "evaluation_interval": "0.2s"}
    down = {"alert": "InstanceDown", "expr": "up == 0"}
    (folder / "prometheus.yml").write_text(yaml.safe_dump({"global": every, "scrape_configs": jobs}))
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": [down]}]}))


def value_of(listen: str, query: str) -> str | None:
    try:
        answer = httpx2.get(f"http://{listen}/api/v1/query", params={"query": query}, trust_env=False)
    except httpx2.TransportError:
        return None
    result = answer.json()["data"]["result"]
    return result[0]["value"][1] if result else None


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not reached():
        assert time.monotonic() < deadline, "mini-prom did not get there in time"
        time.sleep(0.05)
