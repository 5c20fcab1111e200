"""A desk's tools over HTTP on loopback, for a program that answers from outside of this process."""

import asyncio
import contextlib
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import uvicorn
from mcp.server import MCPServer
from starlette.applications import Starlette
from starlette.routing import Route

from steadyhand.evaluation.errors import NoEngine
from steadyhand.web.guarded import Guarded

_START_S = 20.0


@dataclass(frozen=True)
class Door:
    """Where the tools are, and the token that opens."""

    url: str
    token: str

    @property
    def settings(self) -> dict[str, object]:
        """As Claude Code and other clients of MCP read it, from a file such as .mcp.json."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return {"mcpServers": {"ir": {"type": "http", "url": self.url, "headers": headers}}}


@contextlib.contextmanager
def opened(server: MCPServer) -> Iterator[Door]:
    """The server behind a door of its own until the block ends. Raises NoEngine if it does not open."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        door = Door(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", secrets.token_urlsafe(24))
        up = threading.Event()
        running = uvicorn.Server(
            uvicorn.Config(_site(server, door.token, up), log_level="error", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=lambda: asyncio.run(running.serve([listener])), daemon=True)
        thread.start()
        try:
            if not up.wait(_START_S):
                raise NoEngine("the tools of a case could not be served on loopback")
            yield door
        finally:
            running.should_exit = True
            thread.join()


def _site(server: MCPServer, token: str, up: threading.Event) -> Starlette:
    server.streamable_http_app(streamable_http_path="/mcp")

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with server.session_manager.run():
            up.set()
            yield

    door = Route("/mcp", Guarded(server.session_manager.handle_request, token))
    return Starlette(routes=[door], lifespan=lifespan)
