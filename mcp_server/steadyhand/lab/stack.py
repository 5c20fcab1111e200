"""A lab as its owner sees it: start, reach, stop."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from steadyhand.lab import process
from steadyhand.lab.failure import LabError
from steadyhand.lab.layout import Layout, forget_data
from steadyhand.lab.settings import Description, LabSettings
from steadyhand.lab.sockets import require_free_ports

__all__ = ["Description", "Lab", "LabSettings"]

_START_S = 150.0
_STOP_S = 20.0


class Lab:
    """A lab in this directory. The lab is a process of its own and ends with us, unless started detached."""

    def __init__(self, settings: LabSettings) -> None:
        self.settings = settings
        self._layout = settings.layout
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def description(self) -> Description:
        """How to reach it. Raises LabError when it does not run."""
        return Description.read(self._layout)

    @property
    def layout(self) -> Layout:
        """Its ports and paths."""
        return self._layout

    def start(self, *, detached: bool = False, on_step: Callable[[str], None] | None = None) -> Description:
        """Start everything and wait until users are served; `on_step` hears of each step.

        Raises LabError: it runs already, a port is taken, a server is missing or does not start.
        """
        if (pid := supervisor_pid(self._layout)) is not None:
            raise LabError(f"a lab runs in {self._layout.directory} already (process {pid})")
        self._clean()
        require_free_ports(self._layout)
        self._spawn(detached=detached)
        try:
            self._wait(on_step or (lambda _: None))
        except BaseException:
            self.stop()
            raise
        return self.description

    def stop(self) -> None:
        """Stop everything; nothing happens when nothing runs."""
        stop(self._layout)
        if self._supervisor is not None:
            self._supervisor.wait(_STOP_S)
            if self._supervisor.stdin is not None:
                self._supervisor.stdin.close()
            self._supervisor = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _clean(self) -> None:
        """Forget what an earlier lab left here, its processes included."""
        layout = self._layout
        process.clear_leftovers(layout)
        for folder in (layout.run, layout.logs):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        for file in (layout.description, layout.truth, layout.changes):
            file.unlink(missing_ok=True)

    def _spawn(self, *, detached: bool) -> None:
        told = self._layout.run / "settings.json"
        told.touch(mode=0o600)
        settings = self.settings.model_copy(update={"directory": self._layout.directory})
        told.write_text(settings.model_dump_json())
        argv = process.python("steadyhand.lab.supervisor", str(told), *(["--detached"] if detached else []))
        with (self._layout.run / "supervisor.out").open("wb") as output:
            self._supervisor = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process.write_pid_file(_pid_file(self._layout), "supervisor", self._supervisor.pid)

    def _wait(self, on_step: Callable[[str], None]) -> None:
        deadline, told = time.monotonic() + _START_S, 0
        while not self._layout.description.exists():
            if time.monotonic() > deadline:
                raise LabError(f"the lab did not start within {_START_S:g} s; see {self._layout.run}")
            if self._supervisor is None or self._supervisor.poll() is not None:
                raise LabError(self._failure())
            told = _tell(self._layout.run / "progress", told, on_step)
            time.sleep(0.05)
        _tell(self._layout.run / "progress", told, on_step)

    def _failure(self) -> str:
        for name in ("failure", "supervisor.out"):
            path = self._layout.run / name
            if path.exists() and (text := path.read_text(errors="replace").strip()):
                return text[-2000:]
        return "the lab ended without a word while starting"


def supervisor_pid(layout: Layout) -> int | None:
    """The process id of the lab in this directory, if it runs."""
    return process.running(_pid_file(layout))


def stop(layout: Layout) -> bool:
    """Stop the lab in this directory, whoever started it; False when none ran. Leaves no process behind."""
    pid = supervisor_pid(layout)
    if pid is not None:
        process.end(pid, signal.SIGTERM, _STOP_S)
    process.clear_leftovers(layout)
    forget_data(layout)
    _pid_file(layout).unlink(missing_ok=True)
    layout.description.unlink(missing_ok=True)
    return pid is not None


def _pid_file(layout: Layout) -> Path:
    return layout.run / "supervisor.json"


def _tell(progress: Path, told: int, on_step: Callable[[str], None]) -> int:
    lines = progress.read_text().splitlines() if progress.exists() else []
    for line in lines[told:]:
        on_step(line)
    return len(lines)
