"""Shifts changed by hand: a person does it and undoes it, with their name on it."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from steadyhand.responder.people.shifts import shift_changes, undo_shift
from steadyhand.web.body import json_body
from steadyhand.web.desk import Desk
from steadyhand.web.machine.guard import check_person
from steadyhand.web.shifts import WantedShift, do_shift, said

VIA = "terminal"


class Shifts:
    """The terminal's doors to them; each asks for name and PIN."""

    def __init__(self, desk: Desk) -> None:
        self._outside = desk.outside

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/api/shifts", self.listed),
            Route("/api/shifts", self.add, methods=["POST"]),
            Route("/api/shifts/{change}/undo", self.undo, methods=["POST"]),
        ]

    async def listed(self, request: Request) -> Response:
        """Changes that last or are to come."""
        await check_person(self._outside, request)
        found = await asyncio.to_thread(shift_changes, self._outside)
        rows = [one.model_dump(mode="json") | {"words": said(self._outside, one)} for one in found]
        return JSONResponse({"changes": rows})

    async def add(self, request: Request) -> Response:
        """Take, give away or swap, under the person's name."""
        person = await check_person(self._outside, request)
        wanted = await json_body(request, WantedShift)
        made = await asyncio.to_thread(do_shift, self._outside, wanted, person.name, VIA)
        return JSONResponse({"id": made.id, "words": said(self._outside, made)}, status_code=201)

    async def undo(self, request: Request) -> Response:
        """The schedule's own people again, from now on."""
        person = await check_person(self._outside, request)
        wanted = str(request.path_params["change"])
        over = await asyncio.to_thread(undo_shift, self._outside, wanted, person.name, VIA)
        return JSONResponse({"id": over.id, "words": said(self._outside, over)})
