"""A storm does not ring a telephone for each of its drops; nothing of it is lost, and a SEV1 never waits."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from steadyhand.ports import SourceRefused, SourceUnavailable
from steadyhand.responder.people.mail import take_receipt
from steadyhand.responder.rules import Rules
from stories.night import RULES, Night
from stories.shift import Begin, Shift, patient, rules, tell, tier

pytestmark = pytest.mark.usefixtures("place")  # on both databases


def shops(count: int, **given: Any) -> Rules:
    services = [{"name": f"s{number}", "tier": 1} for number in range(count)]
    return rules(tier("ana", after=60), services=services, **({"people": patient()} | given))


async def storm(night: Shift, *numbers: int) -> list[str]:
    """Alerts of services that have nothing to do with each other, at one instant."""
    found = [night.alert(service=f"s{number}") for number in numbers]
    for one in found:
        night.leave_alone(one)
    await night.turn()
    await night.turn()
    return found


def test_forty_incidents_at_one_instant_ring_once_and_each_page_counts_as_sent(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        found = await storm(night, *range(40))
        assert night.phone("ana").says("40 pages, the first: SEV2 s", *found)
        states = {one.state for incident in found for one in night.view(incident).receipts}
        assert states == {"sent"}

    tell(story(begin(shops(40))))


def test_the_first_page_rings_at_once_and_what_follows_within_a_minute_is_one_message(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        await storm(night, 0)
        assert night.phone("ana").says("SEV2 s0")
        for number in (1, 2, 3):
            await night.passes(seconds=10)
            await storm(night, number)
        assert night.phone("ana").silent
        await night.passes(seconds=30)
        assert night.phone("ana").says("3 pages, the first: SEV2 s1", "SEV2 s2", "SEV2 s3")
        await night.passes(minutes=2)
        await storm(night, 4)
        assert night.phone("ana").says("SEV2 s4")

    tell(story(begin(shops(5))))


def test_a_page_does_not_wait_for_what_rang_before_the_clock_was_set_back(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        await storm(night, 0)
        assert night.phone("ana").says("SEV2 s0")
        night.clock.set_back(timedelta(hours=3))
        await storm(night, 1)
        assert night.phone("ana").says("SEV2 s1")

    tell(story(begin(shops(2))))


def test_a_sev1_rings_at_once_in_the_middle_of_a_storm(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        await storm(night, 0)
        assert night.phone("ana").says("SEV2 s0")
        await storm(night, 1)
        night.leave_alone(night.alert("DataLoss", service="s2"))
        await night.turn()
        await night.turn()
        assert night.phone("ana").says("SEV1 s2")
        await night.passes(minutes=1)
        assert night.phone("ana").says("SEV2 s1")

    tell(story(begin(shops(3))))


def test_a_page_that_waits_is_taken_back_by_an_answer(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        await storm(night, 0)
        assert night.phone("ana").says("SEV2 s0")
        night.acks((await storm(night, 1))[0])
        await night.passes(minutes=5)

    tell(story(begin(shops(2))))


def test_pages_that_were_refused_together_go_on_by_the_next_way_each_and_rang_nobody(begin: Begin) -> None:
    people = [{"name": "ana", "contacts": [{"type": "phone", "user": "ana"}, {"type": "sms", "user": "ana"}]}]

    async def story(night: Shift) -> None:
        night.phone.failure = SourceRefused("phone", "number not in use")
        await storm(night, 0, 1)
        await night.turn()
        assert night.sms("ana").says("2 pages", "SEV2 s0", "SEV2 s1")
        night.phone.failure = None
        await storm(night, 2)
        assert night.phone("ana").says("SEV2 s2")

    tell(story(begin(shops(3, people=people))))


def test_what_could_not_leave_together_is_tried_again_together(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        night.phone.failure = SourceUnavailable("phone", "busy")
        await storm(night, 0, 1, 2)
        night.phone.failure = None
        await night.passes(seconds=30)
        assert night.phone("ana").says("3 pages", "SEV2 s0", "SEV2 s1", "SEV2 s2")

    tell(story(begin(shops(3))))


def test_a_receipt_of_one_message_is_the_receipt_of_all_pages_in_it(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        night.phone.receipt_within = timedelta(minutes=1)
        found = await storm(night, 0, 1)
        (ring,) = night.phone.rings
        assert night.phone("ana").rang_once
        assert take_receipt(night.outside, night.phone, ring.key, "delivered", "")
        states = [one.state for incident in found for one in night.view(incident).receipts]
        assert states == ["delivered", "delivered"]
        await night.passes(minutes=5)

    tell(story(begin(shops(2))))


def test_a_process_that_dies_with_pages_waiting_loses_none(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        await storm(night, 0)
        assert night.phone("ana").says("SEV2 s0")
        await storm(night, 1, 2)
        night.restart()
        await night.passes(minutes=1)
        assert night.phone("ana").says("2 pages", "SEV2 s1", "SEV2 s2")

    tell(story(begin(shops(3))))


def test_what_is_said_of_an_incident_after_its_page_leaves_after_it(tmp_path: Path) -> None:
    night = Night(tmp_path, RULES.model_copy(update={"throttle": Rules().throttle}))
    night.users.blind = True

    async def story() -> None:
        night.alert()
        for _ in range(4):
            await night.turn()
        assert [":page:" in one.key for one in night.phone.rings] == [True]
        await night.leap(minutes=1)
        assert night.phone.rings[-1].subject.endswith("over to you")
        assert night.phone.rang("ana") == 2

    tell(story())
