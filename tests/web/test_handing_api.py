"""It changes hands from the terminal: snoozed, given, delegated; each by a person with a PIN."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from web.house import House, basic

pytestmark = pytest.mark.anyio


async def post(
    house: House, path: str, body: object, headers: dict[str, str] | None = None
) -> httpx2.Response:
    async with house.client(headers=basic() if headers is None else headers) as terminal:
        return await terminal.post(path, json=body)


async def test_a_snooze_has_its_end_and_its_owner(house: House) -> None:
    incident = await house.break_shop()
    told = (await post(house, f"/api/incidents/{incident}/snooze", {"span": "30m"})).json()
    assert (told["acked_by"], told["snoozed"]) == ("ana", True)
    assert house.view(incident).incident.quiet_until == house.clock.now() + timedelta(minutes=30)


@pytest.mark.parametrize(("span", "status"), [("soon", 400), ("0s", 409), ("25h", 409), (None, 400)])
async def test_a_snooze_that_is_none_is_refused(house: House, span: Any, status: int) -> None:
    incident = await house.break_shop()
    answer = await post(house, f"/api/incidents/{incident}/snooze", {"span": span})
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


async def test_it_is_given_to_somebody_who_is_told(house: House) -> None:
    house.hire("cy", role="viewer")
    incident = await house.break_shop()
    answer = await post(house, f"/api/incidents/{incident}/reassign", {"to": "cy"})
    assert answer.json()["called"][0]["who"] == "cy"
    assert "incident.reassigned" in house.actions(incident)


async def test_it_is_given_to_nobody_who_is_not_known(house: House) -> None:
    incident = await house.break_shop()
    answer = await post(house, f"/api/incidents/{incident}/reassign", {"to": "zed"})
    assert answer.status_code == 409
    assert "nobody here is called 'zed'" in answer.json()["error"]


async def test_an_approver_hands_the_question_to_another(house: House) -> None:
    house.hire("cy")
    view = house.view(await house.break_shop())
    answer = await post(house, f"/api/plans/{view.plan.id}/delegate", {"to": "cy"})
    assert answer.json()["delegate"] == "cy"
    assert "approval.delegated" in house.actions(view.incident.id)


@pytest.mark.parametrize(
    ("to", "by", "why"),
    [
        ("eve", "ana", "eve may not approve; who may: nobody else"),
        ("ana", "ana", "it is with you already"),
        ("ana", "eve", "eve may not approve"),
        ("zed", "ana", "zed may not approve"),
    ],
)
async def test_a_question_goes_from_an_approver_to_an_approver_only(
    house: House, to: str, by: str, why: str
) -> None:
    house.hire("eve", role="viewer")
    view = house.view(await house.break_shop())
    answer = await post(house, f"/api/plans/{view.plan.id}/delegate", {"to": to}, basic(name=by))
    assert answer.status_code == 409
    assert why in answer.json()["error"]
    assert "delegation.refused" in house.actions(view.incident.id)
    assert house.view(view.incident.id).incident.delegate == ""


async def test_nothing_changes_hands_once_it_is_over(house: House) -> None:
    incident = await house.break_shop()
    await post(house, f"/api/incidents/{incident}/close", {"why": "a drill"})
    house.hire("cy")
    for deed, body in (("snooze", {"span": "30m"}), ("reassign", {"to": "cy"})):
        answer = await post(house, f"/api/incidents/{incident}/{deed}", body)
        assert answer.status_code == 409
