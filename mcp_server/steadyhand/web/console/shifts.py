"""The forms on the page on call: take, give away or swap a shift, and undo that."""

import asyncio

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.people.shifts import undo_shift
from steadyhand.web.body import first_fault
from steadyhand.web.console.door import VIA
from steadyhand.web.console.on_call import PAGE, show_on_call
from steadyhand.web.console.visitor import posted
from steadyhand.web.desk import Desk
from steadyhand.web.shifts import WantedShift, do_shift


class ShiftForms:
    """POST /on-call/shifts, and the end of each change."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._outside = desk.outside

    def routes(self) -> list[Route]:
        """The two of them."""
        return [
            Route(f"{PAGE}/shifts", self.add, methods=["POST"]),
            Route(f"{PAGE}/shifts/{{change}}/undo", self.undo, methods=["POST"]),
        ]

    async def add(self, request: Request) -> Response:
        """Do it; a refusal is shown above the form, with what was typed kept."""
        who, form = await posted(self._desk, request)
        given = {name: form[name].strip() for name in WantedShift.model_fields if name in form}
        try:
            wanted = WantedShift.model_validate(given)
            await asyncio.to_thread(do_shift, self._outside, wanted, who.person.name, VIA)
        except ValidationError as error:
            return await show_on_call(self._desk, who, f"Not done: {first_fault(error)}.", form, 400)
        except HTTPException as error:
            return await show_on_call(self._desk, who, f"Not done: {error.detail}.", form, error.status_code)
        except Refused as error:
            return await show_on_call(self._desk, who, f"Not done: {error}.", form, 409)
        return RedirectResponse(PAGE, status_code=303)

    async def undo(self, request: Request) -> Response:
        """The schedule's own people again."""
        who, _ = await posted(self._desk, request)
        wanted = str(request.path_params["change"])
        try:
            await asyncio.to_thread(undo_shift, self._outside, wanted, who.person.name, VIA)
        except Refused as error:
            return await show_on_call(self._desk, who, f"Not done: {error}.", {}, 409)
        return RedirectResponse(PAGE, status_code=303)
