"""What channels send, the vendors' own typed clients accept.

Slack's is slack_sdk (names of methods and their parameters, Block Kit models with their limits), GitHub's
the models of githubkit, made from GitHub's OpenAPI description, PagerDuty's its own client for Events v2;
Jira's documents are held against the JSON schema of Atlassian's document format. All in tests/vendor_clients.
No package we found carries the OpenAPI files of Events v2 and of Jira's platform.
"""

from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from contracts.test_vendor_descriptions import HOME, only_what_it_knows
from pydantic import SecretStr
from servers import Request
from vendors.base import serving
from vendors.line_up import github_line, jira_line, pagerduty_line
from vendors.slack import TOKEN, Slack

from steadyhand.adapters.channels.slack import SlackChannel, SlackSettings
from steadyhand.ports import Letter
from steadyhand.testing.clock import VirtualClock

pytestmark = pytest.mark.anyio
BODY = "Errors <18 %> & rising, says `x` @here\n" + "a long line " * 400
PAGE = Letter(
    key="k1", target="#incidents", subject="SEV1 shop", body=BODY, incident="inc-1", severity="SEV1",
    thread="inc-1:0", link="http://127.0.0.1/incidents/inc-1",
)  # fmt: skip


def writes(requests: list[Request]) -> list[Request]:
    return [one for one in requests if one.method in ("POST", "PATCH")]


async def test_what_is_posted_to_slack_is_as_its_own_client_knows_it() -> None:
    clock = VirtualClock()
    vendor = Slack(clock=clock)
    async with serving(vendor) as server, httpx2.AsyncClient(trust_env=False) as client:
        settings = SlackSettings(token_env="T", url=f"{server.url}/api")
        channel = SlackChannel(settings, client, SecretStr(TOKEN), clock)
        first = await channel.send(PAGE)
        await clock.advance(timedelta(seconds=2))  # a message a second in each channel
        await channel.send(PAGE.model_copy(update={"key": "k2", "act": "note", "first": first}))
        await clock.advance(timedelta(seconds=2))
        await channel.send(PAGE.model_copy(update={"key": "k3", "act": "resolved", "first": first}))
        vendor.take()
    spoils = [("chat.postMessage", "chat.post"), ('"blocks"', '"bricks"'), ('"mrkdwn"', '"markup"')]
    only_what_it_knows("slack", writes(vendor.requests), spoils)


async def test_what_is_written_to_github_is_as_its_description_has_it() -> None:
    async with github_line(Path()) as line:
        page = PAGE.model_copy(update={"target": "sev1"})
        number = await line.channel.send(page)
        await line.channel.send(page.model_copy(update={"key": "k2", "act": "resolved", "first": number}))
        line.arrived()
        requests = writes(line.vendor.requests)
    only_what_it_knows("github_issues", requests, [('"title"', '"name"'), ('"state"', '"status"')])


async def test_what_is_sent_to_pagerduty_is_the_event_its_own_client_sends() -> None:
    async with pagerduty_line(Path()) as line:
        page = PAGE.model_copy(update={"target": "primary"})
        opened = await line.channel.send(page)
        for act in ("acknowledged", "resolved"):
            await line.channel.send(page.model_copy(update={"key": act, "act": act, "first": opened}))
        line.arrived()
    spoils = [
        ('"dedup_key"', '"alias"'), ('"summary"', '"title"'), ('"custom_details"', '"details"'),
        ('"trigger"', '"fire"'), ("/v2/enqueue", "/v2/queue"),
    ]  # fmt: skip
    only_what_it_knows("pagerduty", line.vendor.requests, spoils)


async def test_what_is_written_to_jira_is_a_document_of_atlassian_s_format() -> None:
    if not (HOME / "adf.json").exists():
        pytest.skip("Atlassian's schema is not installed: tests/vendor_clients/install.sh, with npm")
    async with jira_line(Path()) as line:
        page = PAGE.model_copy(update={"target": "sev1", "body": f"{BODY}\n\n\tone more\x00 line"})
        issue = await line.channel.send(page)
        await line.channel.send(page.model_copy(update={"key": "k2", "act": "note", "first": issue}))
        await line.channel.send(page.model_copy(update={"key": "k3", "act": "resolved", "first": issue}))
        line.arrived()
    written = [one for one in writes(line.vendor.requests) if not one.path.endswith("/transitions")]
    spoils = [('"paragraph"', '"line"'), ('"type": "text"', '"type": "words"'), ('"version"', '"edition"')]
    only_what_it_knows("jira", written, spoils)
