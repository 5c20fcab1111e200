"""A data folder whose service nobody has started yet, and the end of the one that a session starts in it."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plugin.running import eventually
from servers import free_port


def fresh_home(folder: Path) -> Path:
    """A data folder with nothing but a configuration: a free port, and rules that are the defaults."""
    home = folder / "fresh"
    home.mkdir()
    (home / "incident-config.yaml").write_text(f"listen:\n  port: {free_port()}\n")
    return home


@contextmanager
def stopped(home: Path) -> Iterator[None]:
    """However the block ends, the service that was started in this folder is stopped, by its pid."""
    note = home / "service.json"
    try:
        yield
    finally:
        os.kill(json.loads(note.read_text())["pid"], signal.SIGTERM)
        assert eventually(lambda: not note.exists()), "the service does not stop"
