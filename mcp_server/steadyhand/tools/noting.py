"""Every tool call stands in the trail before it is carried out, its arguments masked; so does its failure."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, InputRequiredResult, TextContent
from pydantic import ValidationError

from steadyhand.journey.commands import Record
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rule import explain_validation
from steadyhand.responder.outside import Outside
from steadyhand.store import Transaction
from steadyhand.tools.kit import MASKER, ask
from steadyhand.tools.scope import Scope, open_scope, scoped

_LONGEST = 2000
_NAME = 80
_SHORT = 16


class NotingServer(MCPServer):
    """An MCP server whose calls are recorded. A call that cannot be recorded is not carried out.

    It is the choke point of the model's side: a placeholder in what is asked of a source is what it stands
    for by then, and what is answered is masked, by one masker that knows the incident.
    """

    def __init__(self, outside: Outside, name: str, instructions: str, tools: list[Tool]) -> None:
        super().__init__(name, instructions=instructions, tools=[scoped(one) for one in tools])
        self._outside = outside
        said = json.dumps([instructions, *((one.name, one.description) for one in tools)])
        self._prompt = hashlib.sha256(said.encode()).hexdigest()[:_SHORT]  # what a model is told by us

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Record it, do it, record its failure."""
        who = {"prompt": self._prompt, "client": _client(context)}
        about = await ask(_note, self._outside, "tool.called", name, arguments, who)
        scope = await ask(open_scope, self._outside, about)
        MASKER.set(scope.masker)
        try:
            found = await super().call_tool(name, scope.with_originals(name, arguments), context)
        except ToolError as error:
            (said,) = await ask(scope.told, self._outside, [_words_of(error, name)])
            await ask(_note, self._outside, "tool.failed", name, arguments, who, said)
            raise ToolError(said) from error
        return await ask(_masked, self._outside, scope, found)


def _words_of(error: ToolError, tool: str) -> str:
    """What went wrong; arguments that do not fit are named one by one."""
    cause = error.__cause__
    return explain_validation(cause, tool) if isinstance(cause, ValidationError) else str(error)


def _masked(
    outside: Outside, scope: Scope, result: CallToolResult | InputRequiredResult
) -> CallToolResult | InputRequiredResult:
    """The answer as it may leave: whatever a tool overlooked is masked here, in both of its shapes alike."""
    if not isinstance(result, CallToolResult):
        return result
    places = [one for one in result.content if isinstance(one, TextContent)]
    words = list(_words(result.structured_content))
    safe = scope.told(outside, [*(one.text for one in places), *words])
    fresh = {id(old): old.model_copy(update={"text": new}) for old, new in zip(places, safe, strict=False)}
    told = dict(zip(words, safe[len(places) :], strict=True))
    content = [fresh.get(id(one), one) for one in result.content]
    shape = _with_words(result.structured_content, told)
    return result.model_copy(update={"content": content, "structured_content": shape})


def _words(shape: object) -> Iterator[str]:
    """Every text in an answer's structure."""
    if isinstance(shape, str):
        yield shape
    for one in shape.values() if isinstance(shape, dict) else shape if isinstance(shape, list) else ():
        yield from _words(one)


def _with_words(shape: Any, told: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON, as a tool made it
    if isinstance(shape, dict):
        return {key: _with_words(one, told) for key, one in shape.items()}
    if isinstance(shape, list):
        return [_with_words(one, told) for one in shape]
    return told[shape] if isinstance(shape, str) else shape


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
) -> str:
    """Write it into the chain of the incident it is about, which is returned; "" for none."""
    text = json.dumps(arguments, ensure_ascii=False, sort_keys=True, default=str)
    facts = {name: value for name, value in who.items() if value} | ({"why": why[:_LONGEST]} if why else {})
    body = {"tool": tool[:_NAME], "arguments": text, **facts}
    record = Record(action=action, actor="model", actor_kind="agent", via="mcp", body=body)
    with outside.ledger.write() as tx:
        about = _incident(tx, arguments)
        tx.record(about, record, outside.clock.now())
    return about


def _incident(tx: Transaction, arguments: Mapping[str, Any]) -> str:
    """The incident a call is about, if there is one; an id somebody made up starts no chain."""
    wanted, plan = str(arguments.get("incident_id", "")), str(arguments.get("plan_id", ""))
    if not wanted and plan:
        found = tx.get("plan", plan, Plan)
        wanted = found.incident if found else ""
    return wanted if wanted and tx.incident(wanted) else ""
