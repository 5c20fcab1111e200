"""Pages, rungs and clocks: who is told, when, and what stops it."""

import asyncio

import pytest

from steadyhand.journey.incident.state import Acknowledged
from steadyhand.ports import Letter
from steadyhand.responder.alerts.intake import tell_incident
from stories.night import Night

pytestmark = pytest.mark.usefixtures("place")  # on both databases


def test_an_alert_rings_the_first_tier_at_once(night: Night) -> None:
    async def story() -> None:
        night.alert()
        await night.turn()
        assert night.phone.rang("ana") == 1
        assert night.phone.rang("bo") == 0

    asyncio.run(story())


def test_a_hundred_equal_alerts_are_one_incident_and_one_page(night: Night) -> None:
    async def story() -> None:
        ids = {night.alert() for _ in range(100)}
        await night.turn()
        assert len(ids) == 1
        assert night.incidents()[0].repeats == 99
        assert night.phone.rang("ana") == 1

    asyncio.run(story())


def test_silence_wakes_the_lead_when_the_tier_s_time_is_over(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        await night.turn()
        await night.leap(minutes=14)
        assert night.phone.rang("bo") == 0
        await night.leap(minutes=1)
        assert night.phone.rang("bo") == 1
        assert "incident.escalated" in night.actions(incident)

    asyncio.run(story())


def test_an_acknowledgement_stops_the_ladder(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        await night.turn()
        tell_incident(night.outside, incident, Acknowledged(by="ana", via="test"))
        await night.leap(minutes=120)
        assert night.phone.rang("bo") == 0

    asyncio.run(story())


def test_a_page_that_has_not_left_yet_is_taken_back_by_an_acknowledgement(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        tell_incident(night.outside, incident, Acknowledged(by="ana", via="test"))
        await night.turn()
        assert night.phone.rang("ana") == 0

    asyncio.run(story())


def test_an_escalation_that_was_due_while_the_service_was_dead_comes_once_and_says_late(
    night: Night,
) -> None:
    async def story() -> None:
        night.alert()
        await night.turn()
        await night.clock.advance(minutes=40)
        night.restart()
        await night.leap(seconds=1)
        assert night.phone.rang("bo") == 1
        late = next(ring for ring in night.phone.rings if ring.target == "bo")
        assert "late by 1501 s" in late.body

    asyncio.run(story())


def test_every_tier_is_asked_again_then_everybody_and_then_everybody_each_half_hour(night: Night) -> None:
    async def story() -> None:
        night.alert()
        for _ in range(24):
            await night.leap(minutes=10)
        pages = [one.target for one in night.phone.rings if ":page:" in one.key]
        assert pages[:4] == ["ana", "bo", "ana", "bo"]
        assert sorted(pages[4:6]) == ["ana", "bo"]
        assert sorted(pages[6:]) == ["ana"] * 4 + ["bo"] * 4

    asyncio.run(story())


def test_a_resolution_nobody_waits_for_opens_nothing(night: Night) -> None:
    assert night.alert(status="resolved") == ""
    assert night.incidents() == []


def test_a_receiver_that_hangs_keeps_no_timer_waiting(night: Night) -> None:
    async def story() -> None:
        release = asyncio.Event()
        send = night.phone.send

        async def hang(letter: Letter) -> str:
            await release.wait()
            return await send(letter)

        night.phone.send = hang
        incident = night.alert()
        await night.worker.turn()
        await night.clock.advance(minutes=15)
        for _ in range(50):
            await night.worker.turn()
            await asyncio.sleep(0.005)  # the store works in threads of its own
            if "incident.escalated" in night.actions(incident):
                break
        assert "incident.escalated" in night.actions(incident)
        release.set()
        await night.worker.settle()

    asyncio.run(story())


def test_an_edited_config_does_not_change_a_running_incident(night: Night) -> None:
    async def story() -> None:
        night.alert()
        await night.turn()
        patient = night.rules.escalation.model_copy(
            update={
                "tiers": tuple(
                    one.model_copy(update={"escalate_after": one.escalate_after * 100})
                    for one in night.rules.escalation.tiers
                )
            }
        )
        night.rules = night.rules.model_copy(update={"escalation": patient})
        night.restart()
        await night.leap(minutes=15)
        assert night.phone.rang("bo") == 1

    asyncio.run(story())
