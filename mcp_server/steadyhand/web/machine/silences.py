"""Silences and maintenance windows: a person sets them and ends them, with their name on it."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from steadyhand.responder.alerts.silencing import doubts, end_quiet, keep_quiet, silences
from steadyhand.web.body import json_body
from steadyhand.web.desk import Desk
from steadyhand.web.machine.guard import check_person
from steadyhand.web.quiet import Wanted, made

VIA = "terminal"


class Silences:
    """The terminal's doors to them; each asks for name and PIN."""

    def __init__(self, desk: Desk) -> None:
        self._outside = desk.outside

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/api/silences", self.listed),
            Route("/api/silences", self.add, methods=["POST"]),
            Route("/api/silences/{silence}/end", self.end, methods=["POST"]),
        ]

    async def listed(self, request: Request) -> Response:
        """Those that last or are to come."""
        await check_person(self._outside, request)
        found = await asyncio.to_thread(silences, self._outside)
        return JSONResponse(
            {"silences": [one.model_dump(mode="json") | {"words": one.words} for one in found]}
        )

    async def add(self, request: Request) -> Response:
        """Set one, under the person's name."""
        person = await check_person(self._outside, request)
        wanted = await json_body(request, Wanted)
        silence = made(wanted, self._outside.new_id("sil"), person.name, self._outside.clock.now())
        await asyncio.to_thread(keep_quiet, self._outside, silence, VIA)
        unsure = await asyncio.to_thread(doubts, self._outside, silence)
        return JSONResponse({"id": silence.id, "doubts": unsure}, status_code=201)

    async def end(self, request: Request) -> Response:
        """End one now."""
        person = await check_person(self._outside, request)
        wanted = str(request.path_params["silence"])
        over = await asyncio.to_thread(end_quiet, self._outside, wanted, person.name, VIA)
        return JSONResponse({"id": over.id})
