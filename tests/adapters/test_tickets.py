"""Ticket queues: one ticket for each incident, what follows on it, closed at the end."""

import asyncio
from pathlib import Path

import pytest
from vendors.base import CUT_ANSWER, status
from vendors.line_up import github_line, jira_line

from steadyhand.ports import EffectUnknown, Letter, SourceError, SourceUnavailable

pytestmark = pytest.mark.anyio
PAGE = Letter(key="k1", target="sev4", subject="SEV4 shop", body="a typo by @ann in #17", incident="inc-1")


def then(act: str, first: str) -> Letter:
    return PAGE.model_copy(update={"key": act, "act": act, "first": first})


async def test_an_issue_on_github_is_commented_on_and_closed() -> None:
    async with github_line(Path()) as line:
        number = await line.channel.send(PAGE)
        assert line.vendor.issues[0].labels == ["steadyhand", "sev4"]
        await line.channel.send(then("acknowledged", number))
        assert line.vendor.issues[0].state == "open"
        await line.channel.send(then("resolved", number))
        assert line.vendor.issues[0].state == "closed"
        assert line.arrived() == ["#1 SEV4 shop", "#1 comment", "#1 comment"]


async def test_a_comment_on_github_whose_answer_was_lost_is_found() -> None:
    async with github_line(Path()) as line:
        number = await line.channel.send(PAGE)
        line.fails(CUT_ANSWER)
        note = then("acknowledged", number)
        with pytest.raises(EffectUnknown):
            await line.channel.send(note)
        assert await line.channel.find(note) == number
        assert await line.channel.find(then("note", number)) == ""
        line.arrived()


async def test_github_s_403_with_a_wait_is_a_limit_and_without_one_a_refusal() -> None:
    async with github_line(Path()) as line:
        line.fails(status(403, retry_after="60"))
        with pytest.raises(SourceUnavailable) as caught:
            await line.channel.send(PAGE)
        assert caught.value.again_after is not None
        assert caught.value.again_after.total_seconds() == 60


async def test_a_repository_without_issues_is_told_by_the_lint() -> None:
    async with github_line(Path()) as line:
        line.vendor.has_issues = False
        assert "switched off" in (await line.channel.ready())[0]


async def test_an_issue_in_jira_is_commented_on_and_done() -> None:
    async with jira_line(Path()) as line:
        key = await line.channel.send(PAGE)
        await line.channel.send(then("acknowledged", key))
        await line.channel.send(then("resolved", key))
        (issue,) = line.vendor.issues
        assert (issue.status, len(issue.comments)) == ("Done", 2)
        assert line.arrived() == ["OPS-1 SEV4 shop", "OPS-1 comment", "OPS-1 comment"]


async def test_jira_s_index_lags_and_is_asked_twice() -> None:
    async with jira_line(Path()) as line:
        line.fails(CUT_ANSWER)
        with pytest.raises(EffectUnknown):
            await line.channel.send(PAGE)
        line.vendor.blind_looks = 1
        look = asyncio.create_task(line.channel.find(PAGE))
        while not look.done():
            await line.clock.advance(seconds=1)
            await asyncio.sleep(0.001)  # the answers come over real sockets
        assert look.result() == "OPS-1"
        line.arrived()


async def test_a_look_that_fails_is_no_leave_to_file_a_second_ticket() -> None:
    for make in (github_line, jira_line):
        async with make(Path()) as line:
            for _ in range(3):
                line.fails(status(401))
            with pytest.raises(SourceError):
                await line.channel.find(PAGE)


async def test_a_field_that_jira_asks_for_and_we_do_not_fill_is_told_by_the_lint() -> None:
    async with jira_line(Path()) as line:
        line.vendor.required = [
            {"fieldId": "summary", "name": "Summary", "required": True, "hasDefaultValue": False},
            {"fieldId": "customfield_1", "name": "Team", "required": True, "hasDefaultValue": False},
            {"fieldId": "priority", "name": "Priority", "required": True, "hasDefaultValue": True},
        ]
        (problem,) = await line.channel.ready()
        assert "asks for Team" in problem
