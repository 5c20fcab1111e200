"""Writes tools.md and states.md from the code: python docs/reference/generate.py."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from mcp.types import Tool

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.adapters.machine import SystemClock
from steadyhand.config import IncidentConfig
from steadyhand.journey.alert.severity import MEANING
from steadyhand.journey.incident import lifecycle
from steadyhand.journey.rollout import machine
from steadyhand.responder.outside import Outside
from steadyhand.tools.server import build_server
from steadyhand.wiring import playbooks

FOLDER = Path(__file__).parent
TOOLS_HEAD = """# Tools

What the MCP server offers, at `/mcp` and by `steadyhand mcp`. In Claude Code their full names begin with
`mcp__plugin_steadyhand_ir__`. None of them approves anything. Written by `docs/reference/generate.py`.

| tool | arguments | does | class |
|---|---|---|---|
"""
STATES = """# States

Written by `docs/reference/generate.py` from the code that keeps them.

## An incident

{incident}

## Severities

{severities}

A person changes it on the console or with `steadyhand severity`, a model with `escalate_incident`, each with
a reason. What is measured may raise it and never lowers it; a model cannot lower what a person has set.

## A rollout

{rollout}

What the judge may say while it watches: [the judge](judge.md).
"""


def tools_page() -> str:
    """The table of all tools."""
    return TOOLS_HEAD + "".join(_row(one) for one in listed_tools())


def states_page() -> str:
    """The states of an incident and of a rollout, as the code has them."""
    rows = "\n".join(f"| {name} | {means} |" for name, means in MEANING.items())
    severities = f"| severity | means |\n|---|---|\n{rows}"
    shown = {"incident": lifecycle.as_markdown(), "severities": severities}
    return STATES.format(**shown, rollout=_explained(machine.__doc__))


def listed_tools() -> Sequence[Tool]:
    """What a real server answers to tools/list."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(SqlLedger(Path(folder) / "steadyhand.db")) as ledger,
    ):
        outside = Outside(
            rules=IncidentConfig(), clock=SystemClock(), ledger=ledger, new_id=str, owner="documentation"
        )
        return asyncio.run(build_server(outside, playbooks()).list_tools())


def _row(tool: Tool) -> str:
    required = set(tool.input_schema.get("required", ()))
    names = [name if name in required else f"{name}?" for name in tool.input_schema.get("properties", {})]
    hints = tool.annotations
    kind = "acts" if hints and hints.destructive_hint else "writes to our store"
    kind = "reads" if hints and hints.read_only_hint else kind
    about = (tool.description or "").replace("\n", " ")
    return f"| `{tool.name}` | {', '.join(f'`{one}`' for one in names)} | {about} | {kind} |\n"


def _explained(text: str | None) -> str:
    """The docstring below its first line, tables without the blanks that align them."""
    lines = (text or "").strip().splitlines()[2:]
    return "\n".join(_narrow(one) if one.startswith("|") else one for one in lines)


def _narrow(row: str) -> str:
    cells = [one.strip() for one in row.strip("|").split("|")]
    if all(set(one) <= {"-"} for one in cells):
        return "|---" * len(cells) + "|"
    name, *rest = cells
    shown = f"`{name}`" if name not in {"status", "phase"} else name
    return f"| {' | '.join((shown, *rest))} |"


if __name__ == "__main__":
    (FOLDER / "tools.md").write_text(tools_page(), encoding="utf-8")
    (FOLDER / "states.md").write_text(states_page(), encoding="utf-8")
