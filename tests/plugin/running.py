"""Start and stop the stand-in service, and read what it wrote down."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers import free_port

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
PIPE = ROOT / "mcp_server" / "steadyhand" / "pipe.py"


@dataclass(frozen=True)
class Running:
    """A service that answers: its data folder, its address, a night it knows, and what it wrote down."""

    home: Path
    url: str
    incident: str = "INC-7"
    plan: str = "P-1"
    instructions: str = "INSTRUCTIONS-MARKER"

    @property
    def token(self) -> str:
        return (self.home / "mcp.token").read_text().strip()

    @property
    def calls(self) -> list[str]:
        """The tools that were called, in order."""
        return [one["tool"] for one in self._journal("calls")]

    @property
    def effects(self) -> list[str]:
        """The tools that had an effect outside of the service, in order."""
        return [one["tool"] for one in self._journal("effects")]

    @property
    def waits(self) -> list[str]:
        """What became of the waiting probe: begun, cancelled."""
        return [one["state"] for one in self._journal("waits")]

    def approve(self) -> None:
        """Be the human who says yes to the plan."""
        (self.home / "approved" / self.plan).touch()

    def _journal(self, name: str) -> list[dict[str, str]]:
        path = self.home / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def eventually(seen: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Whether it becomes true within this time."""
    until = time.monotonic() + seconds
    while not (now := seen()) and time.monotonic() < until:
        time.sleep(0.02)
    return now


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def standin_command(home: Path, port: int, *flags: str) -> list[str]:
    return [sys.executable, "-m", "plugin.standin", "--home", str(home), "--port", str(port), *flags]


def pid_of(home: Path) -> int:
    """The process that says it serves this folder; 0 while none does."""
    try:
        return int(json.loads((home / "service.json").read_text())["pid"])
    except (OSError, ValueError):
        return 0


@contextmanager
def standin(home: Path, *flags: str) -> Iterator[Running]:
    """The stand-in service, running in this folder until the block ends."""
    port = free_port()
    process = subprocess.Popen(standin_command(home, port, *flags), cwd=TESTS)
    try:
        assert eventually(lambda: pid_of(home) == process.pid), "the stand-in service did not start"
        yield Running(home, f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()
