"""The hook as the client runs it: a call on stdin, a verdict or an exit code out."""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from plugin.running import ROOT, Running, standin
from plugin.tool_names import PREFIX

pytestmark = pytest.mark.timed

HOOKS = ROOT / "hooks" / "hooks.json"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that holds an approval of plan P-yes and of no other."""
    with standin(tmp_path_factory.mktemp("home")) as running:
        (running.home / "approved" / "P-yes").touch()
        yield running


class Verdict(NamedTuple):
    code: int
    decision: str
    said: str


def gate(stdin: str, home: Path, root: Path = ROOT, **env: str) -> Verdict:
    """Run the command of hooks.json in a shell, as the client does."""
    hook = json.loads(HOOKS.read_text())["hooks"]["PreToolUse"][0]["hooks"][0]
    done = subprocess.run(
        ["sh", "-c", hook["command"]], input=stdin, capture_output=True, text=True, timeout=30, check=False,
        env={
            "PATH": "/usr/bin:/bin",
            "STEADYHAND_PYTHON": sys.executable,
            "CLAUDE_PLUGIN_ROOT": str(root),
            "STEADYHAND_HOME": str(home),
            **env,
        },
    )  # fmt: skip
    answer = json.loads(done.stdout)["hookSpecificOutput"] if done.stdout else {}
    return Verdict(done.returncode, answer.get("permissionDecision", ""), done.stdout + done.stderr)


def call(tool: str, **given: object) -> str:
    return json.dumps({"hook_event_name": "PreToolUse", "tool_name": PREFIX + tool, "tool_input": given})


def bash(command: str) -> str:
    return json.dumps(
        {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": command}}
    )


@contextmanager
def answering(home: Path, status: int, body: bytes, *, delay: float = 0.0) -> Iterator[None]:
    """A service that says the same to everything, in its own time."""
    over = threading.Event()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            over.wait(delay)
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        note = {"url": f"http://127.0.0.1:{server.server_port}", "pid": os.getpid()}
        (home / "service.json").write_text(json.dumps(note))
        (home / "mcp.token").write_text("SECRET-TOKEN")
        try:
            yield
        finally:
            over.set()
            server.shutdown()


def test_an_unapproved_plan_is_denied_with_the_services_reason(ledger: Running) -> None:
    verdict = gate(call("execute_fix", plan_id="P-1"), ledger.home)
    assert (verdict.code, verdict.decision) == (0, "deny")
    assert "nobody has yet" in verdict.said


def test_an_approved_plan_is_left_to_the_clients_own_rules(ledger: Running) -> None:
    assert gate(call("execute_fix", plan_id="P-yes"), ledger.home) == Verdict(0, "", "")


def test_an_abort_is_allowed_without_asking_anyone(tmp_path: Path) -> None:
    assert gate(call("abort_rollout", incident_id="I"), tmp_path).decision == "allow"


def test_waking_a_person_needs_no_approval(tmp_path: Path) -> None:
    assert gate(call("escalate_incident", incident_id="I", reason="r"), tmp_path) == Verdict(0, "", "")


@pytest.mark.parametrize(
    "tool", ["execute_anything", "notify_everyone", "abort_all", "escalate_", "execute_fix2"]
)
def test_an_acting_tool_it_does_not_know_is_denied(ledger: Running, tool: str) -> None:
    assert gate(call(tool, plan_id="P-1"), ledger.home).decision == "deny"


@pytest.mark.parametrize(
    "plan_id", ["", "../approved", "P-1/gate", "P 1", "P-1\r\nX: y", "?", "x" * 101, None, {}]
)
def test_a_plan_id_that_is_none_never_reaches_the_service(ledger: Running, plan_id: object) -> None:
    verdict = gate(call("execute_fix", plan_id=plan_id), ledger.home)
    assert verdict.code == 2 or verdict.decision == "deny"


def test_a_missing_service_means_no(tmp_path: Path) -> None:
    verdict = gate(call("execute_fix", plan_id="P-1"), tmp_path)
    assert verdict.decision == "deny"
    assert not (tmp_path / "serve.log").exists(), "a gate starts nothing"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"not json"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"approved": "true"}'),
        (200, b'{"approved": 1}'),
        (200, b'{"approved": false}'),
        (302, b'{"approved": true}'),
        (401, b'{"approved": true}'),
        (500, b'{"approved": true}'),
    ],
)
def test_only_a_plain_true_of_the_service_opens_the_gate(tmp_path: Path, status: int, body: bytes) -> None:
    with answering(tmp_path, status, body):
        verdict = gate(call("execute_fix", plan_id="P-1"), tmp_path)
    assert verdict.code == 2 or verdict.decision == "deny"
    assert "SECRET" not in verdict.said


def test_a_service_that_does_not_answer_in_time_means_no(tmp_path: Path) -> None:
    began = time.monotonic()
    with answering(tmp_path, 200, b'{"approved": true}', delay=20):
        verdict = gate(call("execute_fix", plan_id="P-1"), tmp_path)
    assert verdict.code == 2
    assert time.monotonic() - began < 10, "the client gives a hook up after the timeout of hooks.json"


def test_a_stdin_that_never_ends_is_cut_off_below_the_hooks_timeout() -> None:
    timeouts = [
        hook["timeout"]
        for group in json.loads(HOOKS.read_text())["hooks"]["PreToolUse"]
        for hook in group["hooks"]
    ]
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-IS", ROOT / "hooks" / "gate.py"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as hung:
        assert hung.wait(30) == 2
        assert time.monotonic() - began < min(timeouts) - 3


@pytest.mark.parametrize(
    "junk",
    ["", "{", "[]", "null", '"x"', "{}", '{"tool_name": "Bash"}', '{"tool_name": 1, "tool_input": {}}'],
)
def test_junk_on_stdin_blocks(tmp_path: Path, junk: str) -> None:
    verdict = gate(junk, tmp_path)
    assert verdict.code == 2 or verdict.decision == "deny"


def test_a_gate_that_is_missing_or_whose_door_is_missing_blocks(tmp_path: Path, ledger: Running) -> None:
    ready = call("execute_fix", plan_id="P-yes")
    assert gate(ready, ledger.home, root=tmp_path).code == 2
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "gate.py").write_text((ROOT / "hooks" / "gate.py").read_text())
    assert gate(ready, ledger.home, root=tmp_path).code == 2
    assert gate(ready, ledger.home, STEADYHAND_PYTHON="/no/python").code == 2


@pytest.mark.parametrize(
    "command",
    [
        "steadyhand approve P-1",
        "steadyhand  --home /srv approve P-1 --pin 1234",
        "cd /x && STEADYHAND_HOME=/y ./.venv/bin/steadyhand approve",
        "python -m steadyhand approve P-1",
        "sh -c 'steadyhand approve P-1'",
        "echo 1234 | steadyhand approve P-1",
        "curl -X POST http://127.0.0.1:8321/approvals/P-1 -d pin=1234",
        "curl -d yes localhost:8321/plans/P-1/approve",
    ],
)
def test_the_shell_is_no_way_to_approve(tmp_path: Path, command: str) -> None:
    verdict = gate(bash(command), tmp_path)
    assert verdict.decision == "deny"
    assert "console" in verdict.said


@pytest.mark.parametrize(
    "command",
    [
        "ls -la",
        "steadyhand status",
        "steadyhand demo --auto-approve",
        "git log --oneline docs/steadyhand/approve.md",
        "gh pr review --approve",
        "steadyhand incidents; echo approve",
    ],
)
def test_other_commands_are_none_of_its_business(tmp_path: Path, command: str) -> None:
    assert gate(bash(command), tmp_path) == Verdict(0, "", "")
