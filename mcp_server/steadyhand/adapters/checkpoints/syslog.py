"""Checkpoints as messages to a syslog server (RFC 5424 over UDP), which usually stands on another host."""

import asyncio
import socket
from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Rule
from steadyhand.ports import SourceUnavailable

_NOTICE_OF_AUTHPRIV = 10 * 8 + 5


class SyslogCheckpointSettings(Rule):
    """A syslog server. UDP tells nobody whether a message arrived: keep a file as well."""

    kind: Literal["syslog"] = "syslog"
    host: str
    port: int = Field(default=514, ge=1, le=65535)


class CheckpointSyslog:
    """Sends each checkpoint as one message. Raises SourceUnavailable when it cannot even leave."""

    def __init__(self, settings: SyslogCheckpointSettings) -> None:
        self._settings = settings
        self.name = f"syslog {settings.host}:{settings.port}"

    async def keep(self, line: str) -> None:
        """Send one line."""
        text = f"<{_NOTICE_OF_AUTHPRIV}>1 - {socket.gethostname()} steadyhand - checkpoint - {line}"
        try:
            await asyncio.to_thread(self._send, text.encode())
        except OSError as error:
            raise SourceUnavailable(self.name, str(error)) from error

    def _send(self, message: bytes) -> None:
        where = socket.getaddrinfo(self._settings.host, self._settings.port, type=socket.SOCK_DGRAM)[0]
        family, kind, protocol, _, address = where
        with socket.socket(family, kind, protocol) as wire:
            wire.sendto(message, address)
