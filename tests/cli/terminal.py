"""`steadyhand` as a person or a script calls it: a process of its own, with a home of its own."""

import codecs
import io
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from steadyhand.cli import main

CONFIG = """
services: [{name: shop, tier: 1}]
connections: {channels: [{kind: terminal}]}
escalation:
  tiers:
    - {name: on_call, contacts: [{type: terminal, user: ana}], escalate_after: 15}
    - {name: lead, contacts: [{type: terminal, user: bo}], escalate_after: 30}
  repeat: 1
"""
Done = subprocess.CompletedProcess[str]


class Terminal:
    """Runs commands without a tty, in an empty home."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.config = folder / "incident-config.yaml"
        self.config.write_text(CONFIG)
        self._folder = folder

    def environment(self) -> dict[str, str]:
        return {**os.environ, "STEADYHAND_HOME": str(self.home)}

    def run(self, *words: str, typed: str = "") -> Done:
        return subprocess.run(
            [sys.executable, "-m", "steadyhand", *words],
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=self.environment(),
            cwd=self._folder,
        )

    def call(self, *words: str, typed: str = "") -> Done:
        """The same inside this process: what would be a traceback there is an exception here."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setenv("STEADYHAND_HOME", str(self.home))
            patch.chdir(self._folder)
            patch.setattr(sys, "stdin", io.StringIO(typed))
            code = main(words)
        return Done(words, code, out.getvalue(), err.getvalue())

    @contextmanager
    def serving(self, port: int) -> Iterator[str]:
        """A service that answers, stopped at the end."""
        done = self.run("serve", "--detach", "--port", str(port), "--config", str(self.config))
        assert done.returncode == 0, done.stderr + (self.home / "service.log").read_text()
        pid = int(json.loads((self.home / "service.json").read_text())["pid"])
        try:
            yield done.stdout
        finally:
            os.kill(pid, signal.SIGTERM)
            while (self.home / "service.json").exists():
                time.sleep(0.05)


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Somebody else listens there."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        yield


def typed(terminal: Terminal, words: list[str], answers: list[tuple[str, str]]) -> str:
    """Run a command at a real terminal, answering each prompt."""
    pid, tty = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-m", "steadyhand", *words], terminal.environment())  # noqa: S606
    seen, ends = "", time.monotonic() + 30
    waiting, decoder = list(answers), codecs.getincrementaldecoder("utf-8")()
    while time.monotonic() < ends:
        if not select.select([tty], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(tty, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += decoder.decode(piece)
        if waiting and waiting[0][0] in seen.rsplit("\n", 1)[-1]:
            os.write(tty, waiting.pop(0)[1].encode() + b"\n")
    os.waitpid(pid, 0)
    os.close(tty)
    return seen
