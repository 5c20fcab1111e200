"""A war room in Slack: each step stands alone, may be repeated, and finds the room by its name if need be."""

import re
from collections.abc import Mapping

from steadyhand.adapters.channels.slack_api import SlackApi, SlackError
from steadyhand.adapters.channels.wording import one_line
from steadyhand.ports import Letter, SourceRefused, SourceUnavailable

_LONGEST_NAME, _LONGEST_TOPIC = 80, 250
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9_-]+")
_DONE = frozenset({"already_in_channel", "already_pinned"})


class SlackRoom:
    """Opens a channel for an incident, brings people in, says what it is about, pins the summary."""

    def __init__(self, source: str, api: SlackApi, *, private: bool) -> None:
        self._source = source
        self._api = api
        self._private = private

    async def step(self, letter: Letter) -> str:
        """Open it, invite one person or set the topic. Returns the channel's id.

        Raises SourceUnavailable while the room is not there yet, SourceRefused, EffectUnknown.
        """
        if letter.act == "room":
            return await self._open(letter)
        channel = await self.channel(letter)
        if letter.act == "invite":
            await self._once("conversations.invite", {"channel": channel, "users": letter.body})
        else:
            topic = one_line(letter.body, _LONGEST_TOPIC)
            await self._once("conversations.setTopic", {"channel": channel, "topic": topic})
        return channel

    async def channel(self, letter: Letter) -> str:
        """The room's id: from the step that opened it, or by its name. Raises SourceError."""
        found = letter.first or await self.find(letter.target)
        if not found:
            raise SourceUnavailable(self._source, f"the room {letter.target} is not there yet")
        return found

    async def pin(self, channel: str, stamp: str) -> None:
        """Pin a message; one that is pinned stays so. Raises SourceError, EffectUnknown."""
        await self._once("pins.add", {"channel": channel, "timestamp": stamp})

    async def _open(self, letter: Letter) -> str:
        name = room_name(letter.target)
        try:
            said = await self._api.write("conversations.create", {"name": name, "is_private": self._private})
        except SlackError as error:
            if error.code != "name_taken":
                raise
            # Its name carries our incident's id, so it is ours: an earlier try got through.
            found = await self.find(letter.target)
            if not found:
                raise SourceRefused(self._source, f"{name} is taken by a channel we cannot see") from error
            return found
        return str(said["channel"]["id"])

    async def find(self, name: str) -> str:
        """The id of the channel of this name, "" where we see none. Raises SourceError."""
        wanted = room_name(name)
        kinds = {"types": "public_channel,private_channel", "exclude_archived": "true"}
        async for one in self._api.pages("conversations.list", kinds, "channels"):
            if one.get("name") == wanted:
                return str(one["id"])
        return ""

    async def _once(self, method: str, body: Mapping[str, object]) -> None:
        try:
            await self._api.write(method, body)
        except SlackError as error:
            if error.code not in _DONE:
                raise


def room_name(wanted: str) -> str:
    """As Slack takes it: lower case, no spaces or dots, at most 80 characters."""
    return _NOT_IN_A_NAME.sub("-", wanted.lower()).strip("-")[:_LONGEST_NAME]
