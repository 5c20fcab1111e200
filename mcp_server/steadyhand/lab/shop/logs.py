"""JSON lines: errors always, ordinary requests as a sample."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

_SAMPLE = 0.05
_SLOW_S = 1.0


class Journal:
    """The log file of one replica."""

    def __init__(self, path: Path, replica: str, version: str) -> None:
        self._file: IO[str] = path.open("a", buffering=1, encoding="utf-8")
        self._who = {"service": "shop", "replica": replica, "version": version}

    def write(self, level: str, message: str, **fields: str | float) -> None:
        """Add one record."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._file.write(
            json.dumps({"ts": now, "level": level, **self._who, "msg": message, **fields}) + "\n"
        )

    def request(self, route: str, status: int, seconds: float) -> None:
        """Note an answered request: every slow one, and a sample of the rest."""
        if seconds >= _SLOW_S or random.random() < _SAMPLE:
            self.write("INFO", "request", route=route, status=status, duration_ms=round(seconds * 1000, 1))

    def failure(self, route: str, status: int, seconds: float, error: Exception) -> None:
        """Note a request that failed and why."""
        text = f"{type(error).__name__}: {error}"
        self.write(
            "ERROR",
            "request failed",
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 1),
            error=text,
        )
