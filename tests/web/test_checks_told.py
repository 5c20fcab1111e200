"""Somebody looked as a check says and tells what was seen: the ranking moves, and it is on record."""

import pytest
from web.house import House, basic

from steadyhand.journey.diagnosis.model import Diagnosis

pytestmark = pytest.mark.anyio
SEEN = "twelve sessions idle <b>in transaction</b>, token=ghp_c4n4ry5ecretc4n4ry5ecret0001"


def ranked(house: House, incident: str) -> Diagnosis:
    found = house.view(incident).diagnosis
    assert found is not None
    return found


def told(house: House, incident: str) -> list[tuple[str, str, str]]:
    with house.outside.ledger.read() as tx:
        trail = list(tx.trail(incident))
    return [(one.actor, one.via, one.body["outcome"]) for one in trail if one.action == "check.recorded"]


async def test_on_the_console_an_outcome_lowers_its_cause_and_is_shown_with_who_said_so(house: House) -> None:
    incident = await house.break_shop()
    before = ranked(house, incident).hypotheses[0]
    browser = await house.visit()
    page = await browser.get(f"/incidents/{incident}")
    assert f'action="/incidents/{incident}/checks"' in page.text
    fields = {"hypothesis": before.id, "check": before.checks[0].name, "seen": SEEN}
    answer = await browser.post(f"/incidents/{incident}/checks", outcome="as_if_false", **fields)
    assert answer.status_code == 303
    after = ranked(house, incident)
    assert next(one for one in after.hypotheses if one.id == before.id).confidence < before.confidence
    assert after.calibrated_on == "uncalibrated"
    assert told(house, incident) == [("ana", "console", "as_if_false")]
    shown = (await browser.get(f"/incidents/{incident}")).text
    assert "as if false" in shown
    assert "(ana, k1)" in shown
    assert "<b>in transaction" not in shown
    assert "c4n4ry" not in shown


async def test_the_console_tells_of_each_cause_when_it_began_whom_it_hurts_and_how_to_check(
    house: House,
) -> None:
    incident = await house.break_shop()
    first = ranked(house, incident).hypotheses[0]
    shown = (await (await house.visit()).get(f"/incidents/{incident}")).text
    assert first.onset is not None
    for text in (
        f"Began</span> {first.onset.lo:%H:%M:%S}",
        f"Hurts</span> {', '.join(first.blast_radius)}",
        f"Would help</span> {first.remediation.replace('_', ' ')}",
        "By</span> inspect database <code>",
    ):
        assert text in shown, text


async def test_from_the_terminal_it_does_the_same_and_says_what_it_did(house: House) -> None:
    incident = await house.break_shop()
    first = ranked(house, incident).hypotheses[0]
    body = {"hypothesis": first.id, "check": first.checks[0].name, "outcome": "as_if_true", "seen": SEEN}
    async with house.client(headers=basic()) as terminal:
        did = (await terminal.post(f"/api/incidents/{incident}/checks", json=body)).json()["did"]
        nobody = await terminal.post(
            f"/api/incidents/{incident}/checks", json=body, headers={"authorization": ""}
        )
    assert did[0].startswith(f"k1: {first.id} ")
    assert "factor 3" in did[0]
    assert nobody.status_code == 401
    assert told(house, incident) == [("ana", "terminal", "as_if_true")]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"hypothesis": "h99"}, "no &#39;h99&#39;"),
        ({"check": "the weather"}, "has no check"),
        ({"outcome": "perhaps"}, "say what you saw"),
        ({"seen": " "}, "say what you saw"),
    ],
)
async def test_what_is_about_no_check_is_refused_and_moves_nothing(
    house: House, changed: dict[str, str], why: str
) -> None:
    incident = await house.break_shop()
    before = ranked(house, incident)
    first = before.hypotheses[0]
    fields = {"hypothesis": first.id, "check": first.checks[0].name, "outcome": "unclear", "seen": "nothing"}
    browser = await house.visit()
    answer = await browser.post(f"/incidents/{incident}/checks", **fields | changed)
    assert (answer.status_code, why in answer.text) == (409, True)
    assert ranked(house, incident) == before
    assert told(house, incident) == []
