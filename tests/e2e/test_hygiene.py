"""The demo leaves nothing running, however it ends."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.lab
_START_S, _END_S = 90.0, 25.0


def _of(folder: Path) -> list[str]:
    """Processes that belong to the demo in this folder, by what they were started with."""
    found = []
    for one in psutil.process_iter(["pid", "cmdline"]):
        words = " ".join(one.info["cmdline"] or ())
        if str(folder) in words:
            found.append(f"{one.info['pid']} {words[:120]}")
    return found


def _until(ready: Callable[[], bool], most: float) -> bool:
    ends = time.monotonic() + most
    while time.monotonic() < ends:
        if ready():
            return True
        time.sleep(0.2)
    return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_demo_that_is_stopped_leaves_no_process(tmp_path: Path, how: signal.Signals) -> None:
    folder = tmp_path / "stopped"
    out = tmp_path / "out"
    command = [sys.executable, "-m", "steadyhand", "demo", "--base-port", "19700", "--dir", str(folder)]
    with out.open("wb") as sink:
        demo = subprocess.Popen(
            command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        assert _until(lambda: "Console:" in out.read_text(errors="replace"), _START_S), out.read_text()
        assert len(_of(folder)) > 8, "the demo is really there"
        demo.send_signal(how)
        assert _until(lambda: demo.poll() is not None, _END_S)
        assert _until(lambda: not _of(folder), _END_S), _of(folder)
    finally:
        demo.kill()
        demo.wait(10)
