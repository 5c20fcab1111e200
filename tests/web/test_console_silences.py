"""Silences and maintenance windows on the console: listed, set and ended by a signed-in person."""

from datetime import timedelta

import pytest
from web.house import INGEST, House, alert, bearer

from steadyhand.responder.alerts.silencing import silences

pytestmark = pytest.mark.anyio
FORM = {"kind": "silence", "what": "service=shop", "lasts": "1h", "reason": "a <b>migration</b>"}


async def page_now(house: House) -> dict[str, object]:
    async with house.client(headers=bearer(INGEST)) as machine:
        return dict((await machine.post("/alerts/generic", json=alert())).json())


async def test_a_person_silences_sees_it_listed_and_ends_it(house: House) -> None:
    browser = await house.visit()
    assert "every new alert pages" in (await browser.get("/silences")).text
    assert (await browser.post("/silences", **FORM)).status_code == 303
    text = (await browser.get("/silences")).text
    assert "<code>service=shop</code>" in text
    assert "Quiet now" in text
    assert 'a &lt;b&gt;migration&lt;/b&gt; <span class="faint">(ana)' in text
    assert (await page_now(house))["silenced"] == 1
    (one,) = silences(house.outside)
    assert (await browser.post(f"/silences/{one.id}/end")).status_code == 303
    assert one.id not in (await browser.get("/silences")).text
    await house.turn()
    assert [one.service for one in house.incidents()] == ["shop"]
    with house.outside.ledger.read() as tx:
        lines = {(one.action, one.actor, one.via) for one in tx.trail()}
    assert {("silence.set", "ana", "console"), ("silence.ended", "ana", "console")} <= lines


async def test_a_maintenance_window_names_its_services_and_begins_when_it_says(house: House) -> None:
    browser = await house.visit()
    begins = house.clock.now() + timedelta(days=1)
    fields = FORM | {"kind": "maintenance", "what": "shop", "from": f"{begins:%Y-%m-%dT%H:%M}"}
    assert (await browser.post("/silences", **fields)).status_code == 303
    (one,) = silences(house.outside)
    assert (one.kind, one.words) == ("maintenance", "service=shop")
    assert one.ends_at - one.starts_at == timedelta(hours=1)
    assert f"From {begins:%Y-%m-%d %H:%M} UTC to" in (await browser.get("/silences")).text
    assert (await page_now(house))["incidents"] == ["inc-1"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"what": "shop"}, "is no matcher"),
        ({"what": " "}, "matchers:"),
        ({"kind": "maintenance", "what": "shop\npostgres"}, "cannot be shop and postgres at once"),
        ({"kind": "nap"}, "kind:"),
        ({"lasts": "long"}, "how long:"),
        ({"lasts": "800h"}, "Not done: it lasts longer than 31 days"),
        ({"lasts": "99999999999h"}, "how long:"),
        ({"from": "9999-12-31T23:30"}, "after the year 9999"),
        ({"from": "0001-01-01T00:00+14:00"}, "from: write it like"),
        ({"from": "tomorrow"}, "from: write it like"),
        ({"from": "2001-01-01T00:00"}, "that is over already"),
        ({"reason": ""}, "reason:"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_place_and_nothing_typed_is_lost(
    house: House, changes: dict[str, str], why: str
) -> None:
    browser = await house.visit()
    fields = FORM | {"what": "name=Watch*"} | changes
    answer = await browser.post("/silences", **fields)
    assert answer.status_code == 400
    assert why in answer.text
    assert f">{fields['what'].strip()}</textarea>" in answer.text.replace("> <", "><")
    assert silences(house.outside) == []


async def test_a_foreign_page_neither_sets_nor_ends_one(house: House) -> None:
    browser = await house.visit()
    await browser.post("/silences", **FORM)
    (one,) = silences(house.outside)
    browser.csrf = "0" * 64
    assert (await browser.post("/silences", **FORM)).status_code == 403
    assert (await browser.post(f"/silences/{one.id}/end")).status_code == 403
    assert list(silences(house.outside)) == [one]


async def test_it_needs_a_person_who_is_signed_in(house: House) -> None:
    async with house.client() as nobody:
        assert (await nobody.get("/silences")).headers["location"] == "/sign-in?next=/silences"
        assert (await nobody.post("/silences", data=FORM)).headers["location"] == "/sign-in"


async def test_one_that_is_not_there_cannot_be_ended(house: House) -> None:
    browser = await house.visit()
    answer = await browser.post("/silences/sil-9/end")
    assert answer.status_code == 404
    assert "no silence sil-9" in answer.text
