"""Whoever is turned away at a door leaves a line in the trail."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steadyhand.responder.refusals import Doors

_POSTS = ("/alerts", "/changes", "/receipts")
_DOORS = (
    *_POSTS,
    "/api",
    "/heartbeats",
    "/incidents",
    "/mcp",
    "/on-call",
    "/plans",
    "/sign-out",
    "/silences",
)
_WHY = {
    401: "no proof of who it is, or a wrong one",
    403: "a form that is not of this session",
    421: "a foreign name",
}
_OF_POSTS = {400: "a post that could not be taken", 413: "a post that is too large"}
_REPLAYED = {409: "an alert that was sent before"}  # elsewhere a rule says 409, in a line of its own
_AWAY = {303: "a form while nobody was signed in"}


class TurnedAway:
    """Notes refusals by their status. A wrong PIN, and what a rule refuses, have lines of their own."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does; what it refused is noted afterwards."""
        starts: list[Message] = []

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                starts.append(message)
            await send(message)

        await self._app(scope, receive, seen if scope["type"] == "http" else send)
        path = str(scope.get("path", ""))
        door = next((one for one in _DOORS if path == one or path.startswith(f"{one}/")), "")
        why = _why(door, str(scope.get("method", "")), starts[0]) if door and starts else ""
        if why:
            await asyncio.to_thread(self._doors.turned_away, door, why)


def _why(door: str, method: str, start: Message) -> str:
    """What this answer refused; empty where it refused nothing."""
    known = _WHY | (_OF_POSTS if door in _POSTS else {}) | (_REPLAYED if door == "/alerts" else {})
    where = dict(start.get("headers", ())).get(b"location", b"")
    if method == "POST" and door != "/sign-out" and where.startswith(b"/sign-in"):
        known |= _AWAY
    return known.get(start["status"], "")
