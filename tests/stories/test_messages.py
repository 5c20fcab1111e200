"""Messages on their way: real channels before fake vendors, a clock moved by hand, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from pydantic import SecretStr
from vendors.base import CUT_ANSWER, serving, status
from vendors.pagerduty import KEY, PagerDuty
from vendors.slack import TOKEN, Slack

from steadyhand.adapters.channels.pagerduty import PagerDutyChannel, PagerDutySettings
from steadyhand.adapters.channels.slack import SlackChannel, SlackSettings
from steadyhand.journey.escalation.audience import StakeholderRule, WarRoomRule
from steadyhand.journey.escalation.contact import Contact, NamedPerson
from steadyhand.journey.escalation.ladder import SeverityTreatment, Tier
from steadyhand.journey.escalation.people import PersonRule
from steadyhand.journey.escalation.policy import EscalationRule
from steadyhand.journey.incident.state import Acknowledged, ClosedByHuman
from steadyhand.ports import Channel, Letter, SourceUnavailable
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.responder.people.mail import take_receipt
from steadyhand.testing.phone import Phone
from stories.night import RULES, Night

pytestmark = pytest.mark.anyio
ANA = PersonRule(
    name="ana", contacts=(Contact(type="slack", channel="#incidents"), Contact(type="phone", user="ana"))
)
ACK = Acknowledged(by="ana", via="test")
CLOSE = ClosedByHuman(by="ana", via="test", why="fixed by hand")


def rules(*contacts: Contact, **sections: object) -> object:
    targets = contacts or (NamedPerson(person="ana"),)
    tiers = (Tier(name="on_call", contacts=targets),)
    escalation = EscalationRule(tiers=tiers, policies=(), assign=(), repeat=0)
    return RULES.model_copy(update={"escalation": escalation, "people": (ANA,), **sections})


def connect(night: Night, rules: object, **channels: Channel) -> None:
    night.rules = rules
    night.outside = replace(night.outside, rules=rules, channels={"phone": night.phone, **channels})
    night.worker = type(night.worker)(night.outside)


@asynccontextmanager
async def slack(night: Night) -> AsyncIterator[tuple[Slack, SlackChannel]]:
    vendor = Slack(clock=night.clock)
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        settings = SlackSettings(token_env="T", url=f"{server.url}/api")
        yield vendor, SlackChannel(settings, client, SecretStr(TOKEN), night.clock)


@asynccontextmanager
async def pagerduty() -> AsyncIterator[tuple[PagerDuty, PagerDutyChannel]]:
    vendor = PagerDuty()
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        settings = PagerDutySettings(routing_key_envs={"primary": "K"}, url=server.url)
        yield vendor, PagerDutyChannel(settings, client, {"primary": SecretStr(KEY)}, {})


def pages(vendor: Slack) -> list[str]:
    """What was posted to wake ana, so far."""
    return [one.key for one in vendor.take() if "You are on_call" in one.text]


def states_of_the_page(night: Night, incident: str) -> dict[str, str]:
    """By channel: the page itself, not what was asked or told later."""
    found = (one for one in night.view(incident).receipts if one.subject.endswith("HighErrorRate"))
    return {one.channel: one.state for one in found if one.act == "page"}


@pytest.mark.parametrize("error", ["channel_not_found", "invalid_auth", "is_archived", "missing_scope"])
async def test_what_a_channel_refuses_goes_by_the_next_way_within_a_second(night: Night, error: str) -> None:
    async with slack(night) as (vendor, channel):
        connect(night, rules(), slack=channel)
        vendor.errors["chat.postMessage"] = error
        incident = night.alert()
        await night.turn()
        await night.pass_time(1)
        assert night.phone.rang("ana") == 1
        assert states_of_the_page(night, incident) == {"slack": "failed", "phone": "sent"}
        assert "message.lost" in night.actions(incident)


async def test_a_channel_that_is_not_there_at_all_goes_by_the_next_way(night: Night) -> None:
    connect(night, rules())
    night.alert()
    await night.turn()
    await night.turn()
    assert night.phone.rang("ana") == 1


async def test_a_wait_that_slack_asks_for_is_kept_and_the_page_still_comes_in_time(night: Night) -> None:
    async with slack(night) as (vendor, channel):
        connect(night, rules(), slack=channel)
        vendor.trouble.append(status(429, retry_after="30"))
        night.alert()
        await night.pass_time(29)
        assert pages(vendor) == []
        await night.pass_time(3)
        assert len(pages(vendor)) == 1
        assert night.phone.rang("ana") == 0


async def test_a_wait_too_long_for_a_page_takes_the_next_way_too(
    night: Night,
) -> None:
    async with slack(night) as (vendor, channel):
        connect(night, rules(), slack=channel)
        vendor.trouble.append(status(429, retry_after="300"))
        night.alert()
        await night.turn()
        await night.turn()
        assert night.phone.rang("ana") == 1
        await night.leap(minutes=5)
        assert len(pages(vendor)) == 1


async def test_a_page_whose_answer_was_lost_is_looked_up_and_not_posted_twice(night: Night) -> None:
    async with slack(night) as (vendor, channel):
        connect(night, rules(), slack=channel)
        vendor.trouble.append(CUT_ANSWER)
        incident = night.alert()
        await night.pass_time(5)
        assert len(pages(vendor)) == 1
        assert states_of_the_page(night, incident) == {"slack": "sent"}


async def test_a_message_that_a_process_died_over_is_looked_up_by_the_next(night: Night) -> None:
    async with slack(night) as (vendor, channel):
        connect(night, rules(), slack=channel)
        night.alert()
        claimed = night.outside.ledger.claim_messages("dead", night.clock.now(), timedelta(seconds=30), 9)
        await channel.send(Letter(key=claimed[0].key, target="#incidents", subject="s", body="b"))
        night.outside.ledger.reclaim(night.clock.now(), all_owners=True)
        await night.turn()
        assert [one.key for one in vendor.take()].count(claimed[0].key) == 1


async def test_news_of_an_incident_stand_in_its_thread_and_its_end_on_top(night: Night) -> None:
    async with slack(night) as (vendor, channel):
        connect(night, rules(), slack=channel)
        incident = night.alert()
        await night.pass_time(3)
        tell_incident(night.outside, incident, ACK)
        await night.pass_time(3)
        tell_incident(night.outside, incident, CLOSE)
        await night.pass_time(3)
        root, *replies = vendor.take()
        assert {one.thread_ts for one in replies} == {root.ts}
        assert ["acknowledged" in root.edits[0], "resolved" in root.edits[-1]] == [True, True]


async def test_pagerduty_is_acknowledged_and_resolved_when_the_incident_is(night: Night) -> None:
    async with pagerduty() as (vendor, channel):
        connect(night, rules(Contact(type="pagerduty", service="primary")), pagerduty=channel)
        incident = night.alert()
        await night.pass_time(2)
        (alarm,) = vendor.incidents
        assert (alarm.state, alarm.severity) == ("triggered", "error")
        tell_incident(night.outside, incident, ACK)
        await night.pass_time(2)
        assert alarm.state == "acknowledged"
        tell_incident(night.outside, incident, CLOSE)
        await night.pass_time(2)
        assert alarm.state == "resolved"
        vendor.take()


async def test_an_acknowledgement_never_overtakes_its_page(night: Night) -> None:
    """The page is still on its way when somebody acknowledges: an alarm that came last would ring on."""
    async with pagerduty() as (vendor, channel):
        gate, send = asyncio.Event(), channel.send

        async def slow(letter: Letter) -> str:
            if letter.act == "page":
                await gate.wait()
            return await send(letter)

        channel.send = slow
        connect(night, rules(Contact(type="pagerduty", service="primary")), pagerduty=channel)
        incident = night.alert()
        await night.worker.turn()
        tell_incident(night.outside, incident, ACK)
        await night.worker.turn()
        answer = next(one for one in night.view(incident).receipts if one.act == "acknowledged")
        assert (states_of_the_page(night, incident)["pagerduty"], answer.state) == ("sending", "queued")
        gate.set()
        await night.worker.settle()
        await night.pass_time(2)
        assert [one.event_action for one in vendor.take()][:2] == ["trigger", "acknowledge"]
        assert vendor.incidents[0].state == "acknowledged"


async def test_a_page_taken_back_before_it_left_is_followed_by_nothing(night: Night) -> None:
    async with pagerduty() as (vendor, channel):
        connect(night, rules(Contact(type="pagerduty", service="primary")), pagerduty=channel)
        incident = night.alert()
        tell_incident(night.outside, incident, CLOSE)
        await night.pass_time(2)
        assert vendor.incidents == []


async def test_without_a_receipt_in_time_the_next_way_is_taken_and_sent_is_not_reached(night: Night) -> None:
    pager = Phone("pager")
    pager.receipt_within = timedelta(seconds=60)
    way = PersonRule(
        name="ana", contacts=(Contact(type="webhook", target="ana"), Contact(type="phone", user="ana"))
    )
    connect(night, rules(NamedPerson(person="ana"), people=(way,)), webhook=pager)
    incident = night.alert()
    await night.pass_time(59)
    assert night.phone.rang("ana") == 0
    await night.pass_time(3)
    assert night.phone.rang("ana") == 1
    assert states_of_the_page(night, incident)["webhook"] == "sent"


async def test_a_receipt_in_time_keeps_the_next_way_quiet_and_shows_how_far_it_got(night: Night) -> None:
    pager = Phone("pager")
    pager.receipt_within = timedelta(seconds=60)
    way = PersonRule(
        name="ana",
        contacts=(Contact(type="webhook", target="ana"), Contact(type="phone", user="ana")),
        next_after=timedelta(minutes=20),
    )
    connect(night, rules(NamedPerson(person="ana"), people=(way,)), webhook=pager)
    incident = night.alert()
    await night.turn()
    key = pager.rings[0].key

    def state() -> str:
        return states_of_the_page(night, incident)["webhook"]

    assert state() == "sent"
    assert take_receipt(night.outside, pager, key, "delivered", "")
    assert state() == "delivered"
    assert not take_receipt(night.outside, pager, key, "delivered", "")
    assert take_receipt(night.outside, pager, key, "seen", "")
    assert not take_receipt(night.outside, pager, key, "delivered", "")
    assert state() == "seen"
    await night.pass_time(90)
    assert [one for one in night.phone.rings if "You are on_call" in one.body] == []
    assert {"message.delivered", "message.seen"} <= set(night.actions(incident))


async def test_a_receipt_that_says_no_takes_the_next_way_and_a_stranger_s_receipt_says_nothing(
    night: Night,
) -> None:
    pager = Phone("pager")
    way = PersonRule(
        name="ana", contacts=(Contact(type="webhook", target="ana"), Contact(type="phone", user="ana"))
    )
    connect(night, rules(NamedPerson(person="ana"), people=(way,)), webhook=pager)
    night.alert()
    await night.turn()
    key = pager.rings[0].key
    assert not take_receipt(night.outside, night.phone, key, "failed", "")
    assert not take_receipt(night.outside, pager, "no-such-key", "failed", "")
    assert take_receipt(night.outside, pager, key, "failed", "landline")
    await night.turn()
    assert night.phone.rang("ana") == 1


async def test_a_war_room_fills_step_by_step_and_no_page_waits_for_it(night: Night) -> None:
    async with slack(night) as (vendor, channel):
        sections = {
            "war_room": WarRoomRule(channel="slack", invite=("U1", "U9")),
            "severity_rules": {"SEV2": SeverityTreatment(create_war_room=True)},
        }
        connect(night, rules(Contact(type="phone", user="ana"), **sections), slack=channel)
        vendor.errors["conversations.create"] = "internal_error"
        incident = night.alert()
        await night.pass_time(3)
        assert night.phone.rang("ana") >= 1
        del vendor.errors["conversations.create"]
        await night.pass_time(90)
        room = next(one for one in vendor.rooms if one.name.startswith("inc-1"))
        assert "U1" in room.members
        assert room.topic.startswith("SEV2")
        assert len(room.pins) == 1
        states = {one.act: one.state for one in night.view(incident).receipts if one.channel == "slack"}
        assert (states["room"], states["topic"], states["pin"]) == ("sent", "sent", "sent")
        lost = [one for one in night.view(incident).receipts if one.state == "failed"]
        assert [one.error for one in lost] == ["slack: Slack says users_not_found"]
        vendor.take()


async def test_stakeholders_hear_from_us_until_the_end_through_kills_and_outages(night: Night) -> None:
    board = Phone("email")
    sections = {
        "stakeholders": StakeholderRule(contacts=(Contact(type="email", address="board@example.org"),)),
        "severity_rules": {"SEV2": SeverityTreatment(notify_stakeholders=True)},
    }
    given = rules(Contact(type="phone", user="ana"), **sections)
    connect(night, given, email=board)
    incident = night.alert()
    await night.turn()
    assert board.rang("board@example.org") == 1
    board.failure = SourceUnavailable("email", "down")
    await night.leap(minutes=60)
    night.restart()
    connect(night, given, email=board)
    board.failure = None
    await night.leap(minutes=10)
    tell_incident(night.outside, incident, CLOSE)
    await night.turn()
    await night.turn()
    subjects = [one.subject for one in board.rings]
    assert subjects == ["Incident: shop (SEV2)", "Update: shop (SEV2)", "Resolved: shop (SEV2)"]
    assert "last update" in board.rings[-1].body
