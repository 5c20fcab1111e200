"""The page of silences and maintenance windows: those that last or are to come, one more, and an end."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from steadyhand.journey.alert.silence import written
from steadyhand.journey.rule import parse_duration
from steadyhand.responder.alerts.silencing import doubts, end_quiet, keep_quiet, silences
from steadyhand.web.body import first_fault
from steadyhand.web.console.door import VIA
from steadyhand.web.console.paper import page
from steadyhand.web.console.visitor import Visitor, posted, visitor
from steadyhand.web.desk import Desk
from steadyhand.web.quiet import Wanted, made

_PAGE = "/silences"


class SilencesPage:
    """GET and POST /silences, and the end of each."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._outside = desk.outside

    def routes(self) -> list[Route]:
        """The three of them."""
        return [
            Route(_PAGE, self.show),
            Route(_PAGE, self.add, methods=["POST"]),
            Route(f"{_PAGE}/{{silence}}/end", self.end, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """What is quiet now or will be."""
        return await self._page(await visitor(self._desk, request))

    async def add(self, request: Request) -> Response:
        """Set one; a refusal is shown above the form, with what was typed kept."""
        who, form = await posted(self._desk, request)
        now, name = self._outside.clock.now(), who.person.name
        try:
            silence = made(wanted(form, now), self._outside.new_id("sil"), name, now)
        except HTTPException as error:
            return await self._page(who, f"Not done: {_plain(error.detail)}.", form, error.status_code)
        await asyncio.to_thread(keep_quiet, self._outside, silence, VIA)
        return RedirectResponse(_PAGE, status_code=303)

    async def end(self, request: Request) -> Response:
        """End one now: what still fires pages."""
        who, _ = await posted(self._desk, request)
        one = str(request.path_params["silence"])
        await asyncio.to_thread(end_quiet, self._outside, one, who.person.name, VIA)
        return RedirectResponse(_PAGE, status_code=303)

    async def _page(
        self, who: Visitor, problem: str = "", typed: Mapping[str, str] | None = None, status: int = 200
    ) -> Response:
        found = await asyncio.to_thread(silences, self._outside)
        unsure = {one.id: await asyncio.to_thread(doubts, self._outside, one) for one in found}
        shown = {"silences": found, "doubts": unsure, "now": self._outside.clock.now(), "problem": problem}
        return page(self._desk, "silences.html", status, who=who, typed=typed or {}, **shown)


def wanted(form: Mapping[str, str], now: datetime) -> Wanted:
    """What the form asks for; its instants are UTC. Raises HTTPException 400 naming what is wrong."""
    kind, lines = form.get("kind", ""), form.get("what", "").splitlines()
    start = _start(form.get("from", "").strip(), now)
    asked = {
        "kind": kind,
        "matchers": written(kind, [one.strip() for one in lines if one.strip()]),
        "starts_at": start,
        "ends_at": _end(start, form.get("lasts", "").strip()),
        "reason": form.get("reason", "").strip(),
    }
    try:
        return Wanted.model_validate(asked)
    except ValidationError as error:
        raise HTTPException(400, first_fault(error)) from None


def _start(text: str, now: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(text) if text else now
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise HTTPException(400, "from: write it like 2026-12-01T02:00, in UTC") from None


def _end(start: datetime, lasts: str) -> datetime:
    try:
        span = parse_duration(lasts[:20])
        assert isinstance(span, timedelta), "a text is a duration or an error"
        return start + span
    except ValueError as error:
        raise HTTPException(400, f"how long: {error}") from None
    except OverflowError:
        raise HTTPException(400, "how long: it would end after the year 9999") from None


def _plain(fault: str) -> str:
    """Of the whole form, without a field's name before it."""
    return fault.removeprefix("body: ")
