"""The stdio door with the clients people use: `mcp.Client` of both eras, and bare lines."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.client.session import ElicitationFnT
from mcp.client.stdio import StdioServerParameters
from mcp.types import ElicitRequestParams, ElicitResult
from plugin.running import PIPE, TESTS, Running, eventually, pid_of, standin, standin_command
from plugin.tool_names import EVERY
from servers import free_port

Elicit = ElicitationFnT | None
Era = Literal["auto", "legacy"]
ERAS: tuple[Era, ...] = ("auto", "legacy")


def door(home: Path, **env: str) -> StdioServerParameters:
    known = {"STEADYHAND_HOME": str(home), "STEADYHAND_PYTHON": "/bin/false"}  # starts no real service
    return StdioServerParameters(command=sys.executable, args=["-IS", str(PIPE)], env={**known, **env})


def meet(home: Path, era: Era, story: Callable[[Client], Awaitable[None]], elicit: Elicit = None) -> None:
    """Let a client of this era live the story through the door."""

    async def main() -> None:
        with anyio.fail_after(40):
            async with Client(door(home), mode=era, elicitation_callback=elicit) as client:
                await story(client)

    anyio.run(main)


async def until(seen: Callable[[], bool]) -> None:
    assert await anyio.to_thread.run_sync(eventually, seen)


class Lines:
    """The door as a bare process: one JSON line in, one out."""

    def __init__(self, **env: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-IS", str(PIPE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", **env},
        )  # fmt: skip
        assert self.process.stdin is not None
        self.stdin = self.process.stdin
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()
        self.listener = threading.Thread(target=self._listen)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.heard.put(json.loads(line))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.listener.join()
        for end in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert end is not None
            end.close()

    def say(self, **message: object) -> None:
        self.raw(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def raw(self, line: bytes) -> None:
        self.stdin.write(line + b"\n")
        self.stdin.flush()

    def hear(self, seconds: float = 35.0) -> dict[str, Any]:
        return self.heard.get(timeout=seconds)

    def refusal(self) -> str:
        """The text of the error that a request of the newest protocol gets."""
        self.say(id=1, method="tools/list", params=MODERN)
        return str(self.hear()["error"]["message"])


MODERN = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}


@contextmanager
def lines(**env: str) -> Iterator[Lines]:
    one = Lines(**env)
    try:
        yield one
    finally:
        one.close()


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("kept", ["--probes", "--stateless"], ids=["sessions", "stateless"])
def test_a_client_of_either_era_lists_and_calls_the_tools(tmp_path: Path, era: Era, kept: str) -> None:
    async def story(client: Client) -> None:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert set(EVERY) <= names
        answer = await client.call_tool("get_incident", {"incident_id": "INC-7"})
        assert answer.structured_content == {"found": "INC-7 checkout: p95 latency over its limit"}
        refused = await client.call_tool("execute_fix", {"plan_id": "P-1"})
        assert refused.is_error

    with standin(tmp_path, kept) as running:
        meet(running.home, era, story)


@pytest.mark.parametrize("era", ERAS)
def test_progress_comes_before_the_answer(service: Running, era: Era) -> None:
    heard: list[str | None] = []

    async def note(_done: float, _total: float | None, message: str | None) -> None:
        heard.append(message)

    async def story(client: Client) -> None:
        await client.call_tool("probe_wait", {"seconds": 0.05}, progress_callback=note)
        assert heard == ["half way"]

    meet(service.home, era, story)


def test_a_question_of_the_service_is_carried_to_the_client_and_its_answer_back(service: Running) -> None:
    async def agree(_context: object, _question: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"yes": True})

    async def story(client: Client) -> None:
        answer = await client.call_tool("probe_ask")
        assert answer.structured_content == {"found": "accept"}

    meet(service.home, "legacy", story, agree)


@pytest.mark.parametrize("era", ERAS)
def test_a_cancelled_call_stops_in_the_service(service: Running, era: Era) -> None:
    async def story(client: Client) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "probe_wait", {"seconds": 30})
            await until(lambda: bool(service.waits))
            group.cancel_scope.cancel()
        await until(lambda: len(service.waits) == 2)
        assert (await client.call_tool("list_incidents")).is_error is False

    meet(service.home, era, story)
    assert service.waits == ["begun", "cancelled"]


@pytest.mark.parametrize("era", ERAS)
def test_a_service_that_comes_back_elsewhere_with_another_token_is_found_again(
    tmp_path: Path, era: Era
) -> None:
    async def story(client: Client) -> None:
        assert (await client.list_tools()).tools
        (tmp_path / "swap").touch()
        await until(lambda: not (tmp_path / "swap").exists())
        answer = await client.call_tool("list_incidents")
        assert answer.structured_content == {"found": "INC-7 SEV2 checkout open since 03:00"}

    home = tmp_path / "home"
    client = threading.Thread(target=meet, args=(home, era, story))
    with standin(home):
        client.start()
        assert eventually((tmp_path / "swap").exists)
    with standin(home):
        (tmp_path / "swap").unlink()
        client.join()


def test_a_call_that_dies_with_the_service_says_so_and_is_not_repeated(service: Running) -> None:
    with lines(STEADYHAND_HOME=str(service.home)) as client:
        client.say(id=7, method="tools/call", params={**MODERN, "name": "probe_die", "arguments": {}})
        answer = client.hear()
    assert answer["id"] == 7
    assert "look what happened before asking again" in answer["error"]["message"]


def shim(folder: Path, line: str) -> str:
    """A program that stands where the Python with Steadyhand in it would."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return str(path)


def test_a_service_is_started_once_for_two_sessions_and_outlives_them(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    command = " ".join(standin_command(home, port))
    python = shim(tmp_path, f'echo $$ "$@" >>{tmp_path}/starts; cd {TESTS} && exec {command}')
    env = {"STEADYHAND_HOME": str(home), "STEADYHAND_PYTHON": python, "CLAUDE_CODE_SESSION_ID": "s"}
    try:
        with lines(**env) as one, lines(**env) as two:
            for client in (one, two):
                client.say(id=1, method="tools/list", params=MODERN)
            assert one.hear()["result"]["tools"]
            assert two.hear()["result"]["tools"]
        environment = Path(f"/proc/{pid_of(home)}/environ")
        assert b"CLAUDE_" not in environment.read_bytes()
    finally:
        started = (tmp_path / "starts").read_text()
        for line in started.splitlines():  # a second one may only be about to see that it is not needed
            with suppress(ProcessLookupError):
                os.kill(int(line.split()[0]), signal.SIGKILL)
    assert "-m steadyhand serve --detach" in started


def test_a_service_that_cannot_start_is_named_with_its_log(tmp_path: Path) -> None:
    python = shim(tmp_path, "echo port 8321 is busy >&2; exit 1")
    with lines(STEADYHAND_HOME=str(tmp_path), STEADYHAND_PYTHON=python) as client:
        assert "did not start" in client.refusal()
    assert "port 8321 is busy" in (tmp_path / "serve.log").read_text()


def test_without_service_and_without_command_the_way_out_is_named(tmp_path: Path) -> None:
    alone = tmp_path / "a" / "b" / "c" / "pipe.py"
    alone.parent.mkdir(parents=True)
    alone.write_text(PIPE.read_text())
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": MODERN})
    done = subprocess.run(
        [sys.executable, "-IS", alone], input=asked, capture_output=True, text=True, timeout=20,
        env={"PATH": "/nowhere", "STEADYHAND_HOME": str(tmp_path)}, check=True,
    )  # fmt: skip
    error = json.loads(done.stdout)["error"]
    assert "pip install steadyhand" in error["message"]
    assert error["code"] == -32001


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://10.0.0.7:8321", "http://127.0.0.1.example.com", "ftp://127.0.0.1"]
)
def test_the_token_goes_to_no_plain_http_elsewhere(tmp_path: Path, url: str) -> None:
    (tmp_path / "mcp.token").write_text("SECRET-TOKEN")
    with lines(STEADYHAND_HOME=str(tmp_path), STEADYHAND_URL=url) as client:
        assert "no token goes to" in client.refusal()


def test_a_silent_service_elsewhere_is_not_started_here(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with lines(STEADYHAND_HOME=str(tmp_path), STEADYHAND_URL=url) as client:
        assert "STEADYHAND_URL" in client.refusal()
    assert not (tmp_path / "serve.log").exists()


def test_a_stranger_on_the_port_of_a_dead_service_hears_nothing(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stranger.settimeout(0.2)
        note = {"url": f"http://127.0.0.1:{stranger.getsockname()[1]}", "pid": gone.pid}
        (tmp_path / "service.json").write_text(json.dumps(note))
        (tmp_path / "mcp.token").write_text("SECRET-TOKEN")
        with lines(STEADYHAND_HOME=str(tmp_path), STEADYHAND_PYTHON=shim(tmp_path, "exit 1")) as client:
            assert "did not start" in client.refusal()
        with pytest.raises(TimeoutError):
            stranger.accept()


@pytest.mark.parametrize("token", ["WRONG-SECRET", "WRONG\x07SECRET", "WRONG\nSECRET", ""])
def test_a_refused_token_is_named_by_its_file_and_never_shown(service: Running, token: str) -> None:
    (service.home / "mcp.token").write_text(token)
    with lines(STEADYHAND_HOME=str(service.home)) as client:
        client.say(id=1, method="tools/list", params=MODERN)
        answer = json.dumps(client.hear())
        client.say(method="notifications/roots/list_changed")
        client.stdin.close()
        client.process.wait(10)
        assert client.process.stderr is not None
        said = client.process.stderr.read().decode()
    assert "mcp.token" in answer
    assert "SECRET" not in answer + said


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", -32700),
        (b"[]", -32600),
        (b'"x"', -32600),
        (b'{"id":1,"method":[]}', -32600),
        (b'{"id":1,"method":"tools/call","params":[1]}', -32600),
        (b"\xff\xfe", -32700),
    ],
)
def test_a_line_that_is_no_message_is_answered_and_the_next_one_is_served(
    service: Running, line: bytes, code: int
) -> None:
    with lines(STEADYHAND_HOME=str(service.home)) as client:
        client.raw(line)
        assert client.hear()["error"]["code"] == code
        client.say(id=2, method="tools/list", params=MODERN)
        assert client.hear()["result"]["tools"]


def test_the_door_leaves_soon_after_its_client(service: Running) -> None:
    with lines(STEADYHAND_HOME=str(service.home)) as client:
        client.say(
            id=1, method="tools/call", params={**MODERN, "name": "probe_wait", "arguments": {"seconds": 30}}
        )
        assert eventually(lambda: bool(service.waits))
        left = time.monotonic()
        client.stdin.close()
        assert client.process.wait(10) == 0
        assert time.monotonic() - left < 2.0


def test_the_door_imports_the_standard_library_only() -> None:
    probe = (
        "import runpy, sys; before = set(sys.modules); "
        f"runpy.run_path({str(PIPE)!r}, run_name='door'); "
        "print(*{one.split('.')[0] for one in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
