"""Checkpoints as lines of a file: on another disk, a mounted bucket, or a folder that git watches."""

import asyncio
import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Rule

NAME = "checkpoints.jsonl"


class FileCheckpointSettings(Rule):
    """A file that grows by a line for each checkpoint."""

    kind: Literal["file"] = "file"
    path: str = Field(default="", description=f"empty: {NAME} in the data folder.")


class CheckpointFile:
    """Appends, and returns once the line is on the disk. Raises OSError."""

    def __init__(self, settings: FileCheckpointSettings, folder: Path) -> None:
        self.path = Path(settings.path) if settings.path else folder / NAME
        self.name = f"file {self.path}"

    async def keep(self, line: str) -> None:
        """Write one line."""
        await asyncio.to_thread(self._append, line)

    def _append(self, line: str) -> None:
        # One write of one line: processes that append at once do not mix their lines.
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"{line}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)
