"""The archive: closed incidents as JSON lines, one file for each month in which they were closed."""

import os
from datetime import datetime
from pathlib import Path


class FileArchive:
    """A folder that only its owner reads. A line may come twice after a crash; it is the same line then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, closed_at: datetime, line: str) -> str:
        """Append a line and wait until it is on the disk; returns the file's name. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"incidents-{closed_at:%Y-%m}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as out:
            out.write(line + "\n")
            out.flush()
            os.fsync(out.fileno())
        return path.name
