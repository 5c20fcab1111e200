"""Slack: one message for each incident in a channel, what follows in its thread, and the war room."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.channels.settings import ApiUrl, ChannelRule
from steadyhand.adapters.channels.slack_api import SlackApi
from steadyhand.adapters.channels.slack_room import SlackRoom
from steadyhand.adapters.channels.wording import slack
from steadyhand.journey.commands import ROOM_STEPS, TALK
from steadyhand.journey.rule import Duration
from steadyhand.ports import Clock, Letter, SourceError, SourceRefused

EVENT_TYPE = "steadyhand_send"
_HEAD, _BODY, _FALLBACK = 600, 2_900, 3_800  # Slack: 3,000 a section; it cuts a text of over 4,000
_ICONS = {"acknowledged": ":eyes:", "resolved": ":white_check_mark:", "ask": ":raised_hand:"}
_ENDINGS = frozenset({"acknowledged", "resolved"})


class SlackSettings(ChannelRule):
    """A workspace, seen by one bot."""

    kind: Literal["slack"] = "slack"
    token_env: str = Field(description="Environment variable with the bot token, xoxb-...")
    url: ApiUrl = "https://slack.com/api"
    look_back: Duration = Field(
        default=timedelta(minutes=15),
        description="How far back a message is looked for whose answer was lost.",
    )
    private_rooms: bool = Field(default=False, description="War rooms are private channels.")
    timeout: Duration = timedelta(seconds=5)


class SlackChannel:
    """A Channel and a war room in one workspace. Targets: #name, a channel's id, or a person's id."""

    def __init__(
        self, settings: SlackSettings, client: httpx2.AsyncClient, token: SecretStr, clock: Clock
    ) -> None:
        self.name = settings.called
        self.carries = TALK | ROOM_STEPS
        self.receipt_within: timedelta | None = None
        self._clock = clock
        self._look_back = settings.look_back
        self._api = SlackApi(self.name, settings.url, client, token, settings.timeout)
        self._room = SlackRoom(self.name, self._api, private=settings.private_rooms)
        self._ids: dict[str, str] = {}

    async def send(self, letter: Letter) -> str:
        """Post it, in the thread of what came before; an ending also rewrites the first message.

        Returns "channel/ts". Raises SourceError, EffectUnknown.
        """
        if letter.act == "pin":
            return await self._pin(letter)
        if letter.act in ROOM_STEPS:
            return await self._room.step(letter)
        channel, _, root = letter.first.partition("/")
        if root and letter.act in _ENDINGS:
            await self._api.write("chat.update", {"channel": channel, "ts": root, **_message(letter)})
        return await self._post(letter, channel or await self._where(letter.target), root)

    async def _post(self, letter: Letter, channel: str, root: str) -> str:
        body = {
            "channel": channel,
            **_message(letter),
            "metadata": _metadata(letter.key),
            "parse": "none",
            "link_names": False,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if root:
            # What wakes people must be seen by those who do not follow the thread.
            body |= {"thread_ts": root, "reply_broadcast": letter.act in ("page", "ask")}
        said = await self._api.write("chat.postMessage", body)
        return f"{said['channel']}/{said['ts']}"

    async def find(self, letter: Letter) -> str:
        """The message with our key in the channel's last minutes, or in the thread."""
        if letter.act in ("invite", "topic", "pin"):
            return ""  # these look by themselves, or do no harm when repeated
        try:
            if letter.act == "room":
                return await self._room.find(letter.target)
            return await self._look(letter)
        except SourceError:
            return ""  # better twice than not at all

    async def ready(self) -> Sequence[str]:
        """Whether the token still counts."""
        try:
            await self._api.write("auth.test", {})
        except SourceError as error:
            return (str(error),)
        return ()

    async def _pin(self, letter: Letter) -> str:
        """The summary, posted once and pinned."""
        channel = await self._room.channel(letter)
        posted = await self._look(letter) or await self._post(letter, channel, "")
        await self._room.pin(channel, posted.rpartition("/")[2])
        return posted

    async def _look(self, letter: Letter) -> str:
        channel, _, root = letter.first.partition("/")
        channel = channel or await self._id(letter.target)
        since = self._clock.now() - self._look_back
        params = {
            "channel": channel,
            "oldest": f"{since.timestamp():.6f}",
            "include_all_metadata": "true",
        }
        # An earlier try may have been the first of its thread: the channel is looked at in any case.
        places = [("conversations.history", params)]
        if root:
            places.append(("conversations.replies", {**params, "ts": root}))
        for method, asked in places:
            async for one in self._api.pages(method, asked, "messages"):
                if _key_of(one) == letter.key:
                    return f"{channel}/{one['ts']}"
        return ""

    async def _where(self, target: str) -> str:
        """Posting takes names as they are; a person is written to in a conversation of its own."""
        return await self._id(target) if target[:1] in "UW" and target.isalnum() else target

    async def _id(self, target: str) -> str:
        known = self._ids.get(target) or await self._find_id(target)
        if not known:
            raise SourceRefused(self.name, f"sees no channel {target}")
        self._ids[target] = known
        return known

    async def _find_id(self, target: str) -> str:
        if target.startswith("#"):
            return await self._room.find(target.removeprefix("#"))
        if target[:1] in "UW":
            said = await self._api.write("conversations.open", {"users": target})
            return str(said["channel"]["id"])
        return target


def _message(letter: Letter) -> dict[str, Any]:
    """Text for notifications and screen readers, and the same as blocks."""
    icon = f"{_ICONS[letter.act]} " if letter.act in _ICONS else ""
    head = f"{icon}*{slack(letter.subject.replace('*', ' '), _HEAD)}*"
    body = slack(letter.body, _BODY) or "-"
    link = f"<{letter.link}|console>" if letter.link else ""
    foot = " · ".join(one for one in (letter.incident, link) if one)
    blocks = [_section(head), _section(body)]
    if foot:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": foot}]})
    return {"text": slack(f"{letter.subject}\n{letter.body}", _FALLBACK), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _metadata(key: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


def _key_of(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") if metadata.get("event_type") == EVENT_TYPE else None
    return str((payload or {}).get("key", ""))
