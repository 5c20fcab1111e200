"""Shifts changed by hand, at the terminal's doors and on the console; the tool and the calendar know."""

from datetime import timedelta

import httpx2
import icalendar
import pytest
from web.house import House, basic
from web.test_console_on_call import staff

from steadyhand.responder.people.shifts import shift_changes
from steadyhand.tools.policy import PolicyTools

pytestmark = pytest.mark.anyio
MINE = {"kind": "take"}


async def ask(
    house: House, method: str, path: str, body: object = None, name: str = "ana"
) -> httpx2.Response:
    async with house.client(headers=basic(name)) as machine:
        return await machine.request(method, path, json=body)


async def test_a_shift_is_taken_told_everywhere_and_given_back(house: House) -> None:
    staff(house)  # it is bo's until nine in Berlin
    made = await ask(house, "POST", "/api/shifts", MINE | {"ends": "2026-01-31T06:30", "reason": "bo is ill"})
    assert made.status_code == 201
    assert made.json()["words"] == (
        "ana takes primary: ana is on call from Sat 2026-01-31 03:00 CET"
        " to Sat 2026-01-31 06:30 CET (bo is ill)"
    )
    browser = await house.visit()
    text = (await browser.get("/on-call")).text
    assert 'id="s-primary">ana' in text
    assert "until Sat 2026-01-31 06:30 CET" in text
    told = await PolicyTools(house.outside).explain_policy("on_call")
    assert "primary: ana is on call until Sat 2026-01-31 06:30 CET, then bo." in told
    assert "by hand: ana takes primary" in told
    assert "SEV2 first: ana by phone" in told
    file = icalendar.Calendar.from_ical((await browser.get("/on-call/primary.ics")).content)
    assert [str(one["SUMMARY"]) for one in file.walk("VEVENT")][:3] == [
        "ana on call (primary)",
        "bo on call (primary)",
        "ana on call (primary)",
    ]
    (listed,) = (await ask(house, "GET", "/api/shifts")).json()["changes"]
    assert (await ask(house, "POST", f"/api/shifts/{listed['id']}/undo")).status_code == 200
    assert 'id="s-primary">bo' in (await browser.get("/on-call")).text
    assert (await ask(house, "GET", "/api/shifts")).json() == {"changes": []}


async def test_a_wall_time_that_spring_leaves_out_is_the_first_instant_after_the_gap(house: House) -> None:
    staff(house)
    house.hire("bo")
    wanted = MINE | {"starts": "2026-03-29T02:30", "lasts": "2h"}
    made = await ask(house, "POST", "/api/shifts", wanted, "bo")
    assert "from Sun 2026-03-29 03:00 CEST to Sun 2026-03-29 05:00 CEST" in made.text


@pytest.mark.parametrize(
    ("wanted", "status", "why"),
    [
        ({"kind": "sell"}, 400, "kind:"),
        ({"kind": "give"}, 400, "whom do you give it to?"),
        ({"kind": "swap"}, 400, "whom do you swap it with?"),
        (MINE | {"schedule": "night"}, 400, "schedule: which one? There are primary"),
        (MINE | {"starts": "tonight"}, 400, "starts: write it like 2026-01-31T18:00"),
        (MINE | {"ends": "0001-01-01T00:00+14:00"}, 400, "ends: write it like"),
        (MINE | {"lasts": "soon"}, 400, "lasts:"),
        ({"kind": "swap", "other": "bo", "their_ends": "x"}, 400, "their_ends: write it like"),
        ({"kind": "give", "other": "zoe"}, 409, "zoe has no way to be reached"),
        (MINE | {"lasts": "999h"}, 409, "at most 35 days"),
        (
            {"kind": "give", "other": "bo", "starts": "2026-01-31T04:00", "lasts": "1h"},
            409,
            "ana is not on call",
        ),
        (MINE | {"unheard": "of"}, 400, "unheard"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_place(
    house: House, wanted: dict[str, str], status: int, why: str
) -> None:
    staff(house)
    answer = await ask(house, "POST", "/api/shifts", wanted)
    assert (answer.status_code, why in answer.text) == (status, True), answer.text
    assert shift_changes(house.outside) == []


async def test_the_doors_are_for_people_with_a_pin(house: House) -> None:
    staff(house)
    async with house.client() as stranger:
        for method, path in (("GET", "/api/shifts"), ("POST", "/api/shifts"), ("POST", "/api/shifts/x/undo")):
            assert (await stranger.request(method, path, json=MINE)).status_code == 401
        for path in ("/on-call/shifts", "/on-call/shifts/x/undo"):
            assert (await stranger.post(path, data=MINE)).headers["location"] == "/sign-in"
    browser = await house.visit()
    browser.csrf = "0" * 64
    assert (await browser.post("/on-call/shifts", **MINE)).status_code == 403


async def test_somebody_who_is_signed_in_takes_a_shift_on_the_page_and_undoes_it(house: House) -> None:
    staff(house)
    browser = await house.visit()
    text = (await browser.get("/on-call")).text
    assert "Change a shift" in text
    assert "&lt;b&gt;zed&lt;/b&gt;" in text
    empty = {"starts": "", "ends": "", "their_starts": "", "their_ends": "", "other": ""}
    done = await browser.post(
        "/on-call/shifts", kind="take", schedule="primary", reason="<i>ill</i>", **empty
    )
    assert (done.status_code, done.headers["location"]) == (303, "/on-call")
    text = (await browser.get("/on-call")).text
    assert "ana takes primary: ana is on call from Sat 2026-01-31 03:00 CET" in text
    assert "&lt;i&gt;ill&lt;/i&gt;" in text
    (one,) = shift_changes(house.outside)
    assert (await browser.post(f"/on-call/shifts/{one.id}/undo")).status_code == 303
    assert "Changed by hand" not in (await browser.get("/on-call")).text
    again = await browser.post(f"/on-call/shifts/{one.id}/undo")
    assert (again.status_code, "Not done: no change" in again.text) == (409, True)


async def test_a_refusal_stands_on_the_page_and_what_was_typed_stays(house: House) -> None:
    staff(house)
    browser = await house.visit()
    await browser.get("/on-call")
    for fields, status, why in (
        ({"kind": "take", "starts": "soon"}, 400, "starts: write it like"),
        (
            {
                "kind": "give",
                "schedule": "primary",
                "other": "bo",
                "starts": "2026-01-31T04:00",
                "lasts": "1h",
            },
            409,
            "not on call",
        ),
        ({"kind": "sell"}, 400, "kind:"),
    ):
        answer = await browser.post("/on-call/shifts", reason="the reason typed", **fields)
        assert (answer.status_code, why in answer.text) == (status, True)
        assert "the reason typed" in answer.text
    assert shift_changes(house.outside) == []


async def test_what_is_over_is_listed_no_more(house: House) -> None:
    staff(house)
    await ask(house, "POST", "/api/shifts", MINE | {"lasts": "1h"})
    await house.clock.advance(timedelta(hours=2))
    assert (await ask(house, "GET", "/api/shifts")).json() == {"changes": []}
