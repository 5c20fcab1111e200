"""The severity on the console and at the terminal's door."""

import pytest
from web.house import House, basic

pytestmark = pytest.mark.anyio


async def test_a_person_changes_the_severity_with_a_reason_and_the_page_tells_who(house: House) -> None:
    incident = await house.break_shop()
    browser = await house.visit()
    page = (await browser.get(f"/incidents/{incident}")).text
    assert "SEV1: full outage, data loss or a security breach" in page
    answer = await browser.post(
        f"/incidents/{incident}/severity", severity="SEV1", why="all <b>orders</b> fail"
    )
    assert answer.status_code == 303
    text = (await browser.get(f"/incidents/{incident}")).text
    assert "SEV1: all &lt;b&gt;orders&lt;/b&gt; fail (by ana)" in text
    assert "Severity SEV2 is now SEV1" in text


@pytest.mark.parametrize(
    "fields", [{"severity": "SEV1", "why": " "}, {"severity": "SEV9", "why": "x"}, {"why": "x"}, {}]
)
async def test_without_a_severity_or_a_reason_nothing_is_changed(
    house: House, fields: dict[str, str]
) -> None:
    incident = await house.break_shop()
    browser = await house.visit()
    answer = await browser.post(f"/incidents/{incident}/severity", **fields)
    assert answer.status_code == 409
    assert "one of SEV1 to SEV4, and a reason" in answer.text
    assert house.view(incident).incident.severity == "SEV2"


async def test_a_foreign_page_cannot_change_it(house: House) -> None:
    incident = await house.break_shop()
    browser = await house.visit()
    browser.csrf = "0" * 64
    answer = await browser.post(f"/incidents/{incident}/severity", severity="SEV4", why="x")
    assert answer.status_code == 403
    assert house.view(incident).incident.severity == "SEV2"


async def test_the_terminal_changes_it_as_the_person_who_signed_in(house: House) -> None:
    incident = await house.break_shop()
    path = f"/api/incidents/{incident}/severity"
    async with house.client(headers=basic()) as terminal:
        answer = await terminal.post(path, json={"severity": "SEV3", "why": "one customer"})
        assert (answer.status_code, answer.json()["severity"]) == (200, "SEV3")
        assert (await terminal.post(path, json={"severity": "SEV5", "why": "x"})).status_code == 400
        assert (await terminal.post(path, json={"severity": "SEV1", "why": ""})).status_code == 400
        gone = await terminal.post("/api/incidents/inc-9/severity", json={"severity": "SEV1", "why": "x"})
        assert gone.status_code == 404
    entry = next(one for one in house.view(incident).trail if one.action == "severity.changed")
    assert (entry.actor, entry.actor_kind, entry.via) == ("ana", "human", "terminal")


async def test_what_is_over_keeps_its_severity(house: House) -> None:
    incident = await house.break_shop()
    browser = await house.visit()
    await browser.post(f"/incidents/{incident}/close", why="a drill")
    assert (
        'action="/incidents/' + incident + '/severity"'
        not in (await browser.get(f"/incidents/{incident}")).text
    )
    answer = await browser.post(f"/incidents/{incident}/severity", severity="SEV1", why="x")
    assert answer.status_code == 409
    assert "the incident is over" in answer.text
