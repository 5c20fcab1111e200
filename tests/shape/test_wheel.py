"""`pip install steadyhand` is whole: the package, what it serves, and the plugin with its playbooks."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from shape.tree import PACKAGE, ROOT, short, tracked

BUNDLE = "steadyhand/bundle/"
BUNDLED = ("skills", "agents", "hooks", "playbooks", ".claude-plugin")
LINE = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@dataclass(frozen=True)
class Installed:
    """A fresh virtual environment with the wheel in it, and a home where nothing is."""

    scripts: Path
    home: Path

    def run(self, *command: str, given: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        told = {"PATH": os.environ["PATH"], "HOME": str(self.home), **env}
        return subprocess.run(
            [str(self.scripts / command[0]), *command[1:]],
            cwd=self.home,
            env=told,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [found] = folder.glob("steadyhand-*.whl")
    return found


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What the wheel needs is borrowed from this environment; the package itself is not."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder / "venv", symlinks=True)
    scripts = folder / "venv" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(scripts / "python"), "install", "--quiet"]
    quiet = ["--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)]
    subprocess.run([*pip, *quiet], check=True, capture_output=True, timeout=120)
    [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    home = folder / "home"
    home.mkdir()
    return Installed(scripts, home)


def test_the_wheel_holds_every_file_of_the_package(names: set[str]) -> None:
    ours = {f"steadyhand/{one.relative_to(PACKAGE)}" for one in tracked() if one.is_relative_to(PACKAGE)}
    assert ours - names == set()
    for kind in (".html", ".css", ".js", ".sql", ".yml", "py.typed"):
        assert any(one.endswith(kind) for one in names), kind


def test_the_wheel_holds_the_plugin_whole(names: set[str]) -> None:
    wanted = {BUNDLE + short(one) for one in tracked() if one.relative_to(ROOT).parts[0] in BUNDLED} | {
        BUNDLE + "incident-config.yaml",
        BUNDLE + "mcp_server/steadyhand/pipe.py",
    }
    assert wanted - names == set()


def test_the_wheel_holds_no_test_no_cache_and_no_secret(names: set[str]) -> None:
    assert [one for one in names if "__pycache__" in one or one.startswith(("tests/", "bench/"))] == []
    assert {one.split("/")[0].split("-")[0] for one in names} == {"steadyhand"}


def test_an_installed_package_checks_its_own_default_configuration(installed: Installed) -> None:
    done = installed.run("steadyhand", "config", "check")
    assert "bundle/incident-config.yaml is well formed: 0 services" in done.stdout, done.stderr
    assert "the console" in done.stdout
    assert done.returncode == 1, "nobody is woken by a console alone, and it says so"


def test_an_installed_package_finds_its_playbooks(installed: Installed) -> None:
    code = (
        "from steadyhand.wiring import playbooks; import steadyhand;"
        "print(*playbooks().mechanisms, steadyhand.__file__)"
    )
    done = installed.run("python", "-c", code)
    assert "missing_index" in done.stdout, done.stderr
    assert str(installed.scripts.parent) in done.stdout


def test_an_installed_package_speaks_mcp_and_says_when_no_service_answers(installed: Installed) -> None:
    away = {"STEADYHAND_URL": "http://127.0.0.1:9"}
    done = installed.run("steadyhand", "mcp", given=json.dumps(LINE) + "\n", **away)
    answer = json.loads(done.stdout)
    assert answer["id"] == 1
    assert "no Steadyhand service answers" in answer["error"]["message"]


def test_the_bundled_door_and_gate_run_alone(installed: Installed) -> None:
    """As Claude Code starts them: any Python, isolated, nothing installed."""
    code = "import steadyhand.config as c; print(c.BUNDLED)"
    bundle = Path(installed.run("python", "-c", code).stdout.strip())
    door = installed.run("python", "-IS", str(bundle / "mcp_server" / "steadyhand" / "pipe.py"))
    assert (door.returncode, door.stdout) == (0, "")
    call = {"tool_name": "Bash", "tool_input": {"command": "steadyhand approve inc-1"}}
    gate = installed.run("python", "-IS", str(bundle / "hooks" / "gate.py"), given=json.dumps(call))
    assert json.loads(gate.stdout)["hookSpecificOutput"]["permissionDecision"] == "deny"
