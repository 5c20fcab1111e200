"""What the tests of the plugin assume of the service holds for the real one."""

import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import Implementation
from plugin.real_service import real_service
from plugin.running import PIPE
from plugin.self_started import fresh_home, stopped
from plugin.tool_names import ACT, EVERY, OWN_STORE, READ
from stories.night import Night

from steadyhand.tools.server import build_server
from steadyhand.wiring import playbooks

CLI = ("-m", "steadyhand", "mcp")
PROGRAM = Implementation(name="a-model's-program", version="4.2")
BARE = ("-IS", str(PIPE))


def through(home: Path, arguments: tuple[str, ...], story: Callable[[Client], Awaitable[None]]) -> None:
    """Let a client live the story through a stdio door of this data folder."""
    env = {"STEADYHAND_HOME": str(home), "STEADYHAND_PYTHON": sys.executable, "PATH": os.environ["PATH"]}
    door = StdioServerParameters(command=sys.executable, args=[*arguments], env=env, cwd=home)

    async def main() -> None:
        with anyio.fail_after(60):
            async with Client(door, client_info=PROGRAM) as client:
                await story(client)

    anyio.run(main)


def test_the_names_and_kinds_of_the_tools_are_those_of_the_service(tmp_path: Path) -> None:
    async def listed() -> dict[str, tuple[bool | None, bool | None]]:
        async with Client(build_server(Night(tmp_path).outside, playbooks())) as client:
            tools = (await client.list_tools()).tools
        hints = {one.name: one.annotations for one in tools}
        return {name: (hint.read_only_hint, hint.destructive_hint) for name, hint in hints.items() if hint}

    kinds = anyio.run(listed)
    assert set(kinds) == set(EVERY)
    assert {name for name, (reads, _) in kinds.items() if reads} == set(READ)
    assert {name for name, (_, destroys) in kinds.items() if destroys} == set(ACT)
    assert {name for name, kind in kinds.items() if kind == (False, False)} == set(OWN_STORE)


@pytest.mark.parametrize("arguments", [CLI, BARE], ids=["steadyhand mcp", "pipe.py"])
def test_a_client_reads_the_incident_through_the_door_and_executes_nothing(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    async def story(client: Client) -> None:
        assert {one.name for one in (await client.list_tools()).tools} == set(EVERY)
        seen = await client.call_tool("get_incident", {"incident_id": service.incident})
        assert service.plan in json.dumps(seen.structured_content)
        refused = await client.call_tool("execute_fix", {"plan_id": service.plan})
        assert refused.is_error

    with real_service(tmp_path / "home") as service:
        through(service.home, arguments, story)
        assert service.calls == ["get_incident", "execute_fix"]
        assert service.untouched
        with service.house.outside.ledger.read() as tx:
            calls = [one for one in tx.trail() if one.action.startswith("tool.")]
        assert {one.body["client"] for one in calls} == {"a-model's-program 4.2"}


@pytest.mark.parametrize("arguments", [CLI, BARE], ids=["steadyhand mcp", "pipe.py"])
def test_a_session_starts_the_real_service_where_none_runs(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    home = fresh_home(tmp_path)

    async def story(client: Client) -> None:
        found = await client.call_tool("list_incidents", {})
        assert not found.is_error

    with stopped(home):
        through(home, arguments, story)
