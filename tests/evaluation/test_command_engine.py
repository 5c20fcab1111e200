"""Any program as an engine: by files or by the tools; what goes wrong is one failed case with its reason."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from evaluation.layouts import metric_set

from steadyhand.cli import main
from steadyhand.evaluation.case import Case
from steadyhand.evaluation.command import Command
from steadyhand.evaluation.errors import BadAnswer, NoEngine
from steadyhand.evaluation.metric_sets import read_case
from steadyhand.wiring import playbooks

NOBODY = "print('{\"causes\": []}')"


def _case(folder: Path) -> Case:
    return read_case(metric_set(folder))


def _program(folder: Path, text: str) -> str:
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    return shlex.join([sys.executable, str(path)])


def _command(program: str, deadline: float = 60.0) -> Command:
    return Command(program, deadline, playbooks())


def _board(folder: Path, program: str, *more: str) -> dict[str, Any]:
    data = folder / "board.json"
    given = ["--engine", "command", "--command", program, "--json", str(data), "--limit", "2", *more]
    assert main(["eval", str(folder / "set"), *given]) == 0
    found: dict[str, Any] = json.loads(data.read_text(encoding="utf-8"))
    return found


def test_any_program_can_answer_and_never_sees_the_truth(tmp_path: Path) -> None:
    program = _program(
        tmp_path,
        "import json, pathlib\n"
        "seen = sorted(one.name for one in pathlib.Path('.').iterdir())\n"
        "assert seen == ['engine.json', 'evidence.txt', 'mcp.json', 'page.json', 'topology.json'], seen\n"
        "first = json.load(open('engine.json'))['hypotheses'][0]['cause']['entity']\n"
        "found = [{'component': first, 'confidence': 0.5}]\n"
        "print(json.dumps({'causes': found, 'tokens': 12, 'cost': 0.5}))\n",
    )
    found = _command(program)(_case(tmp_path / "set"))
    assert (found.components, found.confidence, found.tokens, found.cost) == (("stock",), 0.5, 12, 0.5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("print('no json')", "not of the form"),
        ('print(\'{"causes": [{"component": "stock", "confidence": 7}]}\')', "not of the form"),
        ("print('{\"tokens\": 3}')", "neither causes on the standard output nor hypotheses submitted"),
        ("import sys; sys.exit('broken')", "ended with 1: broken"),
        ("print('x' * 2_000_000)", "wrote more than 1000000 bytes"),
    ],
)
def test_a_program_that_does_not_answer_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BadAnswer, match=told):
        _command(_program(tmp_path, text))(_case(tmp_path / "set"))


def test_a_late_program_is_ended_with_all_it_started(tmp_path: Path) -> None:
    stays = "import threading; threading.Event().wait()"
    program = _program(
        tmp_path,
        "import pathlib, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {stays!r}])\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))\n"
        "child.wait()\n",
    )
    with pytest.raises(BadAnswer, match="no answer within 2 s"):
        _command(program, 2.0)(_case(tmp_path / "set"))
    stat = Path("/proc") / (tmp_path / "pid").read_text() / "stat"
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_program_that_is_not_there_ends_the_run_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NoEngine, match="cannot start 'no-such-program'"):
        _command("no-such-program")(_case(tmp_path / "one"))
    metric_set(tmp_path / "set")
    assert main(["eval", str(tmp_path / "set"), "--engine", "command"]) == 1
    assert "--command PROGRAM" in capsys.readouterr().err


def test_one_case_that_fails_counts_as_not_answered_and_the_run_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metric_set(tmp_path / "set")
    once = f"import pathlib, sys\np = pathlib.Path({str(tmp_path / 'been')!r})\n"
    once += f"if not p.exists():\n p.touch()\n sys.exit('fell over')\n{NOBODY}\n"
    page = tmp_path / "board.html"
    board = _board(tmp_path, _program(tmp_path, once), "--html", str(page))
    assert "no answer to 1 of 2: case-1: the program ended with 1: fell over" in capsys.readouterr().err
    assert [bool(one["answer"]["failed"]) for one in board["cases"]] == [True, False]
    pooled = board["rows"][-1]
    assert (pooled["failed"]["hits"], pooled["abstained"]["hits"], pooled["specificity"]["hits"]) == (1, 1, 1)
    assert "fell over" in page.read_text(encoding="utf-8")


def test_where_all_is_well_a_program_that_fell_over_is_not_right(tmp_path: Path) -> None:
    metric_set(tmp_path / "set")
    once = f"import json, pathlib\np = pathlib.Path({str(tmp_path / 'been')!r})\n"
    once += f"if p.exists():\n raise SystemExit('fell over')\np.touch()\n{NOBODY}\n"
    pooled = _board(tmp_path, _program(tmp_path, once))["rows"][-1]
    assert (pooled["specificity"]["hits"], pooled["specificity"]["of"]) == (0, 1)


def test_not_one_answer_at_all_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metric_set(tmp_path / "set")
    program = _program(tmp_path, "raise SystemExit('fell over')")
    given = ["--engine", "command", "--command", program, "--limit", "1"]
    assert main(["eval", str(tmp_path / "set"), *given]) == 1
    assert "not one of 1 cases was answered; the first: case-1" in capsys.readouterr().err


def test_a_run_that_is_started_again_asks_only_for_the_rest(tmp_path: Path) -> None:
    metric_set(tmp_path / "set")
    asked, kept = tmp_path / "asked", tmp_path / "kept.jsonl"
    program = _program(tmp_path, f"open({str(asked)!r}, 'a').write('x')\n{NOBODY}")
    first = _board(tmp_path, program, "--keep", str(kept))
    whole = kept.read_text(encoding="utf-8")
    kept.write_text(whole[: len(whole) - 40], encoding="utf-8")  # killed while it wrote
    second = _board(tmp_path, program, "--keep", str(kept))
    assert asked.read_text() == "xxx"
    assert [one["answer"]["components"] for one in first["cases"] + second["cases"]] == [[]] * 4
    other = _board(tmp_path, program + " --other", "--keep", str(kept))
    assert asked.read_text() == "xxxxx", "another one who answers is asked anew"
    assert len(other["cases"]) == 2


def test_a_failed_answer_stays_unless_it_is_to_be_asked_again(tmp_path: Path) -> None:
    metric_set(tmp_path / "set")
    kept, been = tmp_path / "kept.jsonl", tmp_path / "been"
    text = f"import pathlib\np = pathlib.Path({str(been)!r})\nn = len(p.read_text()) if p.exists() else 0\n"
    text += f"p.write_text('x' * (n + 1))\nif n == 0:\n raise SystemExit('fell over')\n{NOBODY}\n"
    program = _program(tmp_path, text)
    for more, failed in (([], 1), ([], 1), (["--again"], 0)):
        pooled = _board(tmp_path, program, "--keep", str(kept), *more)["rows"][-1]
        assert pooled["failed"]["hits"] == failed
    assert been.read_text() == "xxx"


def test_a_file_of_something_else_is_not_taken_for_kept_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metric_set(tmp_path / "set")
    other = tmp_path / "other.jsonl"
    other.write_text("{}\n", encoding="utf-8")
    assert main(["eval", str(tmp_path / "set"), "--keep", str(other)]) == 1
    assert "line 1 is no kept answer" in capsys.readouterr().err
    assert other.read_text(encoding="utf-8") == "{}\n"


def test_an_agent_that_talks_after_it_has_submitted_is_heard_by_what_it_submitted(tmp_path: Path) -> None:
    program = _program(
        tmp_path,
        "import json, os, urllib.request as web\n"
        "ask = {'incident_id': os.environ['STEADYHAND_INCIDENT'], 'hypotheses': []}\n"
        "body = {'jsonrpc': '2.0', 'id': 1, 'method': 'tools/call',\n"
        "        'params': {'name': 'submit_hypotheses', 'arguments': ask}}\n"
        "first = {'jsonrpc': '2.0', 'id': 0, 'method': 'initialize', 'params': {'protocolVersion':\n"
        "  '2025-06-18', 'capabilities': {}, 'clientInfo': {'name': 'x', 'version': '1'}}}\n"
        "heads = {'authorization': 'Bearer ' + os.environ['STEADYHAND_MCP_TOKEN'],\n"
        "  'content-type': 'application/json', 'accept': 'application/json, text/event-stream'}\n"
        "def post(one):\n"
        "  url = os.environ['STEADYHAND_MCP_URL']\n"
        "  answer = web.urlopen(web.Request(url, json.dumps(one).encode(), heads))\n"
        "  heads.setdefault('mcp-session-id', answer.headers.get('mcp-session-id', ''))\n"
        "  return answer.read()\n"
        "post(first)\n"
        "assert b'Stored' in post(body)\n"
        "print('I think it is nobody.')\n",
    )
    found = _command(program)(_case(tmp_path / "set"))
    assert (found.abstained, found.failed) == (True, "")


def test_the_tools_of_a_case_open_to_its_token_alone(tmp_path: Path) -> None:
    program = _program(
        tmp_path,
        "import os, urllib.error, urllib.request as web\n"
        "try:\n  web.urlopen(web.Request(os.environ['STEADYHAND_MCP_URL'], b'{}'))\n"
        "except urllib.error.HTTPError as error:\n  raise SystemExit(f'refused: {error.code}')\n",
    )
    with pytest.raises(BadAnswer, match="refused: 401"):
        _command(program)(_case(tmp_path / "set"))
