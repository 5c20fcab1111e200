"""The names under which a person's door may be reached."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# Their locks are tokens no browser holds, and an alert must never be lost over the name it was sent to.
_TOKEN_DOORS = ("/alerts/", "/changes", "/healthz", "/metrics", "/mcp")


class KnownNames:
    """Turns away who comes under a foreign DNS name: a page whose name server points it here (DNS rebinding).

    Addresses and localhost are always known, for no name server can turn them; other names must be given.
    """

    def __init__(self, app: ASGIApp, names: Sequence[str]) -> None:
        self._app = app
        self._names = frozenset(("localhost", *(one.lower() for one in names)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421."""
        if scope["type"] != "http" or scope["path"].startswith(_TOKEN_DOORS) or self._knows(scope):
            await self._app(scope, receive, send)
        else:
            why = {"error": "unknown name; use the address, or add the name to listen.names"}
            await JSONResponse(why, status_code=421)(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        name = _name(Headers(scope=scope).get("host", ""))
        return name in self._names or _is_address(name)


def _name(host: str) -> str:
    """The host without its port, in lower case; empty where it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
