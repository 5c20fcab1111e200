"""A service of its own for the blocks of the documentation, in a home of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers import free_port, running
from shape.tree import ROOT

PATIENCE_S = 150.0  # the blocks take 8 s; a machine with much else to do takes its time


@dataclass(frozen=True)
class House:
    """Where the service is, and how a reader's shell finds it."""

    home: Path
    url: str

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run it as a reader would, at this service's address."""
        told = script.replace("http://127.0.0.1:8321", self.url)
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", told],
            cwd=self.home,
            env=environment(self.home),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


def environment(home: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("STEADYHAND")}
    scripts = Path(sys.executable).parent
    return kept | {"HOME": str(home), "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}


@contextmanager
def service(home: Path) -> Iterator[House]:
    """`steadyhand serve` with the shipped configuration, on a free port."""
    command = [sys.executable, "-m", "steadyhand", "serve"]
    config = ["--config", str(ROOT / "incident-config.yaml"), "--port", str(free_port())]
    note = home / ".steadyhand" / "service.json"
    with (home / "log").open("wb") as log:
        options = {"cwd": home, "env": environment(home), "stdout": log, "stderr": log}
        with running([*command, *config], **options) as child:
            ends = time.monotonic() + PATIENCE_S
            while not note.exists() and child.poll() is None and time.monotonic() < ends:
                time.sleep(0.05)
            assert note.exists(), (home / "log").read_text()
            yield House(home, json.loads(note.read_text())["url"])
