"""Whoever is turned away, or wants what a rule refuses, leaves a line; a flood of them fills nothing."""

import pytest
from web.house import BASE, INGEST, Browser, House, bearer

from steadyhand.journey.audit.entry import Entry
from steadyhand.responder.fixes.choosing import choose
from steadyhand.responder.fixes.deciding import Refused

pytestmark = pytest.mark.anyio


def refusals(house: House, action: str = "door.refused") -> list[Entry]:
    with house.outside.ledger.read() as tx:
        return [one for one in tx.trail() if one.action == action]


@pytest.mark.parametrize(
    ("path", "headers", "why"),
    [
        ("/alerts/generic", bearer("wrong-token-wrong-token"), "no proof"),
        ("/changes", {}, "no proof"),
        ("/api/incidents", {}, "no proof"),
        ("/incidents", {"host": "evil.test"}, "a foreign name"),
    ],
)
async def test_who_is_turned_away_is_noted(
    house: House, path: str, headers: dict[str, str], why: str
) -> None:
    async with house.client(headers=headers) as stranger:
        method = "GET" if path.startswith(("/api", "/incidents")) else "POST"
        assert (await stranger.request(method, BASE + path)).status_code in (401, 421)
    (line,) = refusals(house)
    assert line.via == "/" + path.split("/")[1]
    assert why in line.body["why"]


async def test_a_form_of_a_foreign_page_is_noted(house: House) -> None:
    browser = await house.visit()
    browser.csrf = "0" * 64
    await browser.post("/incidents/inc-1/ack")
    assert "not of this session" in refusals(house)[0].body["why"]


async def test_a_flood_is_one_line_a_minute_that_counts_the_rest(house: House) -> None:
    async with house.client(headers=bearer("x" * 20)) as stranger:
        for _ in range(50):
            await stranger.post("/changes", json={})
        await house.clock.advance(seconds=61)
        await stranger.post("/changes", json={})
    assert [one.body["unwritten"] for one in refusals(house)] == ["0", "49"]


async def test_who_has_the_token_leaves_no_line(house: House) -> None:
    async with house.client(headers=bearer(INGEST)) as machine:
        await machine.post("/alerts/generic", json={"title": "x", "service": "shop"})
    browser = Browser(house.client())
    await browser.get("/sign-in")
    assert refusals(house) == []


async def test_an_abort_of_nothing_and_a_question_that_cannot_be_put_are_recorded(house: House) -> None:
    incident = await house.break_shop()
    browser = await house.visit()
    assert (await browser.post(f"/incidents/{incident}/abort")).status_code == 409
    with pytest.raises(Refused):
        choose(house.outside, "plan-none", "model", "agent")
    first, second = refusals(house, "deed.refused")
    assert (first.incident, first.actor, first.body["deed"]) == (incident, "ana", "rollout.aborted")
    assert "no rollout is under way" in first.body["why"]
    assert (second.incident, second.actor_kind, second.body["deed"]) == ("", "agent", "plan.chosen")
