"""Steps that want more than one answer, ways that fail late, and pages that quiet hours hold back."""

import pytest

from steadyhand.ports import SourceUnavailable
from steadyhand.responder.investigation.grading import Voice, grade
from stories.shift import Begin, Shift, lost, patient, rules, tell, tier

pytestmark = pytest.mark.usefixtures("place")  # on both databases


def test_two_must_have_it_and_the_first_does_not_silence_the_second(begin: Begin) -> None:
    given = rules(tier("ana", "bo", acknowledgements=2), tier("lead"))

    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("ana").rang_once
        assert night.phone("bo").rang_once
        night.acks(incident, "ana")
        await night.passes(minutes=5)
        assert night.sms("ana").silent
        assert night.sms("bo").rang_once
        night.acks(incident, "bo")
        await night.passes(hours=3)

    tell(story(begin(given)))


def test_who_had_it_too_early_may_have_it_later_where_one_is_enough(begin: Begin) -> None:
    last = {"name": "shop", "tiers": [tier("ana", "bo", acknowledgements=2)], "repeat": 0}
    policies = {"policies": [last | {"last_resort": [{"person": "ana"}]}], "tiers": [], "assign": []}
    given = rules(people=patient(), escalation=policies)

    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("ana").rang_once
        assert night.phone("bo").rang_once
        assert night.acks(incident, "ana").acked_by == ""
        assert night.acks(incident, "ana").acked_by == ""  # the same person twice is not two people
        assert night.actions(incident).count("incident.acknowledged") == 2
        await night.passes(minutes=15)
        assert night.phone("ana").rang_once
        assert night.acks(incident, "ana").acked_by == "ana"
        await night.passes(hours=3)

    tell(story(begin(given)))


def test_who_has_it_already_is_not_rung_by_what_still_waited_and_the_other_is(begin: Begin) -> None:
    given = rules(tier("ana", "bo", acknowledgements=2, after=60), people=patient())

    async def story(night: Shift) -> None:
        night.lines["phone"].failure = SourceUnavailable("phone", "the network is down")
        incident = await night.fires()
        night.acks(incident, "ana")
        night.lines["phone"].failure = None
        await night.passes(minutes=1)
        assert night.phone("bo").rang_once
        night.acks(incident, "bo")
        await night.passes(hours=3)

    tell(story(begin(given)))


def test_who_has_it_already_is_not_rung_by_another_way_because_the_first_failed(begin: Begin) -> None:
    given = rules(tier("ana", "bo", acknowledgements=2, after=60), throttle={"limits": {}})

    async def story(night: Shift) -> None:
        incident = await night.fires()
        ring = next(one for one in night.phone.rings if one.target == "ana")
        assert night.phone("ana").rang_once
        assert night.phone("bo").rang_once
        night.acks(incident, "ana")
        night.happens(incident, lost(ring.key))
        await night.turn()
        assert night.sms("ana").silent
        night.acks(incident, "bo")

    tell(story(begin(given)))


def test_where_two_must_have_it_and_one_is_asked_at_a_time_the_first_yes_asks_the_second(
    begin: Begin,
) -> None:
    given = rules(tier("ana", "bo", notify="any", acknowledgements=2, after=60), people=patient())

    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("ana").rang_once
        night.acks(incident, "ana")
        await night.turn()
        assert night.phone("bo").says("ana has it, and more must.")
        night.acks(incident, "bo")
        await night.passes(hours=3)

    tell(story(begin(given)))


def test_where_two_must_have_it_and_nobody_else_can_be_reached_the_next_tier_is_told_at_once(
    begin: Begin,
) -> None:
    given = rules(tier("ana", "bo", acknowledgements=2, after=60), tier("lead"), people=patient())

    async def story(night: Shift) -> None:
        incident = await night.fires()
        ring = next(one for one in night.phone.rings if one.target == "bo")
        assert night.phone("ana").rang_once
        assert night.phone("bo").rang_once
        night.acks(incident, "ana")
        night.happens(incident, lost(ring.key, "bo"))
        await night.turn()
        assert night.phone("lead").says("Nobody else of ana can be reached.")

    tell(story(begin(given)))


def test_a_way_that_turns_out_late_to_have_failed_does_not_begin_the_next_one_s_time_anew(
    begin: Begin,
) -> None:
    given = rules(tier("ana", "bo", notify="any", after=60))

    async def story(night: Shift) -> None:
        incident = await night.fires()
        ring = night.phone.rings[0]
        assert night.phone("ana").rang_once
        await night.passes(minutes=5)
        assert night.sms("ana").rang_once
        await night.passes(minutes=3)
        night.happens(incident, lost(ring.key))
        await night.passes(minutes=2)
        assert night.phone("bo").says("ana did not answer")
        night.acks(incident, "bo")

    tell(story(begin(given)))


def test_what_quiet_hours_hold_back_does_not_ring_in_the_morning_once_a_graver_page_has(begin: Begin) -> None:
    quiet = {"quiet_hours": {"starts": "11:00", "ends": "13:00", "time_zone": "UTC"}, "remind_every": None}
    given = rules(tier("ana"), people=patient(), escalation=quiet)

    async def story(night: Shift) -> None:
        incident = await night.fires(service="wiki", severity="info")
        assert night.phone("ana").silent
        grade(night.outside, incident, "SEV1", "the data is gone", Voice("bo", "human", "phone"))
        await night.turn()
        assert night.phone("ana").says("Raised from SEV4")
        await night.passes(minutes=15)
        assert night.phone("ana").says("You are last_resort")
        await night.passes(hours=3)

    tell(story(begin(given)))
