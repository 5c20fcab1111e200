"""steadyhand connections check: every connection tried, what is wrong in one line, and the way out."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from servers import Reply, Request, http_server, reply_json

from steadyhand.cli import main

Serve = Callable[[Callable[[Request], Reply]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers in a loop of their own; the command has one of its own too."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with ExitStack() as stack:

        def start(answer: Callable[[Request], Reply]) -> str:
            context = http_server(answer)
            server = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(5)
            stack.callback(
                lambda: asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(5)
            )
            return server.url

        yield start
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def checked(
    folder: Path, capsys: pytest.CaptureFixture[str], links: dict[str, Any], *more: str, **rest: Any
) -> tuple[int, str]:
    path = folder / "incident-config.yaml"
    path.write_text(yaml.safe_dump({"connections": {"alerts": [], "channels": []} | links} | rest))
    code = main(["connections", "check", "--config", str(path), *more])
    return code, capsys.readouterr().out


def loki(request: Request) -> Reply:
    query, now = request.query["query"], datetime.now(UTC)
    date = {"date": format_datetime(now + timedelta(seconds=90), usegmt=True)}
    if query.startswith("sum"):
        result = [{"metric": {"detected_level": "info"}, "values": [[now.timestamp(), "2"]]}]
        body: Any = {"data": {"resultType": "matrix", "result": result}}
    else:
        stamp = str(int((now - timedelta(seconds=4)).timestamp() * 1e9))
        lines = [{"stream": {"app": "shop"}, "values": [[stamp, "order paid"]]}] if "shop" in query else []
        body = {"data": {"resultType": "streams", "result": lines}}
    answer = reply_json(body)
    return Reply(200, answer.body, {**answer.headers, **date})


def prometheus(request: Request) -> Reply:
    value = datetime.now(UTC).timestamp() - 7 if "timestamp" in request.query["query"] else 3
    result = [{"metric": {}, "value": [1, str(value)]}]
    return reply_json({"status": "success", "data": {"resultType": "vector", "result": result}})


def test_a_healthy_connection_tells_its_newest_data_its_answer_time_and_its_clock(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], serve: Serve
) -> None:
    services = {"shop": '{app="shop"}', "cart": '{app="cart"}'}
    links = {
        "logs": [{"kind": "loki", "url": serve(loki), "services": services}],
        "metrics": [{"kind": "prometheus", "url": serve(prometheus)}],
    }
    code, told = checked(tmp_path, capsys, links, "--json")
    logs, metrics = json.loads(told)
    assert code == 0
    assert (logs["section"], logs["name"], logs["state"]) == ("logs", "loki", "ok")
    assert 3 < logs["newest_age"] < 60
    assert 80 < logs["clock_offset"] < 95
    assert "ahead of ours: set one of them by NTP" in logs["told"]
    assert "none of cart: quiet, or is its query right?" in logs["told"]
    assert (metrics["state"], metrics["told"]) == ("ok", "3 targets")
    assert 6 < metrics["newest_age"] < 60
    assert metrics["seconds"] > 0


def test_what_fails_is_told_in_a_line_with_the_way_out_and_the_rest_is_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOD_TOKEN", "hunter2")
    monkeypatch.delenv("NO_TOKEN", raising=False)
    denied = serve(lambda request: Reply(401, request.headers["authorization"].encode()))
    log = tmp_path / "shop.log"
    log.write_text("no line with a time\n")
    services = {"shop": '{app="shop"}'}
    links = {
        "logs": [
            {
                "kind": "loki",
                "url": denied,
                "auth": "bearer",
                "secret_env": "GOOD_TOKEN",
                "services": services,
            },
            {"kind": "loki", "name": "unset", "url": denied, "auth": "bearer", "secret_env": "NO_TOKEN"}
            | {"services": services},
            {"kind": "files", "files": {"shop": [str(log)]}},
        ],
        "traces": [{"kind": "jaeger", "url": "http://127.0.0.1:1"}],
        "databases": [{"kind": "postgres", "name": "db", "dsn_env": "NO_TOKEN"}],
        "channels": [{"kind": "terminal", "path": "/dev/null"}],
    }
    code, told = checked(tmp_path, capsys, links)
    rows = {one.split()[2]: one for one in told.splitlines() if one.split()[0] in {"ok", "FAILED", "PARTIAL"}}
    assert code == 1
    assert "answered 401" in rows["loki"]
    assert "check the secret in $GOOD_TOKEN" in rows["loki"]
    assert "NO_TOKEN is named in the configuration but not set: export it" in rows["unset"]
    assert "not reachable" in rows["jaeger"]
    assert "is its address right" in rows["jaeger"]
    assert rows["db"].startswith("FAILED")
    assert rows["files"].startswith("FAILED")
    assert rows["terminal"].startswith("ok")
    assert told.splitlines()[-1] == "6 connections tried, 5 failed."
    assert "hunter2" not in told


PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"


def test_why_a_connection_cannot_be_made_is_told_and_how_to_mend_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_TOKEN", "hunter2")
    plain = serve(lambda _: Reply(404, PAGE))
    urls = {
        "refused": "http://127.0.0.1:1",
        "unknown": "http://nowhere.invalid",
        "other": plain,
        "page": serve(lambda _: Reply(200, PAGE)),
    }
    logs = [
        {"kind": "loki", "name": one, "url": url, "services": {"shop": "{}"}} for one, url in urls.items()
    ]
    denied = serve(lambda _: Reply(401, b'{"message": "invalid token"}'))
    projects = {"shop": {"repository": "till/shop"}}
    lab = {"kind": "gitlab", "url": denied, "token_env": "LAB_TOKEN", "services": projects}
    told = checked(tmp_path, capsys, {"logs": logs, "changes": [lab]})[1]
    rows = {one.split()[2]: one for one in told.splitlines() if one.startswith("FAILED")}
    assert "nothing listens at its port" in rows["refused"]
    assert "DNS does not know its name" in rows["unknown"]
    assert (
        "answered 404: a page of HTML: is it of this kind, and is the path in its url right?" in rows["other"]
    )
    assert "a page of HTML" in rows["page"]
    assert "check the secret in $LAB_TOKEN" in rows["gitlab"]


def test_a_database_file_is_tried_and_one_that_is_gone_has_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.execute("create table orders (id integer primary key)")
    quick = {"kind": "sqlite", "sample": "0.1s", "statements": ["select * from orders"]}
    links = {
        "databases": [
            quick | {"name": "shop-db", "path": str(tmp_path / "shop.db")},
            quick | {"name": "gone-db", "path": str(tmp_path / "gone.db")},
        ]
    }
    code, told = checked(tmp_path, capsys, links)
    rows = {one.split()[2]: one for one in told.splitlines() if one.split()[0] in {"ok", "FAILED", "PARTIAL"}}
    assert code == 1
    assert rows["shop-db"].startswith("ok")
    assert "a file of 8,192 bytes" in rows["shop-db"]
    assert "gone.db: there is no such file" in rows["gone-db"]


def test_a_source_without_data_is_no_failure_and_no_health(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], serve: Serve
) -> None:
    empty = serve(lambda _: reply_json({"data": {"resultType": "matrix", "result": []}}))
    links = {"logs": [{"kind": "loki", "url": empty, "services": {"shop": '{app="shop"}'}}]}
    code, told = checked(tmp_path, capsys, links)
    assert code == 0
    assert told.startswith("NO DATA")
    assert "is its query right?" in told


def test_change_sources_edges_and_checks_are_tried_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "hunter2")
    now = datetime.now(UTC).timestamp()
    pair = [{"metric": {"client": "shop", "server": "cart"}, "values": [[now, "2"]]}]
    graph = serve(
        lambda _: reply_json({"status": "success", "data": {"resultType": "matrix", "result": pair}})
    )
    healthy, sick = serve(lambda _: Reply(200)), serve(lambda _: Reply(503, b"no database"))
    denied = serve(lambda _: reply_json({"message": "Bad credentials"}, 401))
    place = {"shop": {"repository": "acme/shop"}}
    links = {
        "metrics": [{"kind": "prometheus", "url": graph}],
        "edges": [{"kind": "promql"}],
        "changes": [
            {"kind": "git", "services": {"shop": {"path": str(Path(__file__).parents[2])}}},
            {"kind": "github", "url": denied, "token_env": "GITHUB_TOKEN", "services": place},
        ],
        "checks": [
            {"kind": "http", "target": "shop", "url": f"{healthy}/health"},
            {"kind": "http", "target": "cart", "url": f"{sick}/health"},
        ],
    }
    services = [{"name": "shop"}, {"name": "cart"}]
    code, told = checked(tmp_path, capsys, links, "--json", services=services)
    found = {(one["section"], one["name"]): one for one in json.loads(told)}
    assert code == 1
    assert found["edges", "service-graph"]["told"] == "1 pairs in 15m"
    assert found["changes", "git"]["state"] == "ok"
    assert "changes of" in found["changes", "git"]["told"]
    assert found["changes", "github"]["state"] == "failed"
    assert "Bad credentials" in found["changes", "github"]["told"]
    assert found["checks", "http shop"]["state"] == "ok"
    assert found["checks", "http cart"]["state"] == "partial"
    assert "not fine" in found["checks", "http cart"]["told"]
    assert "hunter2" not in told


def test_without_connections_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(tmp_path, capsys, {}) == (0, "No connection is configured: docs/howto/connect-logs.md\n")
