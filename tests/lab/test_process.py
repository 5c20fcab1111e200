import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from steadyhand.lab import guard, process
from steadyhand.lab.failure import LabError
from steadyhand.lab.layout import Layout
from steadyhand.lab.process import Program

PARENT = """
import asyncio, sys, time
from pathlib import Path
from steadyhand.lab import process
from steadyhand.lab.layout import Layout

async def main():
    sleeper = process.Program("sleeper", ("/bin/sleep", "60"))
    child = await process.start(sleeper, Layout(Path(sys.argv[1]), 21400))
    print(child.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path, 21400)
    made.run.mkdir()
    return made


def _soon(holds: Callable[[], bool], limit_s: float = 5.0) -> bool:
    deadline = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_child_does_not_outlive_a_parent_killed_without_warning(layout: Layout) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(layout.directory)], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _soon(lambda: psutil.Process(pid).name() == "sleep")
        parent.kill()
    assert _soon(lambda: _gone(pid))


def test_where_the_kernel_does_not_watch_the_guard_does() -> None:
    start = (
        "import os, subprocess, sys, time;"
        "argv = [sys.executable, sys.argv[1], str(os.getpid()), '15', str(os.getuid()), '--stay', '--'];"
        "print(subprocess.Popen([*argv, '/bin/sleep', '60']).pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", start, guard.__file__], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        watcher = psutil.Process(int(parent.stdout.readline()))
        assert _soon(lambda: len(watcher.children()) == 1)
        sleeper = watcher.children()[0].pid
        parent.kill()
    assert _soon(lambda: _gone(sleeper))


def test_a_child_has_its_own_session_and_a_pid_file_until_it_stops(layout: Layout) -> None:
    async def story() -> tuple[int, list[Path]]:
        child = await process.start(Program("sleeper", ("/bin/sleep", "60")), layout)
        session, files = os.getsid(child.pid), list(layout.pids.iterdir())
        assert session == child.pid
        assert process.running(files[0]) == child.pid
        await child.stop()
        return child.pid, list(layout.pids.iterdir())

    pid, files = asyncio.run(story())
    assert _gone(pid)
    assert files == []


def test_a_child_that_ends_early_is_told_with_its_last_words(layout: Layout) -> None:
    async def story() -> None:
        child = await process.start(Program("bad", ("/bin/sh", "-c", "echo no such luck; exit 3")), layout)
        await child.until(lambda: asyncio.sleep(0, result=False), 5)

    with pytest.raises(LabError, match="bad ended: no such luck"):
        asyncio.run(story())


def test_leftovers_are_ended_but_a_stranger_with_the_same_id_is_not(layout: Layout) -> None:
    with (
        subprocess.Popen(["/bin/sleep", "60"]) as leftover,
        subprocess.Popen(["/bin/sleep", "60"]) as stranger,
    ):
        process.write_pid_file(layout.pids / "one.json", "leftover", leftover.pid)
        process.write_pid_file(layout.pids / "two.json", "stranger", stranger.pid)
        later = (layout.pids / "two.json").read_text().replace('"started": ', '"started": 1')
        (layout.pids / "two.json").write_text(later)
        assert process.clear_leftovers(layout) == ["leftover"]
        assert _gone(leftover.pid)
        assert stranger.poll() is None
        stranger.kill()
    assert list(layout.pids.iterdir()) == []
