"""Every kind of place that keeps checkpoints, and how each is built."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from steadyhand.adapters.checkpoints.channel import ChannelCheckpointSettings, CheckpointChannel
from steadyhand.adapters.checkpoints.file import CheckpointFile, FileCheckpointSettings
from steadyhand.adapters.checkpoints.syslog import CheckpointSyslog, SyslogCheckpointSettings
from steadyhand.ports import Channel, CheckpointSink, ConfigError

CheckpointSettings = Annotated[
    FileCheckpointSettings | SyslogCheckpointSettings | ChannelCheckpointSettings,
    Field(discriminator="kind"),
]


def build_sinks(
    given: Sequence[CheckpointSettings], folder: Path, channels: Mapping[str, Channel]
) -> tuple[CheckpointSink, ...]:
    """All of them, in order. Raises ConfigError for a channel that is not there."""
    return tuple(_build(one, folder, channels) for one in given)


def _build(one: CheckpointSettings, folder: Path, channels: Mapping[str, Channel]) -> CheckpointSink:
    match one:
        case FileCheckpointSettings():
            return CheckpointFile(one, folder)
        case SyslogCheckpointSettings():
            return CheckpointSyslog(one)
        case _:
            channel = channels.get(one.channel)
            if channel is None:
                raise ConfigError(f"connections.checkpoints: connections.channels has no {one.channel}")
            return CheckpointChannel(one, channel)
