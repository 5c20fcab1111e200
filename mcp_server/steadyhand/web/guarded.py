"""A door that opens to one bearer token."""

import hmac

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Guarded:
    """The MCP door opens only to the token of the model's side: it reads and proposes, nothing more."""

    def __init__(self, inner: ASGIApp, token: str) -> None:
        self._inner = inner
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        given = dict(scope["headers"]).get(b"authorization", b"")
        if hmac.compare_digest(given, self._wanted):
            await self._inner(scope, receive, send)
        else:
            error = {"error": "this door needs the token in mcp.token of the data directory"}
            await JSONResponse(error, status_code=401)(scope, receive, send)
