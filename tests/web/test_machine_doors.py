"""Alerts and changes come in by token; 2xx means stored, and a full store still wakes somebody."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import event
from web.house import INGEST, MCP, House, alert, basic, bearer

from steadyhand.journey.evidence.model import Window
from steadyhand.ports import ConfigError
from steadyhand.store_alerts import LONGEST_KEPT
from steadyhand.web.body import LARGEST
from steadyhand.web.secret import WebSecrets

pytestmark = pytest.mark.anyio
LARGE = {f"label_{number}": "x" * 490 for number in range(60)}
CHANGE = {"id": "deploy-1", "service": "shop", "kind": "code", "started_at": "2026-01-31T01:59:00Z"}


async def post(house: House, path: str, *, token: str = INGEST, **body: object) -> httpx2.Response:
    async with house.client(headers=bearer(token)) as machine:
        return await machine.post(path, **body)


async def test_an_accepted_alert_is_an_incident_in_the_store(house: House) -> None:
    answer = await post(house, "/alerts/generic", json=alert("Checkout is slow"))
    assert answer.status_code == 202
    assert answer.json() == {"receipt": 1, "incidents": ["inc-1"]}
    assert house.view("inc-1").incident.title == "Checkout is slow"


async def test_every_alert_of_one_post_is_taken(house: House) -> None:
    posted = {
        "version": "4",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": name, "service": service},
                "startsAt": "2026-01-31T01:59:00Z",
            }
            for name, service in (("Slow", "shop"), ("Failing", "shop"), ("Full", "postgres"))
        ],
    }
    answer = await post(house, "/alerts/alertmanager", json=posted)
    assert answer.json() == {"receipt": 1, "incidents": ["inc-1"]}
    assert len(house.view("inc-1").incident.alerts) == 3
    assert house.view("inc-1").incident.services == ("shop", "postgres")


async def test_every_alert_of_a_post_that_is_not_kept_whole_is_taken(house: House) -> None:
    posted = {
        "version": "4",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": f"Slow {number}", "service": "shop", "note": "ü" * 400},
                "startsAt": "2026-01-31T01:59:00Z",
            }
            for number in range(100)
        ],
    }
    body = json.dumps(posted, ensure_ascii=False).encode()
    assert len(body) > LONGEST_KEPT
    answer = await post(house, "/alerts/alertmanager", content=body)
    assert answer.json()["incidents"] == ["inc-1"]
    found = house.view("inc-1").incident
    assert len(found.alerts) + found.unlisted == 100


@pytest.mark.parametrize("path", ["/alerts/generic", "/changes"])
@pytest.mark.parametrize("headers", [{}, bearer("wrong-token"), bearer(MCP), bearer(""), basic()])
async def test_nothing_comes_in_without_the_ingest_token(
    house: House, path: str, headers: dict[str, str]
) -> None:
    async with house.client(headers=headers) as machine:
        answer = await machine.post(path, json=alert())
    assert answer.status_code == 401
    assert not house.incidents()


async def test_a_token_that_is_no_ascii_is_refused_and_not_an_error(house: House) -> None:
    async with house.client(headers={"Authorization": "Bearer töken".encode()}) as machine:
        assert (await machine.post("/changes", json=CHANGE)).status_code == 401


async def test_an_unknown_source_is_told_the_known_ones(house: House) -> None:
    answer = await post(house, "/alerts/nagios", json=alert())
    assert answer.status_code == 404
    assert "alertmanager, generic" in answer.json()["error"]


async def test_a_bad_alert_is_refused_by_the_fields_name(house: House) -> None:
    answer = await post(house, "/alerts/generic", json={"title": "x"})
    assert answer.status_code == 400
    assert "service" in answer.json()["error"]


async def test_a_change_is_kept_and_told_again_once_finished(house: House) -> None:
    finished = {**CHANGE, "finished_at": "2026-01-31T01:59:30Z"}
    assert (await post(house, "/changes", json=CHANGE)).status_code == 201
    assert (await post(house, "/changes", json=finished)).status_code == 201
    with house.outside.ledger.read() as tx:
        kept = tx.changes((), Window(start=house.start - timedelta(hours=1), end=house.start))
    assert [one.finished_at is not None for one in kept] == [True]


async def test_a_bad_change_is_refused_by_the_fields_name(house: House) -> None:
    answer = await post(house, "/changes", json={**CHANGE, "kind": "magic"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("kind:")


async def test_a_change_that_is_not_sent_as_json_is_refused(house: House) -> None:
    assert (await post(house, "/changes", data={"id": "1"})).status_code == 415


async def test_a_body_over_the_cap_is_refused_declared_or_streamed(house: House) -> None:
    async def streamed():  # noqa: ANN202 - a stream of bytes
        for _ in range(LARGEST // 65_536 + 2):
            yield b"x" * 65_536

    for content in (b"x" * (LARGEST + 1), streamed()):
        answer = await post(house, "/alerts/generic", content=content)
        assert answer.status_code == 413
        assert f"larger than {LARGEST} bytes" in answer.json()["error"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert house.incidents() == []


@pytest.mark.parametrize("length", ["9" * 40, str(LARGEST + 1)])
async def test_a_length_that_is_too_large_is_refused_before_anything_is_read(
    house: House, length: str
) -> None:
    answer = await post(house, "/alerts/generic", content=b"{}", headers={"content-length": length})
    assert answer.status_code == 413


async def test_a_person_who_sends_too_much_is_told_on_a_page(house: House) -> None:
    incident = await house.break_shop()
    browser = await house.visit()
    answer = await browser.post(f"/incidents/{incident}/close", why="x" * LARGEST)
    assert answer.status_code == 413
    assert f"larger than {LARGEST} bytes" in answer.text
    assert "<h1" in answer.text
    assert house.view(incident).incident.status != "resolved"


async def test_health_tells_a_late_worker_from_a_well_one(house: House) -> None:
    async with house.client() as nobody:
        well = (await nobody.get("/healthz")).json()
        assert well == {
            "status": "ok",
            "store": "ok",
            "overdue_s": 0.0,
            "late_p99_s": 0.0,
            "dead": 0,
            "unheard_calls": 0,
            "unheard": 0,
            "unheard_s": 0.0,
            "processes": 0,
        }
        house.alert()
        await house.clock.advance(minutes=1)
        late = await nobody.get("/healthz")
    assert late.status_code == 503
    assert late.json() == {**well, "status": "late", "overdue_s": 60.0}


async def test_the_figures_of_the_engine_are_there_for_prometheus(house: House) -> None:
    house.alert()
    await house.clock.advance(minutes=1)
    async with house.client() as nobody:
        answer = await nobody.get("/metrics")
    samples = dict(line.split() for line in answer.text.splitlines() if not line.startswith("#"))
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert float(samples["steadyhand_overdue_seconds"]) == 60
    assert float(samples["steadyhand_dead_timers"]) == 0


async def test_health_says_when_the_store_cannot_be_locked(house: House) -> None:
    _on_connect(house, "PRAGMA busy_timeout=50")
    with closing(sqlite3.connect(house.path)) as another:
        another.execute("begin immediate")
        async with house.client() as nobody:
            answer = await nobody.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "failing", "store": "failing"}


async def test_a_full_store_answers_503_and_pages_past_it(house: House) -> None:
    _fill(house)
    answer = await post(house, "/alerts/generic", json={**alert("Checkout is down"), "labels": LARGE})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    (ring,) = house.phone.rings
    assert ring.target == "ana"
    assert "Checkout is down on shop (firing)" in ring.body
    assert not house.incidents()


async def test_a_full_store_refuses_a_change_and_says_to_come_back(house: House) -> None:
    _fill(house)
    answer = await post(house, "/changes", json={**CHANGE, "diff": "x" * 20_000})
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


async def test_short_secrets_are_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="ingest_token"):
        WebSecrets(ingest_token="", mcp_token=MCP, session_key=b"k" * 32)
    with pytest.raises(ConfigError, match="session_key"):
        WebSecrets(ingest_token=INGEST, mcp_token=MCP, session_key=b"")
    assert INGEST not in repr(WebSecrets(ingest_token=INGEST, mcp_token=MCP, session_key=b"k" * 32))


def _fill(house: House) -> None:
    """The store may not grow by a single page any more."""
    _on_connect(house, "PRAGMA max_page_count=1")


def _on_connect(house: House, pragma: str) -> None:
    engine = house.outside.ledger.doors.queue
    event.listen(engine, "connect", lambda connection, _record: connection.execute(pragma))
    engine.dispose()
