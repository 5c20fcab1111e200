"""A terminal, or a file that somebody watches: one line and a bell for each message."""

import asyncio
import os
import sys
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from steadyhand.adapters.channels.settings import ChannelRule
from steadyhand.journey.commands import TALK
from steadyhand.ports import Letter, SourceUnavailable

_LONGEST = 500
_WORDS = {"note": "NOTE"}


class TerminalSettings(ChannelRule):
    """Where the lines go."""

    kind: Literal["terminal"] = "terminal"
    path: str = Field(default="", description="A file or device; empty for the service's own output.")


class TerminalChannel:
    """A Channel that prints. Control characters are taken out: a message cannot repaint the screen."""

    def __init__(self, settings: TerminalSettings) -> None:
        self.name = settings.called
        self.carries = TALK
        self.receipt_within: timedelta | None = None
        self._path = settings.path

    async def send(self, letter: Letter) -> str:
        """Print one line. Raises SourceUnavailable when the file cannot be written."""
        line = plain(f"{_WORDS.get(letter.act, 'PAGE')} {letter.target}: {letter.subject} | {letter.body}")
        try:
            await asyncio.to_thread(self._write, f"\a{line}\n")
        except OSError as error:
            raise SourceUnavailable(self.name, f"cannot write {self._path}: {error.strerror}") from error
        return letter.key

    async def find(self, letter: Letter) -> str:  # noqa: ARG002 - a port's shape
        """Nothing is read back: a line shown twice harms nobody."""
        return ""

    async def ready(self) -> Sequence[str]:
        """Whether the file or device can be written."""
        return await asyncio.to_thread(self._problems)

    def _problems(self) -> Sequence[str]:
        path = Path(self._path)
        place = path if path.exists() else path.parent
        if not self._path or os.access(place, os.W_OK):
            return ()
        return (f"{self.name}: cannot write {self._path}",)

    def _write(self, line: str) -> None:
        if not self._path:
            sys.stdout.write(line)
            sys.stdout.flush()
            return
        with Path(self._path).open("a", encoding="utf-8") as out:
            out.write(line)


def plain(text: str) -> str:
    """One line without control or format characters, at most 500 characters."""
    return " ".join(printable(text).split())[:_LONGEST]


def printable(line: str) -> str:
    """The line with spaces where control or format characters were."""
    return "".join(" " if unicodedata.category(one)[0] == "C" else one for one in line)
