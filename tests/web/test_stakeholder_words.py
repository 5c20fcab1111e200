"""A person's own words to stakeholders: seen first as they would go out by themselves, then sent at once."""

import pytest
from web.house import INGEST, House, alert, basic, bearer

from steadyhand.journey.escalation.audience import StakeholderRule
from steadyhand.journey.escalation.contact import Contact

pytestmark = pytest.mark.anyio
BOARD = StakeholderRule(contacts=(Contact(type="email", address="board@example.org"),))


async def open_incident(house: House) -> None:
    async with house.client(headers=bearer(INGEST)) as machine:
        await machine.post("/alerts/generic", json=alert("Checkout is slow"))


async def test_the_draft_is_shown_and_a_person_s_words_go_out_in_its_place(house: House) -> None:
    house.rules = house.rules.model_copy(update={"stakeholders": BOARD})
    house.restart()
    await open_incident(house)
    async with house.client(headers=basic()) as ana:
        draft = await ana.get("/api/incidents/inc-1/update")
        assert "Impact: shop" in draft.json()["draft"]
        sent = await ana.post("/api/incidents/inc-1/update", json={"text": "Checkout works again."})
        assert (sent.status_code, sent.json()) == (200, {"told": 1})
    note = next(one for one in house.view("inc-1").receipts if one.act == "note")
    assert (note.channel, note.target) == ("email", "board@example.org")


async def test_words_need_a_person_and_somebody_to_tell(house: House) -> None:
    await open_incident(house)
    async with house.client() as stranger:
        assert (await stranger.post("/api/incidents/inc-1/update", json={"text": "x"})).status_code == 401
    async with house.client(headers=basic()) as ana:
        refused = await ana.post("/api/incidents/inc-1/update", json={"text": "x"})
        assert refused.status_code == 409
        assert "nobody to tell" in refused.json()["error"]


async def test_the_page_shows_the_draft_and_sends_what_a_person_made_of_it(house: House) -> None:
    house.rules = house.rules.model_copy(update={"stakeholders": BOARD})
    house.restart()
    await open_incident(house)
    browser = await house.visit()
    text = (await browser.get("/incidents/inc-1")).text
    assert "<pre>Impact: shop" in text
    assert ">We are looking for the cause.</textarea>" in text
    answer = await browser.post("/incidents/inc-1/update", text="Checkout works.\r\nCards do not.")
    assert answer.status_code == 303
    entry = next(one for one in house.view("inc-1").trail if one.action == "stakeholders.updated")
    assert (entry.actor, entry.via, entry.body["words"]) == (
        "ana",
        "console",
        "Checkout works.\nCards do not.",
    )
    assert [one.target for one in house.view("inc-1").receipts if one.act == "note"] == ["board@example.org"]


@pytest.mark.parametrize("text", [" ", "<b>" + "x" * 2000])
async def test_words_are_sent_whole_or_not_at_all_and_stay_in_the_form(house: House, text: str) -> None:
    house.rules = house.rules.model_copy(update={"stakeholders": BOARD})
    house.restart()
    await open_incident(house)
    browser = await house.visit()
    answer = await browser.post("/incidents/inc-1/update", text=text)
    assert answer.status_code == 409
    assert "1 to 2000 characters" in answer.text
    assert text.replace("<b>", "&lt;b&gt;") + "</textarea>" in answer.text
    assert [one for one in house.view("inc-1").receipts if one.act == "note"] == []


async def test_a_foreign_page_tells_nobody_and_without_stakeholders_there_is_no_form(house: House) -> None:
    await open_incident(house)
    browser = await house.visit()
    assert 'action="/incidents/inc-1/update"' not in (await browser.get("/incidents/inc-1")).text
    assert "nobody to tell" in (await browser.post("/incidents/inc-1/update", text="x")).text
    browser.csrf = "0" * 64
    assert (await browser.post("/incidents/inc-1/update", text="x")).status_code == 403
