"""Checkpoints as messages of a channel that is there already: a signed webhook, a chat, mail."""

import hashlib
from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Rule
from steadyhand.ports import Channel, Letter


class ChannelCheckpointSettings(Rule):
    """A channel of connections.channels, and for whom."""

    kind: Literal["channel"] = "channel"
    channel: str = Field(description="Its kind, e.g. webhook.")
    target: str = ""


class CheckpointChannel:
    """Sends each checkpoint as one message. Raises SourceError."""

    def __init__(self, settings: ChannelCheckpointSettings, channel: Channel) -> None:
        self.name = f"channel {settings.channel}"
        self._target = settings.target
        self._channel = channel

    async def keep(self, line: str) -> None:
        """Send one line; the same line has the same key."""
        key = f"checkpoint:{hashlib.sha256(line.encode()).hexdigest()[:32]}"
        subject = "Checkpoint of Steadyhand's audit trail"
        await self._channel.send(Letter(key=key, target=self._target, subject=subject, body=line))
