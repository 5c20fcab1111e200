"""Whatever breaks around the worker, every promise in the store is kept."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from stories.night import Night, Users

from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Tier
from steadyhand.journey.escalation.policy import EscalationRule
from steadyhand.journey.evidence.model import DatabaseReport
from steadyhand.journey.incident.state import Acknowledged, ClosedByHuman, InvestigationFailed
from steadyhand.journey.rollout.model import Observed
from steadyhand.ports import LeaseLost, Letter, SourceRefused, SourceUnavailable
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.responder.engine.alarm import Alarm
from steadyhand.responder.engine.worker import Worker
from steadyhand.responder.rollouts.driving import drive
from steadyhand.responder.rollouts.interventions import abort_rollout
from steadyhand.testing.phone import Phone
from steadyhand.testing.traffic import TrafficSimulator

pytestmark = pytest.mark.usefixtures("place")  # on both databases

PAGE_AND_PHONE = EscalationRule(
    tiers=(
        Tier(name="on_call", contacts=(Contact(type="sms", user="ana"), Contact(type="phone", user="ana"))),
    )
)


class BrokenChannel(Phone):
    """A channel with a bug of its own."""

    async def send(self, letter: Letter) -> str:  # noqa: ARG002 - a port's shape
        raise ZeroDivisionError


class BrokenProbe:
    """A look into a database with a bug of its own."""

    name = "postgres"

    async def look(self, at: datetime) -> DatabaseReport:  # noqa: ARG002 - a port's shape
        raise ZeroDivisionError


class SlowTraffic(TrafficSimulator):
    """Each share waits at the gate until it is opened."""

    def __init__(self, night: Night) -> None:
        super().__init__(night.clock, version="1.1")
        self.stable.error_rate = 0.3
        self.gate = asyncio.Event()
        self.gate.set()
        self.done: list[str] = []

    async def set_share(self, share: float, lease: timedelta, fence: int = 0) -> Observed:
        await self.gate.wait()
        self.done.append("share")
        return await super().set_share(share, lease, fence)

    async def revert(self) -> Observed:
        self.done.append("revert")
        return await super().revert()


def with_channels(night: Night, **channels: object) -> None:
    rules = night.rules.model_copy(update={"escalation": PAGE_AND_PHONE})
    night.outside = replace(night.outside, rules=rules, channels=channels)
    night.worker = Worker(night.outside)


def slow_down(night: Night) -> None:
    night.traffic = SlowTraffic(night)
    night.users = Users(night.traffic, night.database)
    night.restart()


async def until_watching(night: Night) -> str:
    plan = night.propose(night.alert())
    await night.answer(plan)
    for _ in range(20):
        await night.pass_time(1)
        rollout = night.view(plan.incident).rollout
        if rollout is not None and rollout.phase == "watching":
            return plan.incident
    raise AssertionError("never watched")


async def until_over(night: Night, incident: str) -> str:
    for _ in range(300):
        await night.pass_time(1)
        rollout = night.view(incident).rollout
        if rollout is not None and rollout.phase in ("verified", "reverted", "stuck"):
            return rollout.phase
    raise AssertionError("never over")


def test_a_channel_with_a_bug_keeps_no_other_channel_silent_and_is_tried_again(night: Night) -> None:
    async def story() -> None:
        with_channels(night, sms=BrokenChannel(), phone=night.phone)
        incident = night.alert()
        await night.pass_time(5)
        page = next(one for one in night.view(incident).receipts if one.channel == "sms")
        assert page.state == "queued"
        assert page.attempts >= 2
        assert night.phone.rings[0].subject == page.subject

    asyncio.run(story())


def test_the_alarm_rings_the_phone_although_the_other_line_is_broken(night: Night) -> None:
    async def story() -> None:
        with_channels(night, sms=BrokenChannel(), phone=night.phone)
        alarm = Alarm(night.outside)
        for _ in range(3):
            await alarm.ring("the store is sick")
        assert night.phone.rang("ana") == 1
        await night.clock.advance(minutes=1)
        await alarm.ring("the store is sick")
        assert night.phone.rang("ana") == 2

    asyncio.run(story())


def test_no_bug_ends_the_loop(night: Night) -> None:
    async def story() -> None:
        ledger = night.outside.ledger
        reclaim, stumbles = ledger.reclaim, [ZeroDivisionError()]

        def stumble(now: datetime, *, all_owners: bool) -> int:
            if stumbles:
                raise stumbles.pop()
            return reclaim(now, all_owners=all_owners)

        ledger.reclaim = stumble
        night.alert()
        working = asyncio.create_task(night.worker.run())
        for _ in range(50):
            await asyncio.sleep(0.01)
            await night.clock.advance(seconds=1)
        assert night.phone.rings[0].subject == "STEADYHAND NEEDS HELP"
        assert night.phone.rings[-1].subject.startswith("SEV2 shop")
        working.cancel()
        await asyncio.wait([working])

    asyncio.run(story())


def test_a_source_with_a_bug_is_a_gap_on_the_page(night: Night) -> None:
    async def story() -> None:
        night.outside = replace(night.outside, probes={"postgres": BrokenProbe()})
        night.worker = Worker(night.outside)
        incident = night.alert()
        await night.pass_time(2)
        view = night.view(incident)
        assert view.incident.status == "needs_human"
        assert any("ZeroDivisionError" in gap for gap in view.page.gaps)

    asyncio.run(story())


def test_an_investigation_that_keeps_failing_is_left_to_a_human_in_the_end(night: Night) -> None:
    def no_names(_prefix: str) -> str:
        raise ZeroDivisionError("a bug of our own")

    async def story() -> None:
        incident = night.alert()
        night.outside = replace(night.outside, new_id=no_names)
        night.worker = Worker(night.outside)
        await night.pass_time(12)
        view = night.view(incident)
        assert view.incident.status == "needs_human"
        assert "ZeroDivisionError" in view.incident.note
        assert any("keeps failing" in one.body for one in night.phone.rings)

    asyncio.run(story())


def test_a_failed_look_does_not_reopen_what_a_human_closed(night: Night) -> None:
    incident = night.alert()
    tell_incident(night.outside, incident, ClosedByHuman(by="ana", via="test", why="a drill"))
    tell_incident(night.outside, incident, InvestigationFailed(why="too late"))
    assert night.view(incident).incident.status == "resolved"


def test_effects_of_one_rollout_never_overtake_each_other(night: Night) -> None:
    async def story() -> None:
        slow_down(night)
        incident = await until_watching(night)
        night.traffic.gate.clear()
        await night.clock.advance(seconds=1)
        await night.worker.turn()  # a step begins and hangs
        await asyncio.sleep(0.05)
        night.traffic.done.clear()
        await abort_rollout(night.outside, incident, "ana", "changed my mind")
        await night.worker.turn()
        await asyncio.sleep(0.05)
        assert night.traffic.done == []
        night.traffic.gate.set()
        await night.worker.settle()
        assert night.traffic.done[:2] == ["share", "revert"]
        assert (await night.traffic.observe()).share == 0
        assert await until_over(night, incident) == "reverted"

    asyncio.run(story())


def test_who_lost_the_lease_moves_no_traffic(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        ledger, now = night.outside.ledger, night.clock.now()

        def claim() -> object:
            due = ledger.claim_timers("somebody", now, timedelta(seconds=30), 9)
            return next(one for one in due if one.kind == "rollout")

        old = claim()
        ledger.reclaim(now, all_owners=True)
        new = claim()
        with pytest.raises(LeaseLost):
            await drive(night.outside, old)
        assert night.view(plan.incident).rollout is None
        assert night.traffic.canary.version == ""
        await drive(night.outside, new)
        rollout = night.view(plan.incident).rollout
        assert rollout is not None
        assert rollout.phase == "preparing"

    asyncio.run(story())


def test_a_target_with_a_bug_gets_its_rollout_taken_back_or_a_human(night: Night) -> None:
    async def story() -> None:
        incident = await until_watching(night)
        night.traffic.failure = ZeroDivisionError()
        assert await until_over(night, incident) == "stuck"
        await night.turn()
        assert any("STUCK" in one.body for one in night.phone.rings)

    asyncio.run(story())


def test_a_target_that_is_gone_from_the_configuration_calls_a_human(night: Night) -> None:
    async def story() -> None:
        incident = await until_watching(night)
        night.restart()
        night.outside = replace(night.outside, traffic={})
        night.worker = Worker(night.outside)
        assert await until_over(night, incident) == "stuck"
        await night.turn()
        assert "nothing there moves the traffic of shop" in night.phone.rings[-1].body

    asyncio.run(story())


def test_a_service_that_stops_in_the_middle_of_a_step_leaves_it_to_the_next(night: Night) -> None:
    async def story() -> None:
        slow_down(night)
        incident = await until_watching(night)
        working = asyncio.create_task(night.worker.run())
        night.traffic.gate.clear()
        await night.clock.advance(seconds=1)
        await asyncio.sleep(0.05)
        working.cancel()
        await asyncio.wait([working])
        assert len(asyncio.all_tasks()) == 1
        night.traffic.gate.set()
        night.restart()
        assert await until_over(night, incident) == "verified"
        assert night.actions(incident).count("rollout.taken_over") == 1

    asyncio.run(story())


def test_a_message_on_its_way_when_the_service_died_is_sent_again_with_its_key(night: Night) -> None:
    async def story() -> None:
        night.alert()
        claimed = night.outside.ledger.claim_messages("dead", night.clock.now(), timedelta(seconds=30), 9)
        night.restart()
        await night.turn()
        assert [one.key for one in night.phone.rings] == [one.key for one in claimed]

    asyncio.run(story())


def test_a_refused_message_is_given_up_and_a_busy_line_is_tried_on(night: Night) -> None:
    async def story() -> None:
        for failure, state in (
            (SourceRefused("phone", "no such number"), "failed"),
            (SourceUnavailable("phone", "busy"), "queued"),
        ):
            night.phone.failure = failure
            incident = night.alert(service="shop" if state == "failed" else "elsewhere")
            await night.pass_time(130)
            page = next(one for one in night.view(incident).receipts if one.act == "page")
            assert page.state == state
            assert (page.attempts == 1) == (state == "failed")

    asyncio.run(story())


def test_a_page_that_failed_is_not_tried_again_after_the_acknowledgement(night: Night) -> None:
    async def story() -> None:
        night.phone.failure = SourceUnavailable("phone", "busy")
        incident = night.alert()
        await night.turn()
        tell_incident(night.outside, incident, Acknowledged(by="ana", via="test"))
        night.phone.failure = None
        await night.leap(minutes=1)
        assert [one for one in night.phone.rings if "You are" in one.body] == []

    asyncio.run(story())


def test_a_channel_that_is_not_configured_is_said_so_on_the_incident(night: Night) -> None:
    async def story() -> None:
        with_channels(night, phone=Phone())
        incident = night.alert()
        await night.turn()
        sms = next(one for one in night.view(incident).receipts if one.channel == "sms")
        assert (sms.state, sms.error) == ("failed", "sms: no such channel is configured")

    asyncio.run(story())
