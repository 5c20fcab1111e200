"""The evidence page at a real terminal over a served console: as the tool and the console tell it."""

import json

from browser.live_site import Site
from cli.terminal import Terminal, typed

from steadyhand.journey.evidence.model import Item, Page

PIN = [("PIN: ", "314159")]


def test_the_page_of_the_newest_open_incident_is_shown_and_an_item_opened(
    terminal: Terminal, site: Site
) -> None:
    incident = site.do(site.house.break_shop())
    page = site.house.view(incident).page
    assert page is not None
    seen = typed(terminal, ["evidence", "--as", "ana"], PIN).replace("\r\n", "\n")
    assert f"{incident}: evidence of shop" in seen
    assert [one.id for one in page.items if f" {one.id} " not in seen] == []
    assert "Looked at\n  changes: 1 changes in the look-back" in seen
    assert max(map(len, seen.splitlines())) <= 80
    whole = typed(terminal, ["evidence", incident, "--item", "l1", "--as", "ana"], PIN)
    assert "exemplar: no free connection after 2.0 s" in whole


def test_the_page_and_an_item_come_as_json_too(terminal: Terminal, site: Site) -> None:
    incident = site.do(site.house.break_shop())
    words = ["evidence", incident, "--json", "--as", "ana"]
    text = typed(terminal, words, PIN)
    found = Page.model_validate(json.loads(text[text.index("{") :]))
    assert found == site.house.view(incident).page
    text = typed(terminal, [*words, "--item", "m1"], PIN)
    assert Item.model_validate(json.loads(text[text.index("{") :])) == found.item("m1")


def test_an_item_that_is_not_there_is_refused_with_those_that_are(terminal: Terminal, site: Site) -> None:
    incident = site.do(site.house.break_shop())
    seen = typed(terminal, ["evidence", incident, "--item", "m99", "--as", "ana"], PIN)
    assert f"no page of {incident} has an item m99; it has m1, m2" in seen
    assert "Traceback" not in seen
