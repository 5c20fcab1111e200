"""What every tool shares: hints for the client, and errors a model can mend."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from steadyhand.ports import SteadyhandError

READ = ToolAnnotations(read_only_hint=True, open_world_hint=False)
STORE = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
ACT = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True)

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


async def ask(work: Callable[_Given, _Answer], *args: _Given.args, **kwargs: _Given.kwargs) -> _Answer:
    """Do it off the event loop; what Steadyhand can name, the model gets to read."""
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except SteadyhandError as error:
        raise ToolError(str(error)) from error
