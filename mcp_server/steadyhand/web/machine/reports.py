"""Machines report: a monitor that it lives, a channel what became of a message."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from steadyhand.ports import Confirms, Post
from steadyhand.responder.alerts.heartbeats import UnknownHeartbeat, beat
from steadyhand.responder.people.mail import take_receipt
from steadyhand.web.body import raw_body
from steadyhand.web.desk import Desk
from steadyhand.web.machine.guard import check_token


class Reports:
    """POST /heartbeats/{name} by the ingest token, POST /receipts/{channel} by the channel's own proof."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._outside = desk.outside

    def routes(self) -> list[Route]:
        """The two doors."""
        return [
            Route("/heartbeats/{name}", self.heartbeat, methods=["POST"]),
            Route("/receipts/{channel}", self.receipt, methods=["POST"]),
        ]

    async def heartbeat(self, request: Request) -> Response:
        """A monitor lives; whatever it posts beside that is not read."""
        check_token(request, self._desk.secrets.ingest_token)
        try:
            due = await asyncio.to_thread(beat, self._outside, request.path_params["name"])
        except UnknownHeartbeat as error:
            raise HTTPException(404, str(error)) from error
        return JSONResponse({"due_by": due.isoformat()}, status_code=202)

    async def receipt(self, request: Request) -> Response:
        """What became of a message. 202 also where that is no news: the sender has done its part."""
        channel = self._outside.channels.get(request.path_params["channel"])
        if not isinstance(channel, Confirms):
            raise HTTPException(404, "no channel of this name takes receipts")
        now = self._outside.clock.now()
        post = Post(headers=dict(request.headers), body=await raw_body(request), received_at=now)
        told = channel.confirmation(post)
        news = await asyncio.to_thread(take_receipt, self._outside, channel, told.key, told.how, told.why)
        return JSONResponse({"news": news}, status_code=202)
