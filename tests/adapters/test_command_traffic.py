import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from balancers import ADAPTER, command_settings, command_world
from envoy_world import until
from pydantic import ValidationError

from steadyhand.adapters.machine import SystemClock
from steadyhand.adapters.rollouts.command import Commands, CommandSettings
from steadyhand.ports import EffectUnknown, ForeignChange, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio
LONG = timedelta(seconds=60)
PRINT_ARGS = "import json, sys; open(sys.argv[1], 'a').write(json.dumps(sys.argv[2:]) + chr(10))"


def commands(folder: Path, **changes: object) -> Commands:
    settings = ADAPTER.validate_python({**command_settings(folder), **changes})
    assert isinstance(settings, CommandSettings)
    return Commands(settings, SystemClock())


async def test_words_are_handed_over_as_they_are_and_no_shell_reads_them(tmp_path: Path) -> None:
    log = tmp_path / "args"
    release = [
        sys.executable,
        "-c",
        PRINT_ARGS,
        str(log),
        "{arm}",
        "--version={version}",
        "$HOME; id",
        "{replicas}",
    ]
    one = commands(tmp_path, release=release)
    version = "2.0 $(touch pwned); `id` {arm}"
    with pytest.raises(SourceRefused, match="did not come to"):
        await one.bring("canary", version, 2, "x")
    assert json.loads(log.read_text()) == ["canary", f"--version={version}", "$HOME; id", "2"]
    with pytest.raises(SourceRefused, match="taken for an option"):
        await one.bring("canary", "--force", 2, "x")


async def test_an_order_that_does_not_end_is_unknown_and_nothing_of_it_lives_on(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = (
        "import subprocess, sys; one = subprocess.Popen(['sleep', '60']);"
        "open(sys.argv[1], 'w').write(str(one.pid)); one.wait()"
    )
    one = commands(tmp_path, set_share=[sys.executable, "-c", script, str(pid_file)], timeout="1s")
    with pytest.raises(EffectUnknown, match="did not end within 1 s"):
        await one.set_share(0.05)
    await until(lambda: not is_alive(pid_file))
    slow = commands(tmp_path, observe=[sys.executable, "-c", "import time; time.sleep(60)"], timeout="1s")
    with pytest.raises(SourceUnavailable, match="did not end"):
        await slow.share()


def is_alive(pid_file: Path) -> bool:
    status = Path(f"/proc/{int(pid_file.read_text())}/stat")
    return status.exists() and status.read_text().split()[2] != "Z"


@pytest.mark.parametrize(
    ("observe", "why"),
    [
        (["/nowhere/x"], "cannot be run"),
        ([sys.executable, "-c", "raise SystemExit('no such service')"], "ended with 1: no such service"),
        ([sys.executable, "-c", "print('hello')"], "`observe` printed no such JSON"),
        ([sys.executable, "-c", 'print(\'{"share": 7, "stable": {}}\')'], "share Input should be less"),
    ],
)
async def test_a_failing_command_says_which_and_why(tmp_path: Path, observe: list[str], why: str) -> None:
    with pytest.raises(SourceRefused, match=why):
        await commands(tmp_path, observe=observe).share()


async def test_a_share_that_did_not_come_about_is_refused(tmp_path: Path) -> None:
    one = commands(tmp_path, set_share=["true"])
    with pytest.raises(SourceRefused, match=r"set to 0\.05 and reads 0"):
        await one.set_share(0.05)


async def test_a_share_somebody_else_set_is_told_and_not_fought(tmp_path: Path) -> None:
    async with command_world(tmp_path) as target:
        await target.prepare("1.1", 1)
        await target.set_share(0.05, LONG)
        state = json.loads((tmp_path / "balancer.json").read_text())
        (tmp_path / "balancer.json").write_text(json.dumps({**state, "share": 0.4}))
        with pytest.raises(ForeignChange, match=r"40\.0%"):
            await target.set_share(0.05, LONG)
        assert (await target.revert()).share == 0


async def test_a_watchdog_whose_command_fails_tries_again_until_it_is_home(tmp_path: Path) -> None:
    """The command fails at first, as one does while its host is busy."""
    gate = tmp_path / "open"
    home = ["sh", "-c", f'test -e {gate} && exec "$@"', "sh", *command_settings(tmp_path)["home"]]  # type: ignore[misc]
    async with command_world(tmp_path, home=home) as target:
        await target.prepare("1.1", 1)
        await target.set_share(0.5, timedelta(seconds=0.5))
        log = tmp_path / "leases" / "shop.watchdog.log"
        await asyncio.sleep(1.5)
        assert not log.exists()
        gate.touch()
        await until(log.exists, limit_s=20)
        assert (await target.observe()).share == 0


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"home": ["x", "{share}"]}, r"home.*\{share\} is not filled in here"),
        ({"set_share": ["x", "--to={version}"]}, r"known are: \{percent\} \{share\}"),
        ({"count": []}, "one of `count` and `counters`"),
        ({"observe": []}, "at least 1 item"),
        ({"set_share": "rm -rf /"}, "valid tuple"),
    ],
)
def test_a_wrong_command_is_refused_when_the_configuration_is_read(
    tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    with pytest.raises(ValidationError, match=f"(?s){why}"):
        commands(tmp_path, **changes)
