"""Silences by the terminal's doors, and alerts as they came in: for people, bounded, without secrets."""

import json
from datetime import timedelta

import httpx2
import pytest
from web.house import INGEST, House, alert, basic, bearer

pytestmark = pytest.mark.anyio


async def ask(house: House, method: str, path: str, **body: object) -> httpx2.Response:
    async with house.client(headers=basic()) as person:
        return await person.request(method, path, **body)


def wanted(house: House, **changes: object) -> dict[str, object]:
    ends = house.clock.now() + timedelta(hours=1)
    return {"matchers": ["service=shop"], "ends_at": ends.isoformat(), "reason": "a migration"} | changes


async def test_a_silence_bears_its_author_and_ends_when_somebody_says_so(house: House) -> None:
    made = await ask(house, "POST", "/api/silences", json=wanted(house))
    assert made.status_code == 201
    (one,) = (await ask(house, "GET", "/api/silences")).json()["silences"]
    assert (one["author"], one["words"], one["reason"]) == ("ana", "service=shop", "a migration")
    async with house.client(headers=bearer(INGEST)) as machine:
        answer = await machine.post("/alerts/generic", json=alert())
    assert answer.json() == {"receipt": 1, "incidents": [], "silenced": 1}
    ended = await ask(house, "POST", f"/api/silences/{made.json()['id']}/end", json={})
    assert ended.status_code == 200
    await house.turn()
    assert [one.service for one in house.incidents()] == ["shop"]
    assert (await ask(house, "POST", "/api/silences/sil-9/end", json={})).status_code == 404


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"matchers": ["shop"]}, "matchers"),
        ({"matchers": []}, "matchers"),
        ({"reason": ""}, "reason"),
        ({"ends_at": "2001-01-01T00:00:00Z"}, "body"),
        ({"ends_at": "2999-01-01T00:00:00Z"}, "body"),
    ],
)
async def test_a_silence_that_cannot_be_is_refused_by_its_place(
    house: House, changes: dict[str, object], place: str
) -> None:
    answer = await ask(house, "POST", "/api/silences", json=wanted(house, **changes))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(place)


@pytest.mark.parametrize(
    ("matchers", "doubts"),
    [
        (["service=shop", "name!=Watch*"], []),
        (["service=sho*"], []),
        (["service=shpo"], ["no service is known as 'shpo'; there is shop"]),
        (["region=eu"], []),
        (["nme=High*"], ["no alert so far had a label 'nme'; fields are"]),
    ],
)
async def test_what_is_silenced_though_nobody_knows_it_is_set_and_doubted(
    house: House, matchers: list[str], doubts: list[str]
) -> None:
    async with house.client(headers=bearer(INGEST)) as machine:
        fired = {"labels": {"alertname": "Slow", "service": "shop", "region": "eu"}, "status": "firing"}
        post = {"version": "4", "groupKey": "{}", "alerts": [fired | {"startsAt": "2026-01-31T02:00:00Z"}]}
        assert (await machine.post("/alerts/alertmanager", json=post)).is_success
    answer = await ask(house, "POST", "/api/silences", json=wanted(house, matchers=matchers))
    assert answer.status_code == 201
    said = answer.json()["doubts"]
    assert [one[: len(wanted_)] for one, wanted_ in zip(said, doubts, strict=True)] == doubts
    page = await (await house.visit()).get("/silences")
    assert ("It may quiet nothing" in page.text) is bool(doubts)


@pytest.mark.parametrize("path", ["/api/silences", "/api/incidents/inc-1/alerts"])
async def test_nobody_looks_without_name_and_pin(house: House, path: str) -> None:
    async with house.client(headers=bearer(INGEST)) as machine:
        assert (await machine.get(path)).status_code == 401


async def test_alerts_are_shown_as_they_came_in_bounded_and_without_secrets(house: House) -> None:
    posted = alert() | {"labels": {"note": "password=hunter2hunter2", "long": "x" * 400}}
    async with house.client(headers=bearer(INGEST)) as machine:
        for number in range(25):
            filled = posted | {"summary": f"{number} {'y' * 900}"}
            assert (await machine.post("/alerts/generic", json=filled)).status_code == 202
    posts = (await ask(house, "GET", "/api/incidents/inc-1/alerts")).json()["posts"]
    assert len(posts) == 20
    assert '"summary":"24 ' in posts[0]["raw"].replace(": ", ":")
    assert posts[0]["size"] == len(json.dumps(filled, separators=(",", ":")).encode())
    assert "hunter2" not in json.dumps(posts)
    browser = await house.visit()
    page = await browser.get("/incidents/inc-1/alerts")
    assert page.status_code == 200
    assert "As they came in" not in page.text
    assert "hunter2" not in page.text
    assert page.text.count("<pre>") == 20
    await browser.client.aclose()


async def test_the_incident_s_page_shows_its_alerts_and_what_was_known(house: House) -> None:
    async with house.client(headers=bearer(INGEST)) as machine:
        await machine.post("/alerts/generic", json=alert("Slow"))
        await machine.post("/alerts/generic", json=alert("Full", service="postgres"))
    browser = await house.visit()
    page = await browser.get("/incidents/inc-1")
    assert "Joined from postgres" in page.text
    assert "<strong>Full</strong> on postgres" in page.text
    assert 'href="/incidents/inc-1/alerts"' in page.text
    await browser.client.aclose()
