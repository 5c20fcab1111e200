"""A person who is signed in may see what placeholders stand for: recorded, and on no other page."""

import pytest
from web.house import House

from steadyhand.journey.evidence.masking import Hidden

pytestmark = pytest.mark.anyio
ANN = "ann@example.org"


async def keep(house: House, incident: str) -> str:
    with house.outside.ledger.write() as tx:
        name = tx.vault.name(incident, {"a": Hidden("email", ANN)})["a"]
        view = house.view(incident)
        assert view.page is not None
        item = view.page.items[0].model_copy(update={"title": f"asked by {name}"})
        page = view.page.model_copy(update={"items": (item, *view.page.items[1:])})
        tx.put("page", "page-z", incident, page, house.clock.now())
    return name


async def test_originals_are_shown_on_request_and_it_is_recorded(house: House) -> None:
    incident = await house.break_shop()
    await keep(house, incident)
    browser = await house.visit()
    before = await browser.get(f"/incidents/{incident}")
    assert "asked by &lt;email-1&gt;" in before.text
    assert ANN not in before.text
    shown = await browser.post(f"/incidents/{incident}/originals")
    assert f"asked by {ANN}" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert "<input" not in shown.text.replace('<input type="hidden" name="csrf"', "")
    seen = [one for one in house.view(incident).trail if one.action == "originals.shown"]
    assert [(one.actor_kind, one.via) for one in seen] == [("human", "console")]
    assert ANN not in str(house.view(incident))


async def test_a_link_shows_no_original(house: House) -> None:
    incident = await house.break_shop()
    browser = await house.visit()
    assert (await browser.get(f"/incidents/{incident}/originals")).status_code == 405


async def test_nobody_sees_them_without_a_form_of_their_session(house: House) -> None:
    incident = await house.break_shop()
    browser = await house.visit()
    answer = await browser.client.post(f"/incidents/{incident}/originals", data={"csrf": "x"})
    assert answer.status_code == 403
    assert not [one for one in house.view(incident).trail if one.action == "originals.shown"]
