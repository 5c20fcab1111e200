"""Child processes: guarded, in their own session, each with a pid file, stopped in good order."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types

from steadyhand.lab import guard
from steadyhand.lab.failure import LabError
from steadyhand.lab.layout import Layout

_KILL_AFTER_S = 3.0
_SAME_START_S = 1.0
_TAIL = 600


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, under which name, and how it likes to be stopped."""

    name: str
    argv: tuple[str, ...]
    stop_signal: signal.Signals = signal.SIGTERM
    uid: int | None = None


class Child:
    """A running program."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process, layout: Layout) -> None:
        self.program = program
        self._process = process
        self._output = layout.run / f"{program.name}.out"
        self._pid_file = layout.pids / f"{program.name}.{process.pid}.json"
        write_pid_file(self._pid_file, program.name, process.pid)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    async def stop(self, grace_s: float = _KILL_AFTER_S) -> None:
        """Ask it to stop, kill it after `grace_s`, and remove its pid file."""
        if self.alive:
            self.send(self.program.stop_signal)
            try:
                await asyncio.wait_for(self._process.wait(), grace_s)
            except TimeoutError:
                self.send(signal.SIGKILL)
                await self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it has ended."""
        try:
            self._process.send_signal(number)
        except ProcessLookupError:
            return  # it ended between the look and the signal

    async def until(self, ready: Callable[[], Awaitable[bool]], limit_s: float) -> None:
        """Wait until `ready`. Raises LabError with its last words when it ends or takes too long."""
        deadline = time.monotonic() + limit_s
        while not await ready():
            if not self.alive:
                raise LabError(f"{self.program.name} ended: {self.last_words()}")
            if time.monotonic() > deadline:
                raise LabError(f"{self.program.name} was not ready after {limit_s:g} s: {self.last_words()}")
            await asyncio.sleep(0.03)

    def last_words(self) -> str:
        """The end of what it printed."""
        return self._output.read_text(errors="replace")[-_TAIL:].strip() or "it printed nothing"


async def start(program: Program, layout: Layout) -> Child:
    """Start a program under the guard. Call it from the thread that lives as long as the lab."""
    with (layout.run / f"{program.name}.out").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *guarded(program.argv, program.stop_signal, program.uid),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )
    return Child(program, process, layout)


def guarded(argv: Sequence[str], stop_signal: signal.Signals, uid: int | None = None) -> tuple[str, ...]:
    """The command line that runs a program so that it ends when this process does."""
    user = os.getuid() if uid is None else uid
    watching = () if sys.platform == "linux" else ("--stay",)
    head = (sys.executable, "-S", guard.__file__, str(os.getpid()), str(int(stop_signal)), str(user))
    return (*head, *watching, "--", *argv)


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """The command line that runs one of our modules."""
    return (sys.executable, "-m", module, *arguments)


def write_pid_file(path: Path, name: str, pid: int) -> None:
    """Note who runs, with the start time that tells it from a later process of the same id."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        started = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return  # ended at once; the caller will notice
    path.write_text(json.dumps({"name": name, "pid": pid, "started": started}))


def running(path: Path) -> int | None:
    """The process a pid file speaks of, if that very process still runs."""
    try:
        noted = json.loads(path.read_text())
        process = psutil.Process(noted["pid"])
        same = abs(process.create_time() - noted["started"]) < _SAME_START_S
        alive = same and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return None
    return int(noted["pid"]) if alive else None


def end(pid: int, how: signal.Signals, grace_s: float) -> bool:
    """Signal any process and wait; kill it after `grace_s`. True if it ended by itself."""
    process = psutil.Process(pid)
    try:
        process.send_signal(how)
        process.wait(grace_s)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(_KILL_AFTER_S)
        return False
    return True


def clear_leftovers(layout: Layout) -> list[str]:
    """End the children an earlier lab left behind; returns their names."""
    found = []
    for path in sorted(layout.pids.glob("*.json")):
        pid = running(path)
        if pid is not None:
            name = json.loads(path.read_text())["name"]
            end(pid, signal.SIGINT if name == "postgres" else signal.SIGTERM, _KILL_AFTER_S)
            found.append(name)
        path.unlink(missing_ok=True)
    return found
