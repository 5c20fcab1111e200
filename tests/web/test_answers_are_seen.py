"""Whoever acknowledges has seen what was sent to them; of others nothing is claimed."""

import pytest
from web.house import House

from steadyhand.journey.escalation.contact import Contact, NamedPerson
from steadyhand.journey.escalation.ladder import Tier
from steadyhand.journey.escalation.people import PersonRule
from steadyhand.journey.escalation.policy import EscalationRule
from steadyhand.ports import SourceUnavailable

pytestmark = pytest.mark.anyio
PEOPLE = tuple(PersonRule(name=one, contacts=(Contact(type="phone", user=one),)) for one in ("ana", "ben"))
FIRST = Tier(name="on_call", contacts=(NamedPerson(person="ana"), NamedPerson(person="ben")))


@pytest.fixture
def pair(house: House) -> House:
    """Two people are told of everything, each on a phone of their own."""
    ladder = EscalationRule(tiers=(FIRST,), policies=(), assign=(), repeat=0)
    house.rules = house.rules.model_copy(update={"people": PEOPLE, "escalation": ladder})
    house.restart()
    return house


def pages(house: House, incident: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in house.view(incident).receipts:
        if one.act == "page":
            found.setdefault(one.target, set()).add(one.state)
    return found


@pytest.mark.parametrize(("deed", "fields"), [("ack", {}), ("snooze", {"span": "30m"})])
async def test_an_answer_marks_what_was_sent_to_that_person_as_seen(
    pair: House, deed: str, fields: dict[str, str]
) -> None:
    incident = await pair.break_shop()
    assert pages(pair, incident) == {"ana": {"sent"}, "ben": {"sent"}}
    browser = await pair.visit()
    assert (await browser.post(f"/incidents/{incident}/{deed}", **fields)).status_code == 303
    assert pages(pair, incident) == {"ana": {"seen"}, "ben": {"sent"}}
    assert "to ana: seen" in (await browser.get(f"/incidents/{incident}")).text


async def test_a_page_that_did_not_arrive_is_not_called_seen(pair: House) -> None:
    pair.phone.failure = SourceUnavailable("phone", "no line")
    incident = await pair.break_shop()
    browser = await pair.visit()
    await browser.post(f"/incidents/{incident}/ack")
    assert "seen" not in set().union(*pages(pair, incident).values())


async def test_the_answer_of_somebody_who_was_not_told_marks_nothing(pair: House) -> None:
    pair.hire("cleo")
    incident = await pair.break_shop()
    browser = await pair.visit("cleo")
    await browser.post(f"/incidents/{incident}/ack")
    assert pair.view(incident).incident.acked_by == "cleo"
    assert pages(pair, incident) == {"ana": {"sent"}, "ben": {"sent"}}
