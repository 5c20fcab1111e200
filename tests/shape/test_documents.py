"""The documentation is true: commands exist, links resolve, blocks run, tables are the code's."""

import argparse
import re
import runpy
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import yaml
from shape.running import House, service
from shape.tree import FENCE, PACKAGE, ROOT, blocks, documents, short

from steadyhand.adapters.channels.webhook import sign
from steadyhand.cli import parser
from steadyhand.journey.diagnosis.playbook import read
from steadyhand.journey.incident.lifecycle import Attention
from steadyhand.journey.incident.state import Status
from steadyhand.journey.rollout.state import OVER, Phase

README = ROOT / "README.md"
GENERATED = runpy.run_path(str(ROOT / "docs" / "reference" / "generate.py"))
PAGES = documents()
SHELL = [(path, body) for path in PAGES for body in blocks(path, "run") if "import " not in body]
COMMAND = re.compile(r"^ *(?:\.venv/bin/)?(steadyhand .*?)(?: \|.*| #.*|)$", re.MULTILINE)
TARGET = re.compile(r"^ *make ([a-z]+)", re.MULTILINE)


def _commands() -> list[str]:
    text = "\n".join(body for path in PAGES for *_, body in FENCE.findall(path.read_text()))
    return sorted({one.strip() for one in COMMAND.findall(text)})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with service(tmp_path_factory.mktemp("house")) as found:
        yield found


def test_the_readme_is_shorter_than_150_lines_and_begins_with_what_it_is() -> None:
    text = README.read_text()
    assert len(text.splitlines()) < 150
    assert len(text.split()) >= 40
    assert (ROOT / "docs" / "pictures" / "demo.svg").is_file()


@pytest.mark.parametrize("path", PAGES, ids=short)
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for *_, body in FENCE.findall(path.read_text()):
        assert set(TARGET.findall(body)) <= known


@pytest.mark.parametrize("command", _commands())
def test_every_command_that_is_shown_is_understood(command: str) -> None:
    given = shlex.split(command.removesuffix("|| true"), comments=True)[1:]
    args = parser().parse_args(given)
    assert isinstance(args, argparse.Namespace)


@pytest.mark.parametrize("path", PAGES, ids=short)
def test_every_link_inside_the_repository_resolves(path: Path) -> None:
    text = FENCE.sub("", path.read_text())
    links = [one for one in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in one]
    assert [one for one in links if not (path.parent / one).exists()] == []


@pytest.mark.parametrize(("path", "body"), SHELL, ids=[short(path) for path, _ in SHELL])
def test_the_shell_blocks_run(path: Path, body: str, house: House) -> None:
    if "curl " in body and shutil.which("curl") is None:
        pytest.skip("no curl")
    done = house.shell(body)
    assert done.returncode == 0, f"{short(path)}: {done.stdout}{done.stderr}"


def test_the_check_of_a_webhook_accepts_ours_and_nothing_else() -> None:
    source = next(one for one in blocks(ROOT / "docs" / "reference" / "http-api.md", "run") if "hmac" in one)
    names: dict[str, object] = {}
    exec(compile(source, "http-api.md", "exec"), names)  # noqa: S102 - our own page
    is_ours = names["is_ours"]
    assert callable(is_ours)
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": "17",
        "webhook-signature": sign(b"s", "m1", "17", b"{}"),
    }
    assert is_ours(b"s", headers, b"{}")
    assert not is_ours(b"s", headers, b"{ }")
    assert not is_ours(b"t", headers, b"{}")


@pytest.mark.parametrize(("page", "made"), [("tools.md", "tools_page"), ("states.md", "states_page")])
def test_generated_pages_are_fresh(page: str, made: str) -> None:
    stored = (ROOT / "docs" / "reference" / page).read_text()
    assert stored == GENERATED[made](), "run: python docs/reference/generate.py"


def test_the_tables_of_states_hold_every_state() -> None:
    page = GENERATED["states_page"]()
    first, second = page.split("## A rollout")
    assert set(re.findall(r"^\| `(\w+)`", first, re.MULTILINE)) == {*get_args(Status), *get_args(Attention)}
    assert set(re.findall(r"^\| `(\w+)`", second, re.MULTILINE)) == set(get_args(Phase)) - set(OVER)


def test_the_api_page_lists_every_door_for_machines() -> None:
    page = (ROOT / "docs" / "reference" / "http-api.md").read_text()
    listed = {way for _, way in re.findall(r"^\| `(GET|POST) (/\S+)`", page, re.MULTILINE)}
    sources = [PACKAGE / "web" / "app.py", PACKAGE / "server.py", *(PACKAGE / "web" / "machine").glob("*.py")]
    built = {way for one in sources for way in re.findall(r'Route\(\s*"(/[^"]+)"', one.read_text())}
    assert listed == built


def test_the_map_is_the_tree() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    listed = set(re.findall(r"^\| `([\w/]+)/` \|", page, re.MULTILINE))
    ours = {short(one) for one in PACKAGE.iterdir() if (one / "__init__.py").is_file()}
    stages = {short(one) for one in (PACKAGE / "journey").iterdir() if (one / "__init__.py").is_file()}
    hidden = {"mcp_server", "build", "dist"}
    top = {one.name for one in ROOT.iterdir() if one.is_dir() and not one.name.startswith(".")} - hidden
    assert listed == ours | stages | {one for one in top if not one.endswith("egg-info")}


def test_the_sample_playbook_is_one() -> None:
    [body] = blocks(ROOT / "CONTRIBUTING.md", "playbook")
    assert read(yaml.safe_load(body), "why").id == "queue-backlog"


def test_decisions_are_numbered_without_gaps() -> None:
    found = sorted(one.name for one in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [one[:4] for one in found] == [f"{number:04}" for number in range(1, len(found) + 1)]
    for name in found:
        first = (ROOT / "docs" / "decisions" / name).read_text().splitlines()[0]
        assert first.startswith(f"# {int(name[:4])}. ")
