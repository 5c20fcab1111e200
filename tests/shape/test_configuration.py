"""incident-config.yaml says every rule, with its default, in plain words; and nothing else."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from shape.tree import ROOT, blocks, documents, short

from steadyhand.cli import main
from steadyhand.config import IncidentConfig, load, parse

SHIPPED = ROOT / "incident-config.yaml"
TEXT = SHIPPED.read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^( *)#\|", re.MULTILINE)
SAMPLES = [(path, body) for path in documents() for body in blocks(path, "incident-config")]


def _keys(given: object, way: str = "") -> Iterator[str]:
    """Every key of nested sections; what stands in lists is an example, not a rule."""
    if isinstance(given, dict):
        for name, value in given.items():
            yield f"{way}{name}"
            yield from _keys(value, f"{way}{name}.")


def test_every_rule_of_the_model_stands_in_the_file_and_nothing_else() -> None:
    model = IncidentConfig().model_dump(mode="json")
    assert sorted(_keys(yaml.safe_load(TEXT))) == sorted(_keys(model))


def test_every_rule_stands_there_with_its_default() -> None:
    assert load(SHIPPED) == IncidentConfig()


def test_every_rule_is_explained_in_words() -> None:
    lines = TEXT.splitlines()
    silent = []
    for number, line in enumerate(lines):
        if not re.match(r" *[a-z_A-Z0-9]+:", line):
            continue
        above = lines[number - 1].strip() if number else ""
        section = line.rstrip().endswith(":") and not line.startswith("   ")
        if " #" not in line and not above.startswith("#") and not section:
            silent.append(line)
    allowed = {"host", "port", "rules", "contacts"}  # explained by the section's own comment
    assert [one for one in silent if one.split(":")[0].strip() not in allowed] == []


def test_every_section_begins_with_a_comment() -> None:
    lines = TEXT.splitlines()
    for number, line in enumerate(lines):
        if re.match(r"[a-z_]+:", line):
            assert lines[number - 1].startswith("#"), line


def test_the_examples_load_once_their_mark_is_taken_away() -> None:
    config = parse(EXAMPLE.sub(r"\1", TEXT), "the examples")
    links = config.connections
    assert [one.name for one in config.services] == ["shop", "postgres", "payments"]
    assert [one.kind for one in config.goals["shop"]] == ["errors", "latency"]
    assert links.metrics
    assert links.logs
    assert links.databases
    assert links.hands
    assert links.traffic
    assert [one.called for one in links.channels][1:4] == ["webhook", "slack", "slack-eu"]
    assert [one.name for one in config.escalation.tiers] == ["on_call", "team_lead"]
    assert config.escalation.tiers[1].contacts[0].whom == "bo"
    assert [one.name for one in config.people] == ["ana", "bo"]
    assert [one.name for one in config.schedules] == ["primary"]


@pytest.mark.parametrize(("path", "body"), SAMPLES, ids=[f"{short(path)}" for path, _ in SAMPLES])
def test_the_samples_of_the_documentation_load(path: Path, body: str) -> None:
    assert parse(body, short(path)) != IncidentConfig()


def test_an_unknown_key_is_refused_by_its_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "incident-config.yaml"
    wrong.write_text(TEXT.replace("  share: 0.05", "  shere: 0.05"), encoding="utf-8")
    assert main(["config", "check", "--config", str(wrong)]) == 1
    assert "canary.shere: no such key" in capsys.readouterr().err


def test_a_fresh_machine_starts_with_the_shipped_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Loaded, wired and bound, fence proven; a port that is taken is what ends it here."""
    monkeypatch.setenv("STEADYHAND_HOME", str(tmp_path / "home"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["serve", "--config", str(SHIPPED), "--port", str(port)]) == 1
    assert "cannot listen on" in capsys.readouterr().err
