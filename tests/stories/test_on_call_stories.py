"""Nights of people on call, each read like its log. Whatever rings and is not expected fails the story."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.people import Reach
from steadyhand.journey.incident.state import Reassigned, Snoozed
from steadyhand.responder.people.handing import delegate
from stories.night import RULES
from stories.shift import Begin, Shift, lost, patient, rules, tell, tier

ASKED = rules(tier("ana", after=60), tier("lead", after=60), people=patient()).model_copy(
    update={"goals": RULES.goals}
)

pytestmark = pytest.mark.usefixtures("place")  # on both databases


# what a simple engine gets wrong, one by one


def test_every_tier_is_told_in_its_turn_and_not_the_first_one_for_ever(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        await night.fires()
        assert night.phone("ana").rang_once
        await night.passes(minutes=15)
        assert night.phone("lead").says("ana did not answer")
        await night.passes(minutes=29)
        assert night.phone("boss").silent
        await night.passes(minutes=1)
        assert night.phone("boss").rang_once

    tell(story(begin()))


def test_after_the_last_resort_it_is_told_again_at_a_steady_pace_until_somebody_answers(begin: Begin) -> None:
    given = rules(tier("ana"), people=patient(), escalation={"remind_every": 20})

    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("ana").rang_once
        await night.passes(minutes=15)
        assert night.phone("ana").says("You are last_resort")
        for _ in range(3):
            await night.passes(minutes=19)
            assert night.phone("ana").silent
            await night.passes(minutes=1)
            assert night.phone("ana").says("last_resort did not answer. Nobody has it since 12:00 UTC.")
        await night.passes(minutes=10)
        night.restart()
        night.acks(incident)
        await night.passes(hours=24)
        assert night.actions(incident).count("escalation.reminded") == 3

    tell(story(begin(given)))


@pytest.mark.parametrize(
    ("escalation", "severity"), [({"remind_every": None}, "critical"), ({"at_least": {}}, "info")]
)
def test_nobody_is_reminded_of_what_may_wait_nor_where_the_rule_says_never(
    begin: Begin, escalation: dict[str, object], severity: str
) -> None:
    treatment = {"SEV4": {"auto_escalate": True}}
    given = rules(tier("ana"), people=patient(), escalation=escalation, severity_rules=treatment)

    async def story(night: Shift) -> None:
        await night.fires(severity=severity)
        assert night.phone("ana").rang_once
        await night.passes(minutes=15)
        assert night.phone("ana").says("You are last_resort")
        await night.passes(hours=72)

    tell(story(begin(given)))


def test_an_acknowledgement_says_whether_it_came_in_time(begin: Begin) -> None:
    given = rules(tier("ana", after=60, response_time_minutes=10), people=patient())

    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("ana").says("You are ana: answer within 10m.")
        await night.passes(minutes=12)
        night.acks(incident)
        (line,) = (one for one in night.view(incident).trail if one.action == "incident.acknowledged")
        assert line.body == {"after": "12m", "wanted_within": "10m", "in_time": "no"}

    tell(story(begin(given)))


@pytest.mark.parametrize(
    "change", [datetime(2026, 3, 29, 0, 50, tzinfo=UTC), datetime(2026, 10, 25, 0, 50, tzinfo=UTC)]
)
def test_fifteen_minutes_are_fifteen_minutes_while_the_clocks_change(begin: Begin, change: datetime) -> None:
    async def story(night: Shift) -> None:
        await night.fires()
        assert night.phone("ana").rang_once
        await night.passes(minutes=14)
        assert night.phone("lead").silent
        await night.passes(minutes=1)
        assert night.phone("lead").rang_once

    tell(story(begin(at=change)))


def test_a_tier_s_time_runs_from_when_it_was_told_not_from_the_beginning(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("ana").rang_once
        await night.passes(minutes=10)
        to = Reach(who="cy", contacts=(Contact(type="phone", user="cy"),))
        night.happens(incident, Reassigned(by="ana", via="phone", to=to))
        await night.turn()
        assert night.phone("cy").says("ana gives it to cy.")
        await night.passes(minutes=14)
        assert night.phone("lead").silent
        await night.passes(minutes=1)
        assert night.phone("lead").rang_once

    tell(story(begin()))


def test_nobody_is_rung_after_somebody_has_it(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("ana").rang_once
        await night.passes(minutes=14)
        night.acks(incident)
        await night.passes(hours=12)

    tell(story(begin()))


def test_a_hundred_alerts_are_one_incident_and_one_call(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        found = {await night.fires() for _ in range(100)}
        assert night.phone("ana").rang_once
        assert len(found) == 1
        assert night.incidents()[0].repeats == 99

    tell(story(begin()))


def test_killed_in_minute_fourteen_and_started_in_minute_sixteen_it_is_told_once_and_late(
    begin: Begin,
) -> None:
    async def story(night: Shift) -> None:
        await night.fires()
        assert night.phone("ana").rang_once
        await night.passes(minutes=14)
        await night.clock.advance(minutes=2)
        night.restart()
        await night.passes(minutes=1)
        assert night.phone("lead").says("late by 60 s")

    tell(story(begin()))


def test_without_any_call_from_outside_escalation_happens(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        await night.fires()
        assert night.phone("ana").rang_once
        running = asyncio.create_task(night.worker.run())
        await night.clock.advance(minutes=15)
        for _ in range(1000):
            await night.clock.advance(seconds=1)
            await asyncio.sleep(0.01)  # the store works in threads of its own
            if night.phone("lead").waiting:
                break
        await night.worker.settle()  # what became of the call is on record
        running.cancel()
        await asyncio.wait([running])
        assert night.phone("lead").rang_once

    tell(story(begin()))


# people and their ways


def test_who_does_not_answer_the_telephone_gets_a_short_message_and_the_tier_s_clock_runs_on(
    begin: Begin,
) -> None:
    async def story(night: Shift) -> None:
        await night.fires()
        assert night.phone("ana").rang_once
        await night.passes(minutes=5)
        assert night.sms("ana").says("ana did not answer")
        await night.passes(minutes=10)
        assert night.phone("lead").rang_once

    tell(story(begin(rules(tier("ana"), tier("lead")))))


def test_when_nobody_can_be_reached_the_next_tier_is_told_at_once(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        incident = await night.fires()
        ring = night.phone.rings[0]
        assert night.phone("ana").rang_once
        night.happens(incident, lost(ring.key))
        await night.turn()
        assert night.phone("lead").says("Nobody of ana can be reached.")
        assert "person.unreachable" in night.actions(incident)

    tell(story(begin()))


def test_a_tier_with_nobody_on_call_is_passed_over_at_once_and_recorded(begin: Begin) -> None:
    schedules = [
        {
            "name": "primary",
            "time_zone": "UTC",
            "layers": [{"people": ["ana"], "starts": "2026-02-01T00:00"}],
        }
    ]
    empty = {"name": "primary", "contacts": [{"schedule": "primary"}]}
    given = rules(empty, tier("lead"), schedules=schedules, people=patient())

    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("lead").rang_once
        assert "escalation.empty_tier" in night.actions(incident)

    tell(story(begin(given)))


def test_a_hand_off_while_an_incident_climbs_rings_whoever_has_come(begin: Begin) -> None:
    layer = {"people": ["ana", "bo"], "starts": "2026-01-30T12:30", "shift": "1d"}
    schedules = [{"name": "primary", "time_zone": "UTC", "handoff_notice": False, "layers": [layer]}]
    primary = {"name": "primary", "contacts": [{"schedule": "primary"}], "escalate_after": 60}
    given = rules(primary, repeat=1, schedules=schedules, people=patient())

    async def story(night: Shift) -> None:
        await night.fires()
        assert night.phone("ana").rang_once
        await night.passes(minutes=60)
        assert night.phone("bo").rang_once

    tell(story(begin(given)))


def test_turns_go_round_and_whoever_stays_silent_is_stood_in_for(begin: Begin) -> None:
    given = rules(tier("ana", "bo", "cy", notify="round_robin", after=60), people=patient())

    async def story(night: Shift) -> None:
        first = await night.fires()
        assert night.phone("ana").rang_once
        night.acks(first)
        await night.fires(service="wiki")
        assert night.phone("bo").rang_once
        await night.passes(minutes=5)
        assert night.phone("cy").says("bo did not answer")
        await night.passes(minutes=5)
        assert night.phone("ana").rang_once

    tell(story(begin(given)))


# putting off, and being forgotten


def test_a_snooze_is_kept_through_a_kill_and_then_the_same_tier_is_rung(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("ana").rang_once
        until = night.clock.now() + timedelta(hours=2)
        night.happens(incident, Snoozed(by="ana", via="phone", until=until))
        await night.passes(minutes=119)
        night.restart()
        await night.passes(minutes=1)
        assert night.phone("ana").says("The snooze of ana is over.")
        await night.passes(minutes=15)
        assert night.phone("lead").rang_once

    tell(story(begin()))


def test_an_answer_that_nothing_follows_runs_out_and_the_same_tier_is_rung(begin: Begin) -> None:
    given = rules(tier("ana"), tier("lead"), people=patient(), escalation={"unack_after": "1h"})

    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("ana").rang_once
        night.acks(incident)
        await night.passes(minutes=40)
        night.acks(incident)  # still at it: the hour begins anew
        await night.passes(minutes=59)
        await night.passes(minutes=1)
        assert night.phone("ana").says("Nothing was heard of ana, who has it.")

    tell(story(begin(given)))


# the question for a yes or no


def test_a_question_nobody_answers_goes_to_the_next_tier_after_five_minutes(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        plan = night.propose(await night.fires())
        assert night.phone("ana").rang_once
        await night.turn()
        assert night.phone("ana").says("yes or no?")
        await night.passes(minutes=5)
        assert night.phone("lead").says(plan.id, "waits for a yes or no")

    tell(story(begin(ASKED)))


def test_a_delegated_question_keeps_its_deadline(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        night.hire("ana")
        night.hire("bo")
        plan = night.propose(await night.fires())
        assert night.phone("ana").rang_once
        await night.passes(minutes=3)
        assert night.phone("ana").rang_once
        with night.outside.ledger.read() as tx:
            ana = tx.person("ana")
        delegate(night.outside, ana, plan.id, "bo", "phone")
        await night.turn()
        assert night.phone("bo").says("ana asks you for a yes or no")
        await night.passes(minutes=2)
        assert night.phone("lead").says("waits for a yes or no")

    tell(story(begin(ASKED)))
