"""What `steadyhand lab up|break|fix|status|down` do, as plain functions."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import httpx2
import psutil  # type: ignore[import-untyped]  # it ships no types

from steadyhand.lab import process, stack
from steadyhand.lab.failure import LabError
from steadyhand.lab.layout import Layout
from steadyhand.lab.production import State
from steadyhand.lab.settings import DEFAULT_BASE_PORT, DEFAULT_DIRECTORY, Description, LabSettings

_DEPLOY_S = 90.0
_MEGA = 1024 * 1024


def up(settings: LabSettings, *, detach: bool = False, say: Callable[[str], None] = print) -> None:
    """Start a lab and, unless detached, keep it until Ctrl-C or SIGTERM. Raises LabError."""
    lab = stack.Lab(settings)
    over = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        over.set()

    before = {one: signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)} if not detach else {}
    try:
        found = lab.start(detached=detach, on_step=say)
        say(f"The shop is at {found.shop_url}, its metrics at {found.metrics_url} ({_kind(found)}).")
        if detach:
            return
        say("Ctrl-C stops the lab.")
        while not over.wait(0.5) and stack.supervisor_pid(lab.layout) is not None:
            pass
        lab.stop()
        say("The lab is stopped.")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def break_(fault: str, directory: Path = DEFAULT_DIRECTORY) -> None:
    """Break something; returns when it is broken. Raises LabError."""
    _ask(directory, "POST", f"/faults/{fault}")


def fix(directory: Path = DEFAULT_DIRECTORY) -> None:
    """Make everything well again, as only the lab itself can. Raises LabError."""
    _ask(directory, "POST", "/faults/clear")


def status(directory: Path = DEFAULT_DIRECTORY) -> str:
    """A small table of what runs. Raises LabError when no lab does."""
    layout = _layout(directory)
    found, state = Description.read(layout), _ask(directory, "GET", "/state")
    rows = [("process", "pid", "MB"), *_processes(layout), ("", "", "")]
    for name, arm in state.arms.items():
        well = sum(one.healthy for one in arm.replicas)
        rows.append((name, arm.version or "-", f"{well}/{len(arm.replicas)} healthy"))
    rows.append(("broken", ", ".join(state.faults) or "nothing", ""))
    rows.append(("shop", found.shop_url, ""))
    rows.append(("metrics", found.metrics_url, _kind(found)))
    return "\n".join(f"{a:<16} {b:<24} {c}".rstrip() for a, b, c in rows)


def down(directory: Path = DEFAULT_DIRECTORY) -> bool:
    """Stop the lab; False when none ran."""
    return stack.stop(_layout(directory))


def _layout(directory: Path) -> Layout:
    return LabSettings(directory=directory, base_port=DEFAULT_BASE_PORT).layout


def _ask(directory: Path, method: str, path: str) -> State:
    found = Description.read(_layout(directory))
    headers = {"authorization": f"Bearer {found.platform_token}"}
    try:
        answer = httpx2.request(
            method, found.platform_url + path, headers=headers, timeout=_DEPLOY_S, trust_env=False
        )
    except httpx2.TransportError as error:
        raise LabError(f"the lab's platform at {found.platform_url} does not answer: {error}") from error
    if not answer.is_success:
        raise LabError(answer.json()["error"])
    return State.model_validate_json(answer.content)


def _processes(layout: Layout) -> list[tuple[str, str, str]]:
    rows = []
    for path in sorted(layout.pids.glob("*.json")):
        pid = process.running(path)
        if pid is not None:
            rows.append(
                (path.name.split(".")[0], str(pid), str(psutil.Process(pid).memory_info().rss // _MEGA))
            )
    return rows


def _kind(found: Description) -> str:
    return "real Prometheus" if found.metrics_kind == "real" else "mini-prom, a small stand-in for Prometheus"
