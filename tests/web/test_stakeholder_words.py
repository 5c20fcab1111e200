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
