"""Whoever is turned away at a door leaves a line in the trail."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steadyhand.responder.refusals import Doors

_WHY = {
    401: "no proof of who it is, or a wrong one",
    403: "a form that is not of this session",
    409: "an alert that was sent before",
    421: "a foreign name",
}
_DOORS = ("/alerts", "/api", "/changes", "/incidents", "/mcp", "/on-call", "/plans", "/sign-out", "/silences")


class TurnedAway:
    """Notes refusals by their status. A wrong PIN, and what a rule refuses, have lines of their own."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does; what it refused is noted afterwards."""
        statuses: list[int] = []

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        await self._app(scope, receive, seen if scope["type"] == "http" else send)
        path = str(scope.get("path", ""))
        door = next((one for one in _DOORS if path == one or path.startswith(f"{one}/")), "")
        why = _WHY.get(statuses[0], "") if statuses else ""
        if door and why and (statuses[0] != 409 or door == "/alerts"):  # noqa: PLR2004 - elsewhere a rule says it
            await asyncio.to_thread(self._doors.turned_away, door, why)
