"""A terminal, or a file that somebody watches: one line and a bell for each message."""

import asyncio
import sys
import unicodedata
from pathlib import Path
from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Rule
from steadyhand.ports import SourceUnavailable

_LONGEST = 500


class TerminalSettings(Rule):
    """Where the lines go."""

    kind: Literal["terminal"] = "terminal"
    path: str = Field(default="", description="A file or device; empty for the service's own output.")


class TerminalChannel:
    """A Channel that prints. Control characters are taken out: a message cannot repaint the screen."""

    def __init__(self, settings: TerminalSettings) -> None:
        self.name = "terminal"
        self._path = settings.path

    async def send(self, key: str, target: str, subject: str, body: str) -> str:
        """Print one line. Raises SourceUnavailable when the file cannot be written."""
        line = plain(f"PAGE {target}: {subject} | {body}")
        try:
            await asyncio.to_thread(self._write, f"\a{line}\n")
        except OSError as error:
            raise SourceUnavailable(self.name, f"cannot write {self._path}: {error.strerror}") from error
        return key

    def _write(self, line: str) -> None:
        if not self._path:
            sys.stdout.write(line)
            sys.stdout.flush()
            return
        with Path(self._path).open("a", encoding="utf-8") as out:
            out.write(line)


def plain(text: str) -> str:
    """One line without control or format characters, at most 500 characters."""
    safe = "".join(" " if unicodedata.category(one)[0] == "C" else one for one in text)
    return " ".join(safe.split())[:_LONGEST]
