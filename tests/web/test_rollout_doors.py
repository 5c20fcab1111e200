"""A rollout is watched, widened and promoted without proof by people only, at each of their doors."""

import pytest
from web.house import House, basic

from steadyhand.journey.rollout.state import Rollout

pytestmark = pytest.mark.anyio


async def undecided(house: House) -> str:
    """So little traffic that the judge can prove nothing: a person is asked."""
    house.traffic.rps = 2
    incident = await house.break_shop()
    plan = house.view(incident).plan
    assert plan is not None
    await house.answer(plan)
    await house.start_rollout(incident)
    for _ in range(60):
        if rollout_of(house, incident).phase == "asking":
            return incident
        await house.pass_time(1)
    raise AssertionError(rollout_of(house, incident).reason)


def rollout_of(house: House, incident: str) -> Rollout:
    found = house.view(incident).rollout
    assert found is not None
    return found


def grade(house: House, incident: str, severity: str) -> None:
    with house.outside.ledger.write() as tx:
        found = tx.incident(incident)
        assert found is not None
        tx.save(found.model_copy(update={"severity": severity}), (), house.clock.now())


async def test_the_console_offers_more_traffic_and_in_a_sev1_a_promotion_without_proof(house: House) -> None:
    incident = await undecided(house)
    browser = await house.visit()
    grade(house, incident, "SEV2")
    text = (await browser.get(f"/incidents/{incident}")).text
    assert "Undecided: a person&#39;s word is needed" in text
    assert "for your answer" in text
    assert "25 % of traffic</button>" in text
    assert "without proof" not in text
    grade(house, incident, "SEV1")
    assert "Give it all traffic without proof" in (await browser.get(f"/incidents/{incident}")).text
    done = await browser.post(f"/incidents/{incident}/promote", why="checkout is down")
    assert done.status_code == 303
    assert rollout_of(house, incident).grade == "promoted without proof"


async def test_more_traffic_is_one_click_for_an_approver_and_none_for_others(house: House) -> None:
    house.hire("sam", role="watcher")
    incident = await undecided(house)
    watcher = await house.visit("sam")
    assert "25 % of traffic</button>" not in (await watcher.get(f"/incidents/{incident}")).text
    assert (await watcher.post(f"/incidents/{incident}/widen", share="0.25")).status_code == 409
    browser = await house.visit()
    assert (await browser.post(f"/incidents/{incident}/widen", share="0.25")).status_code == 303
    assert rollout_of(house, incident).share == 0.25


async def test_the_terminal_watches_share_arms_interval_verdict_and_seconds_left(house: House) -> None:
    incident = await undecided(house)
    async with house.client(headers=basic()) as terminal:
        seen = (await terminal.get(f"/api/incidents/{incident}/rollout")).json()
        assert (seen["phase"], seen["share"], seen["until"], seen["over"]) == (
            "asking",
            0.05,
            "for your answer",
            False,
        )
        assert seen["line"].startswith("asking 5%, ")
        assert "undecided" in seen["line"]
        assert "95 % interval" in seen["line"]
        wider = await terminal.post(f"/api/incidents/{incident}/widen", json={"share": "25%"})
        assert wider.json()["phase"] == "shifting"
        for share in ("lots", "0.9"):
            refused = await terminal.post(f"/api/incidents/{incident}/widen", json={"share": share})
            assert refused.status_code == 409


async def test_an_incident_without_a_rollout_has_none_to_watch(house: House) -> None:
    incident = await house.break_shop()
    async with house.client(headers=basic()) as terminal:
        answer = await terminal.get(f"/api/incidents/{incident}/rollout")
    assert answer.status_code == 404
    assert "no rollout yet" in answer.json()["error"]
