from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from vendors.base import CUT_ANSWER, serving, status
from vendors.line_up import pagerduty_line
from vendors.pagerduty import KEY, OTHER_KEY, PagerDuty

from steadyhand.adapters.channels.pagerduty import PagerDutyChannel, PagerDutySettings
from steadyhand.ports import EffectUnknown, Letter, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio
PAGE = Letter(
    key="k1",
    target="primary",
    subject="SEV1 shop",
    body="down",
    severity="SEV1",
    incident="inc-1",
    thread="inc-1:0",
    link="https://steadyhand.example.org/incidents/inc-1",
)


def then(act: str, first: str) -> Letter:
    return PAGE.model_copy(update={"key": act, "act": act, "first": first})


async def test_an_incident_is_triggered_acknowledged_and_resolved_under_one_key() -> None:
    async with pagerduty_line(Path()) as line:
        first = await line.channel.send(PAGE)
        (incident,) = line.vendor.incidents
        assert (incident.dedup_key, incident.severity) == ("steadyhand-inc-1:0", "critical")
        for act, state in (("acknowledged", "acknowledged"), ("resolved", "resolved")):
            await line.channel.send(then(act, first))
            assert incident.state == state
        assert [one.event_action for one in line.arrived()] == ["trigger", "acknowledge", "resolve"]


async def test_a_repeat_after_a_lost_answer_opens_no_second_incident() -> None:
    async with pagerduty_line(Path()) as line:
        line.fails(CUT_ANSWER)
        with pytest.raises(EffectUnknown):
            await line.channel.send(PAGE)
        await line.channel.send(PAGE)
        (incident,) = line.vendor.incidents
        assert incident.triggers == len(line.arrived()) == 2


async def test_a_late_resolve_of_the_last_episode_leaves_the_new_one_open() -> None:
    async with pagerduty_line(Path()) as line:
        first = await line.channel.send(PAGE)
        await line.channel.send(PAGE.model_copy(update={"key": "k2", "thread": "inc-1:1"}))
        await line.channel.send(then("resolved", first))
        assert [one.state for one in line.vendor.incidents] == ["resolved", "triggered"]
        line.arrived()


async def test_a_changed_routing_key_closes_with_the_former_one_or_says_so() -> None:
    vendor = PagerDuty()
    vendor.keys.add(OTHER_KEY)
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        settings = PagerDutySettings.model_validate({"routing_key_envs": {"primary": "K"}, "url": server.url})

        def channel(key: str, old: str = "") -> PagerDutyChannel:
            former = {"primary": SecretStr(old)} if old else {}
            return PagerDutyChannel(settings, client, {"primary": SecretStr(key)}, former)

        first = await channel(KEY).send(PAGE)
        assert KEY not in first
        with pytest.raises(SourceRefused, match="old_routing_key_envs"):
            await channel(OTHER_KEY).send(then("resolved", first))
        assert vendor.incidents[0].state == "triggered"
        await channel(OTHER_KEY, KEY).send(then("resolved", first))
        assert vendor.incidents[0].state == "resolved"
        vendor.take()


async def test_a_400_is_never_repeated_and_names_what_pagerduty_says() -> None:
    async with pagerduty_line(Path()) as line:
        line.vendor.keys.clear()
        with pytest.raises(SourceRefused, match="bad routing_key"):
            await line.channel.send(PAGE)
        assert len(line.vendor.asked) == 1


async def test_a_wait_longer_than_the_deadline_is_handed_on() -> None:
    async with pagerduty_line(Path()) as line:
        line.fails(status(429, retry_after="30"))
        with pytest.raises(SourceUnavailable) as caught:
            await line.channel.send(PAGE)
        assert caught.value.again_after is not None
        assert caught.value.again_after.total_seconds() == 30


async def test_notes_and_unknown_services_are_refused() -> None:
    async with pagerduty_line(Path()) as line:
        with pytest.raises(SourceRefused, match="not notes"):
            await line.channel.send(PAGE.model_copy(update={"act": "note"}))
        with pytest.raises(SourceRefused, match="no 'second'"):
            await line.channel.send(PAGE.model_copy(update={"target": "second"}))


async def test_a_routing_key_of_the_wrong_form_is_told_by_the_lint() -> None:
    settings = PagerDutySettings(routing_key_envs={"primary": "K"})
    async with httpx2.AsyncClient() as client:
        channel = PagerDutyChannel(settings, client, {"primary": SecretStr("short")}, {})
        assert "routing key of primary" in (await channel.ready())[0]
