"""What every tool shares: hints for the client, and errors a model can mend."""

import asyncio
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import Field

from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.model import Window
from steadyhand.ports import SteadyhandError

READ = ToolAnnotations(read_only_hint=True, open_world_hint=False)
STORE = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
ACT = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True)

# Of the call that is answered: every word of one answer is masked by one masker, which knows its incident.
MASKER: ContextVar[Masker] = ContextVar("masker")

Minutes = Annotated[int, Field(ge=1, le=180)]
Until = Annotated[str, Field(description="ISO, else now")]

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def offer(
    work: Callable[..., Any], annotations: ToolAnnotations, *, name: str = "", structured: bool = False
) -> Tool:
    """A tool of this function. Every word of a schema is paid for: titles and margins are left out."""
    tool = Tool.from_function(
        work,
        name=name or work.__name__,
        description=inspect.cleandoc(work.__doc__ or ""),
        annotations=annotations,
        structured_output=structured,
    )
    _untitle(tool.parameters)
    _untitle(tool.output_schema)
    return tool


def _untitle(schema: object) -> None:
    """Take the titles out; a field that is called title is not one of them."""
    if isinstance(schema, list):
        for one in schema:
            _untitle(one)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("title"), str):
        del schema["title"]
    for one in schema.values():
        _untitle(one)


async def ask(work: Callable[_Given, _Answer], *args: _Given.args, **kwargs: _Given.kwargs) -> _Answer:
    """Do it off the event loop; what Steadyhand can name, the model gets to read."""
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except SteadyhandError as error:
        raise ToolError(str(error)) from error


def window_of(minutes: int, until: str, now: datetime) -> Window:
    """The minutes before an instant, which is now where none is given. Raises ToolError."""
    try:
        end = datetime.fromisoformat(until) if until else now
    except ValueError:
        raise ToolError(f"until={until!r} is no instant; write it as {now:%Y-%m-%dT%H:%M:%SZ}") from None
    end = end.replace(tzinfo=UTC) if end.tzinfo is None else end.astimezone(UTC)
    if end > now:
        raise ToolError(f"until={until} has not come yet; it is {now:%Y-%m-%dT%H:%M:%SZ}")
    return Window(start=end - timedelta(minutes=minutes), end=end)


def spanned(window: Window) -> str:
    """The window an answer speaks of."""
    return f"{window.start:%m-%d %H:%M:%S} to {window.end:%H:%M:%S} UTC"
