"""Every tool call stands in the trail before it is carried out, its arguments masked; so does its failure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, InputRequiredResult, TextContent

from steadyhand.journey.commands import Record
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.remedy.plan import Plan
from steadyhand.responder.outside import Outside
from steadyhand.store import Transaction
from steadyhand.tools.kit import ask

_LONGEST = 2000
_NAME = 80
_SHORT = 16


class NotingServer(MCPServer):
    """An MCP server whose calls are recorded. A call that cannot be recorded is not carried out."""

    def __init__(self, outside: Outside, name: str, instructions: str, tools: list[Tool]) -> None:
        super().__init__(name, instructions=instructions, tools=tools)
        self._outside = outside
        said = json.dumps([instructions, *((one.name, one.description) for one in tools)])
        self._prompt = hashlib.sha256(said.encode()).hexdigest()[:_SHORT]  # what a model is told by us

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Record it, do it, record its failure."""
        who = {"prompt": self._prompt, "client": _client(context)}
        await ask(_note, self._outside, "tool.called", name, arguments, who)
        try:
            return _masked(await super().call_tool(name, arguments, context))
        except ToolError as error:
            await ask(_note, self._outside, "tool.failed", name, arguments, who, str(error))
            (said,) = Masker().answers([str(error)])
            raise ToolError(said) from error


def _masked(result: CallToolResult | InputRequiredResult) -> CallToolResult | InputRequiredResult:
    """The answer as it may leave: whatever a tool overlooked is masked here, in both of its shapes alike."""
    if not isinstance(result, CallToolResult):
        return result
    texts = [one for one in result.content if isinstance(one, TextContent)]
    shape = json.dumps(result.structured_content, ensure_ascii=False)
    *safe, told = Masker().answers([*(one.text for one in texts), shape])
    fresh = {id(old): old.model_copy(update={"text": new}) for old, new in zip(texts, safe, strict=True)}
    content = [fresh.get(id(one), one) for one in result.content]
    return result.model_copy(update={"content": content, "structured_content": json.loads(told)})


def _client(context: Context[Any, Any] | None) -> str:
    """The program a model speaks through, by its own word; a protocol does not tell which model it is."""
    try:
        params = context.session.client_params if context else None
    except ValueError:  # called outside of a request
        return ""
    return f"{params.client_info.name} {params.client_info.version}"[:_NAME] if params else ""


def _note(
    outside: Outside,
    action: str,
    tool: str,
    arguments: Mapping[str, Any],
    who: Mapping[str, str],
    why: str = "",
) -> None:
    text = json.dumps(arguments, ensure_ascii=False, sort_keys=True, default=str)
    facts = {name: value for name, value in who.items() if value} | ({"why": why[:_LONGEST]} if why else {})
    body = {"tool": tool[:_NAME], "arguments": text, **facts}
    record = Record(action=action, actor="model", actor_kind="agent", via="mcp", body=body)
    with outside.ledger.write() as tx:
        tx.record(_incident(tx, arguments), record, outside.clock.now())


def _incident(tx: Transaction, arguments: Mapping[str, Any]) -> str:
    """The incident a call is about, if there is one; an id somebody made up starts no chain."""
    wanted, plan = str(arguments.get("incident_id", "")), str(arguments.get("plan_id", ""))
    if not wanted and plan:
        found = tx.get("plan", plan, Plan)
        wanted = found.incident if found else ""
    return wanted if wanted and tx.incident(wanted) else ""
