"""What nobody will try again is told to a human, durably and by another way."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import pytest
from ledger.shelf import raw, send
from stories.night import Night

from steadyhand.journey.commands import Arm
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Tier
from steadyhand.journey.escalation.people import PersonRule
from steadyhand.journey.escalation.policy import EscalationRule
from steadyhand.journey.incident.state import Acknowledged
from steadyhand.ports import SourceRefused, SourceUnavailable
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.responder.engine.distress import unheard
from steadyhand.responder.engine.worker import Worker
from steadyhand.testing.phone import Phone

pytestmark = pytest.mark.usefixtures("place")  # on both databases

TWO_WAYS = EscalationRule(
    tiers=(
        Tier(name="on_call", contacts=(Contact(type="sms", user="ana"), Contact(type="phone", user="ana"))),
    ),
)


def broken(night: Night) -> Phone:
    """The SMS channel refuses everything from now on."""
    sms = Phone()
    sms.failure = SourceRefused("sms", "account closed")
    rules = night.rules.model_copy(update={"escalation": TWO_WAYS})
    night.outside = replace(night.outside, rules=rules, channels={"sms": sms, "phone": night.phone})
    night.worker = Worker(night.outside)
    return sms


class Pings:
    """A Watchdog that counts."""

    every = timedelta(seconds=1)

    def __init__(self) -> None:
        self.count = 0

    async def ping(self) -> None:
        self.count += 1


def calls_unheard(night: Night) -> int:
    with night.outside.ledger.read() as tx:
        return unheard(night.outside, tx)


def cries(night: Night) -> list[str]:
    return [one.body for one in night.phone.rings if one.subject == "STEADYHAND NEEDS HELP"]


def test_a_timer_that_keeps_failing_is_dead_and_pages_and_is_on_the_trail(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        with night.outside.ledger.write() as tx:
            bad = Arm(kind="escalate", key="bad", due_at=night.clock.now(), payload={"rung": "no number"})
            tx.arm(incident, bad)
        await night.pass_time(12)
        assert night.outside.ledger.figures(night.clock.now()).dead_timers == 1
        assert "timer.dead" in night.actions(incident)
        (durable, *_) = [one for one in night.phone.rings if one.key.startswith("help:bad")]
        assert "is given up" in durable.body
        assert "no number" in durable.body

    asyncio.run(story())


def test_a_bad_step_keeps_none_of_those_claimed_with_it_from_being_done(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        await night.turn()
        with night.outside.ledger.write() as tx:
            due = night.clock.now() + timedelta(minutes=15)
            tx.arm(incident, Arm(kind="escalate", key="bad", due_at=due, payload={"rung": "no number"}))
        await night.leap(minutes=15)
        assert night.phone.rang("bo") == 1

    asyncio.run(story())


def test_a_dead_message_of_no_incident_pages_by_the_other_ways_once_a_day(night: Night) -> None:
    async def story() -> None:
        sms = broken(night)
        with night.outside.ledger.write() as tx:
            for number in range(3):
                message = send(f"handoff:{number}").model_copy(update={"channel": "sms"})
                tx.send("", message, night.clock.now())
        await night.pass_time(3)
        assert cries(night) == ["Messages by sms are lost: sms: account closed"]
        assert sms.rings == []
        assert night.outside.ledger.figures(night.clock.now()).dead_messages == 4  # the cry by SMS itself too

    asyncio.run(story())


def test_a_dead_page_goes_another_way_and_cries_only_when_there_is_none(night: Night) -> None:
    async def story() -> None:
        broken(night)
        night.alert()
        await night.pass_time(3)
        assert len(cries(night)) == 1
        assert night.phone.rang("ana") >= 2  # her page by phone, and the cry

    asyncio.run(story())


def test_an_end_that_cannot_be_written_loses_none_of_those_written_with_it(night: Night) -> None:
    async def story() -> None:
        broken(night)
        bad, good = night.alert(service="shop"), night.alert(service="elsewhere")
        raw(night.place, f"update incident set state = '{{}}' where id = '{bad}'")  # noqa: S608 - our own id
        await night.turn()
        with night.outside.ledger.read() as tx:
            assert "failed" in {one.state for one in tx.receipts(good) if one.channel == "sms"}
            assert {one.state for one in tx.receipts(bad) if one.channel == "sms"} == {"sending"}
            assert "message.given_up" in [one.action for one in tx.trail(good)]
        assert any("stumbles" in one for one in cries(night))

    asyncio.run(story())


@pytest.mark.parametrize("late", [0, 3600])
def test_a_dead_letter_survives_the_process_that_wrote_it(night: Night, late: int) -> None:
    async def story() -> None:
        broken(night)
        with night.outside.ledger.write() as tx:
            tx.send("", send("handoff").model_copy(update={"channel": "sms"}), night.clock.now())
        await night.turn()
        assert cries(night) == []  # written, not yet sent
        channels = night.outside.channels
        night.restart()
        night.outside = replace(night.outside, channels=channels)
        night.worker = Worker(night.outside)
        await night.leap(seconds=late + 1)
        assert len(cries(night)) == 1

    asyncio.run(story())


def unreachable(night: Night, *people: PersonRule, working: Collection[str] = ("phone",)) -> None:
    """A ladder of one channel that refuses everything, and people whom no ladder names."""
    sms = Phone("sms")
    sms.failure = SourceRefused("sms", "account closed")
    dead = Tier(name="on_call", contacts=(Contact(type="sms", user="ana"),))
    rules = night.rules.model_copy(
        update={"escalation": EscalationRule(tiers=(dead,), repeat=0), "people": people}
    )
    channels = {"sms": sms, "phone": night.phone}
    night.outside = replace(
        night.outside, rules=rules, channels={name: channels[name] for name in ("sms", *working)}
    )
    night.worker = Worker(night.outside)


CY = PersonRule(name="cy", contacts=(Contact(type="telegram", user="cy"), Contact(type="phone", user="cy")))


def test_an_incident_that_reaches_nobody_of_its_ladder_reaches_anybody_who_can_be(night: Night) -> None:
    async def story() -> None:
        unreachable(night, CY)
        first, second = night.alert(), night.alert(service="wiki")
        await night.pass_time(5)
        told = [one for one in night.phone.rings if one.target == "cy"]
        assert {one.subject for one in told} == {"STEADYHAND NEEDS HELP"}
        for incident in (first, second):
            (body,) = [one.body for one in told if incident in one.body]
            assert "HighErrorRate" in body
            assert "nobody on its ladder can be reached" in body
        assert calls_unheard(night) == 0
        night.every_message_is_on_record()

    asyncio.run(story())


def test_whom_help_was_called_from_in_vain_is_replaced_by_whoever_is_left(night: Night) -> None:
    async def story() -> None:
        unreachable(night, CY)
        with night.outside.ledger.write() as tx:
            tx.send("", send("handoff").model_copy(update={"channel": "sms"}), night.clock.now())
        await night.pass_time(5)
        assert [one.target for one in night.phone.rings] == ["cy"]

    asyncio.run(story())


def test_help_that_nobody_hears_keeps_the_watchdog_silent_until_somebody_has_it(night: Night) -> None:
    async def pinged() -> bool:
        before = watchdog.count
        for _ in range(5):
            await night.clock.advance(seconds=1)
            await night.worker.guarded_turn()
            await night.worker.settle()
        return watchdog.count > before

    async def story() -> None:
        assert await pinged()
        incident = night.alert()
        night.leave_alone(incident)
        await night.pass_time(5)
        assert calls_unheard(night) == 1
        assert not await pinged()
        tell_incident(night.outside, incident, Acknowledged(by="ana", via="console"))
        assert calls_unheard(night) == 0
        assert await pinged()

    watchdog = Pings()
    unreachable(night, working=())
    night.outside = replace(night.outside, watchdog=watchdog)
    night.worker = Worker(night.outside)
    asyncio.run(story())


def test_a_ladder_that_leads_to_nobody_calls_for_help(night: Night) -> None:
    async def story() -> None:
        unreachable(night, CY)
        unset = Tier(name="on_call", contacts=(Contact(type="slack", user="{{lead}}"),))
        rules = night.outside.rules.model_copy(
            update={"escalation": EscalationRule(tiers=(unset,), repeat=0)}
        )
        night.outside = replace(night.outside, rules=rules)
        night.worker = Worker(night.outside)
        incident = night.alert()
        await night.pass_time(5)
        assert any(incident in one.body for one in night.phone.rings if one.target == "cy")

    asyncio.run(story())


def test_an_answer_takes_back_the_help_that_has_not_left(night: Night) -> None:
    async def story() -> None:
        unreachable(night, CY)
        night.phone.failure = SourceUnavailable("phone", "away")
        incident = night.alert()
        await night.pass_time(5)
        tell_incident(night.outside, incident, Acknowledged(by="ana", via="console"))
        night.phone.failure = None
        await night.leap(minutes=5)
        assert [one for one in night.phone.rings if incident in one.body] == []

    asyncio.run(story())
