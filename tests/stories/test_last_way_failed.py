"""Somebody is unreachable when nothing got through to them, not when the last thing tried did not."""

import pytest

from steadyhand.journey.incident.state import MessageArrived
from steadyhand.ports import SourceUnavailable
from stories.shift import Begin, Shift, lost, rules, tell, tier

pytestmark = pytest.mark.usefixtures("place")  # on both databases
ANA_S_TEXT = "inc-1:0:page:0::sms:ana"
UNHINDERED = {"throttle": {"limits": {}}}


def test_whom_an_earlier_way_reached_is_not_unreachable_because_the_last_one_failed(begin: Begin) -> None:
    given = rules(tier("ana"), tier("lead", after=60), **UNHINDERED)

    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("ana").rang_once
        await night.passes(minutes=5)
        assert night.sms("ana").rang_once
        night.happens(incident, lost(ANA_S_TEXT, channel="sms"))
        await night.passes(minutes=9)
        assert "person.unreachable" not in night.actions(incident)
        assert night.phone("lead").silent
        await night.passes(minutes=1)
        assert night.phone("lead").says("ana did not answer")
        night.acks(incident, "lead")

    tell(story(begin(given)))


def test_once_the_way_that_rang_turns_out_to_have_failed_as_well_the_next_tier_is_told_at_once(
    begin: Begin,
) -> None:
    given = rules(tier("ana"), tier("lead", after=60), **UNHINDERED)

    async def story(night: Shift) -> None:
        incident = await night.fires()
        ring = night.phone.rings[0]
        assert night.phone("ana").rang_once
        await night.passes(minutes=5)
        assert night.sms("ana").rang_once
        night.happens(incident, lost(ANA_S_TEXT, channel="sms"))
        await night.passes(minutes=1)
        night.happens(incident, lost(ring.key))
        await night.turn()
        assert night.phone("lead").says("Nobody of ana can be reached.")
        night.acks(incident, "lead")

    tell(story(begin(given)))


def test_a_receipt_that_came_late_is_one_all_the_same(begin: Begin) -> None:
    given = rules(tier("ana"), tier("lead", after=60), **UNHINDERED)

    async def story(night: Shift) -> None:
        incident = await night.fires()
        key = night.phone.rings[0].key
        assert night.phone("ana").rang_once
        night.happens(incident, lost(key))
        await night.turn()
        assert night.sms("ana").rang_once
        night.happens(incident, MessageArrived(key=key, channel="phone", target="ana", how="delivered"))
        night.happens(incident, lost(ANA_S_TEXT, channel="sms"))
        await night.turn()
        assert night.phone("lead").silent
        night.acks(incident, "ana")

    tell(story(begin(given)))


def test_a_call_that_got_through_after_all_reached_its_person(begin: Begin) -> None:
    given = rules(tier("ana"), tier("lead", after=60), **UNHINDERED)

    async def story(night: Shift) -> None:
        night.phone.failure = SourceUnavailable("phone", "the network is down")
        incident = await night.fires()
        await night.passes(minutes=3)
        assert night.sms("ana").rang_once
        night.phone.failure = None
        await night.passes(minutes=1)
        assert night.phone("ana").rang_once
        night.happens(incident, lost(ANA_S_TEXT, channel="sms"))
        await night.turn()
        assert night.phone("lead").silent
        night.acks(incident, "ana")

    tell(story(begin(given)))


def test_where_one_at_a_time_is_asked_whoever_was_rung_has_their_time_before_another_is(begin: Begin) -> None:
    given = rules(tier("ana", "bo", notify="any", after=60), **UNHINDERED)

    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("ana").rang_once
        await night.passes(minutes=5)
        assert night.sms("ana").rang_once
        night.happens(incident, lost(ANA_S_TEXT, channel="sms"))
        await night.passes(minutes=4)
        assert night.phone("bo").silent
        await night.passes(minutes=1)
        assert night.phone("bo").says("ana did not answer")
        night.acks(incident, "bo")

    tell(story(begin(given)))


def test_when_a_way_that_two_share_fails_each_of_them_is_told_by_their_next_one(begin: Begin) -> None:
    shared = {"type": "webhook", "url": "https://pager.example.org"}
    people = [
        {"name": one, "contacts": [shared, {"type": "phone", "user": one}], "next_after": "5m"}
        for one in ("ana", "bo")
    ]
    given = rules(tier("ana", "bo"), people=people, **UNHINDERED)

    async def story(night: Shift) -> None:
        incident = await night.fires()
        await night.turn()
        assert night.phone("ana").rang_once
        assert night.phone("bo").rang_once
        assert night.actions(incident).count("message.lost") == 1
        night.acks(incident, "bo")

    tell(story(begin(given)))
