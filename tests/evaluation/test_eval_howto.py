"""The program of the how-to runs as it stands there."""

import json
import shlex
import sys
from pathlib import Path

from evaluation.layouts import metric_set
from shape.tree import ROOT, blocks

from steadyhand.cli import main


def test_the_small_agent_of_the_how_to_answers_by_the_tools(tmp_path: Path) -> None:
    [source] = blocks(ROOT / "docs/howto/measure-a-model.md", "agent")
    program, data = tmp_path / "agent.py", tmp_path / "board.json"
    program.write_text(source, encoding="utf-8")
    metric_set(tmp_path / "set")
    command = shlex.join([sys.executable, str(program)])
    given = ["--engine", "command", "--command", command, "--limit", "1", "--json", str(data)]
    assert main(["eval", str(tmp_path / "set"), *given]) == 0
    [case] = json.loads(data.read_text(encoding="utf-8"))["cases"]
    assert case["answer"]["components"][0] == "stock"
    assert case["answer"]["failed"] == ""
