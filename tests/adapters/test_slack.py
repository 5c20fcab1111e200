from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from servers import Reply
from vendors.base import CUT_ANSWER, Trouble
from vendors.line_up import Line, slack_line
from vendors.slack import Room

from steadyhand.adapters.channels.slack_room import room_name
from steadyhand.ports import EffectUnknown, Letter, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio
PAGE = Letter(key="k1", target="#incidents", subject="SEV2 shop", body="slow", incident="inc-1")
ROOM = Letter(key="r1", target="inc-1-Shop.EU", subject="", body="", act="room", thread="inc-1:room")


@asynccontextmanager
async def slack() -> AsyncIterator[Line]:
    async with slack_line(Path()) as line:
        yield line


async def test_a_page_of_a_later_rung_is_broadcast_from_the_thread_and_a_note_is_not() -> None:
    async with slack() as line:
        first = await line.channel.send(PAGE)
        for act in ("page", "note"):
            await line.channel.send(PAGE.model_copy(update={"key": act, "act": act, "first": first}))
        root, page, note = line.arrived()
        assert first == f"C1/{root.ts}"
        assert (page.thread_ts, page.broadcast) == (root.ts, True)
        assert (note.thread_ts, note.broadcast) == (root.ts, False)


async def test_an_ending_rewrites_the_first_message() -> None:
    async with slack() as line:
        first = await line.channel.send(PAGE)
        over = PAGE.model_copy(update={"key": "k2", "act": "resolved", "first": first, "body": "It is over."})
        await line.channel.send(over)
        root, reply = line.arrived()
        assert root.edits == [reply.text]
        assert "It is over." in reply.text


@pytest.mark.parametrize("error", ["channel_not_found", "not_in_channel", "is_archived", "invalid_auth"])
async def test_a_200_that_says_not_ok_is_a_refusal(error: str) -> None:
    async with slack() as line:
        line.vendor.errors["chat.postMessage"] = error
        with pytest.raises(SourceRefused, match=error):
            await line.channel.send(PAGE)


@pytest.mark.parametrize("error", ["ratelimited", "internal_error", "service_unavailable", "fatal_error"])
async def test_a_200_that_says_not_now_is_tried_again(error: str) -> None:
    async with slack() as line:
        line.vendor.errors["chat.postMessage"] = error
        with pytest.raises(SourceUnavailable, match=error):
            await line.channel.send(PAGE)


async def test_a_person_is_written_to_in_a_conversation_of_their_own() -> None:
    async with slack() as line:
        receipt = await line.channel.send(PAGE.model_copy(update={"target": "U1"}))
        assert receipt.startswith("DU1/")
        line.arrived()


async def test_a_message_whose_answer_was_lost_is_found_pages_deep_and_in_threads() -> None:
    async with slack() as line:
        line.vendor.page = 1
        first = await line.channel.send(PAGE)
        line.vendor.trouble.append(CUT_ANSWER)
        reply = PAGE.model_copy(update={"key": "k2", "act": "note", "first": first})
        with pytest.raises(EffectUnknown):
            await line.channel.send(reply)
        assert await line.channel.find(reply) == f"C1/{line.arrived()[1].ts}"
        assert await line.channel.find(PAGE) == first
        assert await line.channel.find(PAGE.model_copy(update={"key": "k3"})) == ""


async def test_a_page_is_not_held_up_by_a_look_that_is_not_allowed() -> None:
    async with slack() as line:
        line.vendor.errors["conversations.history"] = "missing_scope"
        assert await line.channel.find(PAGE) == ""


async def test_a_war_room_is_opened_filled_named_and_pinned() -> None:
    async with slack() as line:
        room = await line.channel.send(ROOM)
        steps = (("invite", "U1"), ("topic", "SEV1 shop\nis down"), ("pin", "What is known so far."))
        for act, body in steps:
            step = ROOM.model_copy(update={"key": act, "act": act, "body": body, "first": room})
            await line.channel.send(step)
            await line.channel.send(step)
        (pinned,) = line.arrived()
        made = line.vendor.rooms[-1]
        assert (made.id, made.name, made.topic) == (room, "inc-1-shop-eu", "SEV1 shop is down")
        assert "U1" in made.members
        assert made.pins == {pinned.ts}


async def test_a_room_that_is_there_already_is_looked_up() -> None:
    async with slack() as line:
        line.vendor.trouble.append(CUT_ANSWER)
        with pytest.raises(EffectUnknown):
            await line.channel.send(ROOM)
        assert await line.channel.send(ROOM) == line.vendor.rooms[-1].id
        assert [one.name for one in line.vendor.rooms].count("inc-1-shop-eu") == 1


async def test_a_room_taken_by_strangers_is_refused() -> None:
    async with slack() as line:
        line.vendor.rooms.append(Room("C9", "inc-1-shop-eu", archived=True))
        with pytest.raises(SourceRefused, match="cannot see"):
            await line.channel.send(ROOM)


async def test_each_step_stands_alone_and_finds_the_room_by_its_name() -> None:
    async with slack() as line:
        invite = ROOM.model_copy(update={"key": "i", "act": "invite", "body": "U1"})
        with pytest.raises(SourceUnavailable, match="not there yet"):
            await line.channel.send(invite)
        await line.channel.send(ROOM)
        line.vendor.errors["conversations.setTopic"] = "internal_error"
        with pytest.raises(SourceUnavailable):
            await line.channel.send(ROOM.model_copy(update={"key": "t", "act": "topic", "body": "x"}))
        await line.channel.send(invite)
        assert "U1" in line.vendor.rooms[-1].members


async def test_an_answer_that_is_no_json_is_a_refusal() -> None:
    async with slack() as line:
        line.vendor.trouble.append(Trouble(Reply(200, b"<html>")))
        with pytest.raises(SourceRefused):
            await line.channel.send(PAGE)


def test_room_names_are_as_slack_takes_them() -> None:
    assert room_name("INC-7 Shop.EU / blå") == "inc-7-shop-eu-bl"
    assert len(room_name("x" * 200)) == 80
