"""Slack's Web API, the methods we call: shapes in our words from its method pages, no commit pinned.

Rules beyond the shapes: a bearer token; HTTP 200 with ok:false; with a clock, one message a second and
channel; texts over 4,000 and sections over 3,000 characters are refused; replies stand in the thread and,
unless broadcast, not in the history; channel names are unique, lower case, at most 80 characters; a topic has
at most 250.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field
from servers import Reply, Request
from vendors.base import Broken, Strict, Vendor, answer_json, read

from steadyhand.testing.clock import VirtualClock

TOKEN = "xoxb-111-222-abcdef"
BOT = "UBOT"
_NAME = re.compile(r"[a-z0-9_-]{1,80}")
_MENTION = re.compile(r"<[!@#]")


class _Text(Strict):
    type: Literal["mrkdwn", "plain_text"]
    text: str = Field(min_length=1, max_length=3000)


class _Section(Strict):
    type: Literal["section"]
    text: _Text


class _Context(Strict):
    type: Literal["context"]
    elements: list[_Text] = Field(min_length=1, max_length=10)


class _Payload(Strict):
    key: str


class _Metadata(Strict):
    event_type: str
    event_payload: _Payload


class _Words(Strict):
    channel: str
    text: str = Field(min_length=1, max_length=4000)
    blocks: list[_Section | _Context] = Field(default=[], max_length=50)


class _Post(_Words):
    metadata: _Metadata
    parse: Literal["none"]
    link_names: Literal[False]
    unfurl_links: bool
    unfurl_media: bool
    thread_ts: str = ""
    reply_broadcast: bool = False


class _Update(_Words):
    ts: str


class _Create(Strict):
    name: str
    is_private: bool = False


class _Invite(Strict):
    channel: str
    users: str = Field(min_length=1)


class _Topic(Strict):
    channel: str
    topic: str


class _Pin(Strict):
    channel: str
    timestamp: str


class _Open(Strict):
    users: str


class _Nothing(Strict):
    pass


@dataclass
class Message:
    """A message as people see it."""

    channel: str
    text: str
    ts: str
    thread_ts: str
    broadcast: bool
    key: str
    edits: list[str] = field(default_factory=list)


@dataclass
class Room:
    """A channel."""

    id: str
    name: str
    members: set[str] = field(default_factory=lambda: {BOT})
    topic: str = ""
    pins: set[str] = field(default_factory=set)
    archived: bool = False


@dataclass
class Slack(Vendor):
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    rooms: list[Room] = field(default_factory=lambda: [Room("C1", "incidents"), Room("C2", "payments")])
    people: set[str] = field(default_factory=lambda: {"U1", "U2"})
    messages: list[Message] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    page: int = 200
    clock: VirtualClock | None = None
    last: dict[str, datetime] = field(default_factory=dict)

    def answer(self, request: Request) -> Reply:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return _no("invalid_auth")
        method = request.path.removeprefix("/api/")
        if method in self.errors:
            return _no(self.errors[method])
        work = getattr(self, "_" + method.replace(".", "_"), None)
        if work is None:
            raise Broken("no such method", _no("unknown_method"))
        answer: Reply = work(request)
        return answer

    def _auth_test(self, request: Request) -> Reply:
        read(request, _Nothing, _no("invalid_arguments"))
        return answer_json({"ok": True, "team": "T", "user_id": BOT})

    def _chat_postMessage(self, request: Request) -> Reply:  # noqa: N802 - the vendor's name
        post = self._words(request, _Post)
        room = self._room(post.channel)
        if room is None:
            return _no("channel_not_found")
        if room.archived:
            return _no("is_archived")
        if BOT not in room.members:
            return _no("not_in_channel")
        if self._too_fast(room.id):
            return answer_json({"ok": False, "error": "ratelimited"}, 429, retry_after="1")
        one = Message(
            channel=room.id,
            text=post.text,
            ts=f"1769824800.{len(self.messages):06}",
            thread_ts=post.thread_ts,
            broadcast=post.reply_broadcast,
            key=post.metadata.event_payload.key,
        )
        self.messages.append(one)
        self.said.append(one)
        return answer_json({"ok": True, "channel": room.id, "ts": one.ts, "message": {"text": post.text}})

    def _too_fast(self, room: str) -> bool:
        if self.clock is None:
            return False
        now = self.clock.now()
        before = self.last.get(room)
        if before is not None and now - before < timedelta(seconds=1):
            return True
        self.last[room] = now
        return False

    def _chat_update(self, request: Request) -> Reply:
        change = self._words(request, _Update)
        for one in self.messages:
            if (one.channel, one.ts) == (change.channel, change.ts):
                one.edits.append(change.text)
                return answer_json({"ok": True, "channel": one.channel, "ts": one.ts, "text": change.text})
        return _no("message_not_found")

    def _words(self, request: Request, shape: type[Any]) -> Any:
        words = read(request, shape, _no("invalid_blocks"))
        shown = request.body.decode()
        if _MENTION.search(shown) or "<http" in words.text:
            raise Broken(f"untrusted text made a mention or a link: {shown}", _no("invalid_blocks"))
        return words

    def _conversations_history(self, request: Request) -> Reply:
        self._looks(request)
        rows = [one for one in self.messages if not one.thread_ts or one.broadcast]
        return self._listed(request, [one for one in rows if one.channel == request.query["channel"]])

    def _conversations_replies(self, request: Request) -> Reply:
        self._looks(request)
        root = request.query["ts"]
        rows = [one for one in self.messages if root in (one.ts, one.thread_ts)]
        return self._listed(request, [one for one in rows if one.channel == request.query["channel"]])

    def _looks(self, request: Request) -> None:
        if request.query.get("include_all_metadata") != "true" or not request.query["channel"].startswith(
            ("C", "D")
        ):
            raise Broken("a look needs a channel's id and its metadata", _no("channel_not_found"))

    def _listed(self, request: Request, rows: list[Message]) -> Reply:
        rows = [one for one in rows if float(one.ts) >= float(request.query.get("oldest", "0"))]
        shown = [
            {
                "ts": one.ts,
                "text": one.text,
                "metadata": {"event_type": "steadyhand_send", "event_payload": {"key": one.key}},
            }
            for one in rows
        ]
        return self._paged(request, "messages", shown)

    def _paged(self, request: Request, name: str, rows: list[dict[str, Any]]) -> Reply:
        start = int(request.query.get("cursor", "0"))
        rest = start + self.page
        cursor = str(rest) if rest < len(rows) else ""
        answer: Mapping[str, Any] = {
            "ok": True,
            name: rows[start:rest],
            "response_metadata": {"next_cursor": cursor},
        }
        return answer_json(answer)

    def _conversations_list(self, request: Request) -> Reply:
        rows = [{"id": one.id, "name": one.name} for one in self.rooms if not one.archived]
        return self._paged(request, "channels", rows)

    def _conversations_open(self, request: Request) -> Reply:
        asked = read(request, _Open, _no("invalid_arguments"))
        if asked.users not in self.people:
            return _no("user_not_found")
        found = self._room(f"D{asked.users}") or Room(f"D{asked.users}", f"direct-{asked.users.lower()}")
        if found not in self.rooms:
            self.rooms.append(found)
        return answer_json({"ok": True, "channel": {"id": found.id}})

    def _conversations_create(self, request: Request) -> Reply:
        asked = read(request, _Create, _no("invalid_arguments"))
        if not _NAME.fullmatch(asked.name):
            raise Broken(f"{asked.name!r} is no channel name", _no("invalid_name_specials"))
        if any(one.name == asked.name for one in self.rooms):
            return _no("name_taken")
        made = Room(f"C{len(self.rooms) + 1}", asked.name)
        self.rooms.append(made)
        return answer_json({"ok": True, "channel": {"id": made.id, "name": made.name}})

    def _conversations_invite(self, request: Request) -> Reply:
        asked = read(request, _Invite, _no("invalid_arguments"))
        room = self._room(asked.channel)
        if room is None:
            return _no("channel_not_found")
        if asked.users not in self.people:
            return _no("users_not_found")
        if asked.users in room.members:
            return _no("already_in_channel")
        room.members.add(asked.users)
        return answer_json({"ok": True, "channel": {"id": room.id}})

    def _conversations_setTopic(self, request: Request) -> Reply:  # noqa: N802 - the vendor's name
        asked = read(request, _Topic, _no("invalid_arguments"))
        room = self._room(asked.channel)
        if room is None:
            return _no("channel_not_found")
        if len(asked.topic) > 250:
            raise Broken("a topic has at most 250 characters", _no("too_long"))
        room.topic = asked.topic
        return answer_json({"ok": True})

    def _pins_add(self, request: Request) -> Reply:
        asked = read(request, _Pin, _no("invalid_arguments"))
        room = self._room(asked.channel)
        if room is None:
            return _no("channel_not_found")
        if asked.timestamp in room.pins:
            return _no("already_pinned")
        room.pins.add(asked.timestamp)
        return answer_json({"ok": True})

    def _room(self, wanted: str) -> Room | None:
        name = wanted.removeprefix("#")
        return next((one for one in self.rooms if wanted == one.id or name == one.name), None)


def _no(error: str) -> Reply:
    return answer_json({"ok": False, "error": error})
