"""No body larger than its bound is read: whoever sends more is told so, and how much may be sent."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DIGITS = 18  # of a length that says something; more of them are too many bytes for anybody


class TooLarge(HTTPException):
    """More bytes than a body may have."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"the body is larger than {most} bytes: nothing of it was taken; send less")


class Bounded:
    """Refuses by the declared length before anything is read, and while reading what declares none.

    `most` is in bytes; `refuse` writes the answer.
    """

    def __init__(self, app: ASGIApp, most: int, refuse: Callable[[Request, Exception], Response]) -> None:
        self._app = app
        self._most = most
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does; reading too much raises TooLarge there, an HTTPException like others."""
        if scope["type"] == "http" and _declared(scope) > self._most:
            answer = self._refuse(Request(scope), TooLarge(self._most))
            await answer(scope, receive, send)
            return
        await self._app(scope, self._counted(receive) if scope["type"] == "http" else receive, send)

    def _counted(self, receive: Receive) -> Receive:
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._most:
                raise TooLarge(self._most)
            return message

        return counted


def _declared(scope: Scope) -> int:
    """The length the sender declares, in bytes; 0 for none, or for what is no number."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said[: _DIGITS + 1]) if said.isdecimal() else 0
