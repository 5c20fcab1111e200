"""The console's pages, and the parts of them that stay live."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from steadyhand.journey.incident.state import Incident
from steadyhand.journey.report.markdown import figure_rows, markdown
from steadyhand.journey.report.model import Report
from steadyhand.responder.reporting import report_of
from steadyhand.responder.views import list_incidents, view_incident, view_posts
from steadyhand.store import Person
from steadyhand.web.console.paper import page
from steadyhand.web.console.sheet import Sheet, make_sheet
from steadyhand.web.console.visitor import Visitor, visitor
from steadyhand.web.desk import Desk

PARTS = (
    *("head", "say", "alerts", "rollout", "choice", "abort", "fix", "why"),
    *("ranked", "evidence", "people", "timeline"),
)
_FAST, _CALM = "1s", "2s"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a page with the mark of its content."""

    name: str
    html: str
    version: str


class Pages:
    """Everything a signed-in person can look at."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """All of them; none changes anything."""
        return [
            Route("/incidents", self.incidents),
            Route("/incidents/live", self.incidents_live),
            Route("/incidents/{incident}", self.incident),
            Route("/incidents/{incident}/live", self.live),
            Route("/incidents/{incident}/charts", self.charts),
            Route("/incidents/{incident}/alerts", self.posts),
            Route("/incidents/{incident}/report", self.report),
            Route("/incidents/{incident}/report.md", self.report_markdown),
            Route("/incidents/{incident}/report.html", self.report_file),
        ]

    async def incidents(self, request: Request) -> Response:
        """All incidents: those that are open first, of them the gravest."""
        who = await visitor(self._desk, request)
        parts = self._list_parts(await self._incidents())
        return page(self._desk, "incidents.html", who=who, parts=parts, pulse=_pulse("/incidents", parts))

    async def incidents_live(self, request: Request) -> Response:
        """The list again, if it has changed."""
        await visitor(self._desk, request)
        parts = self._list_parts(await self._incidents())
        return self._changed(request, "/incidents", parts, _CALM, "Incidents")

    async def incident(self, request: Request) -> Response:
        """One incident, whole."""
        who = await visitor(self._desk, request)
        return await show_incident(self._desk, who, str(request.path_params["incident"]))

    async def live(self, request: Request) -> Response:
        """Those parts of an incident's page that are not what the browser has."""
        who = await visitor(self._desk, request)
        sheet = await _sheet(self._desk, who, str(request.path_params["incident"]))
        parts = make_parts(self._desk, sheet, who)
        return self._changed(request, _address(sheet), parts, _pace(sheet), _title(sheet))

    async def charts(self, request: Request) -> Response:
        """The evidence's signals, to be drawn."""
        await visitor(self._desk, request)
        view = await asyncio.to_thread(view_incident, self._desk.outside, request.path_params["incident"])
        charts = view.page.charts if view.page else ()
        return JSONResponse({"charts": [one.model_dump(mode="json") for one in charts]})

    async def posts(self, request: Request) -> Response:
        """Its alerts as they came in."""
        who = await visitor(self._desk, request)
        wanted = str(request.path_params["incident"])
        found = await asyncio.to_thread(view_posts, self._desk.outside, wanted)
        return page(self._desk, "posts.html", who=who, incident=wanted, posts=found)

    async def report(self, request: Request) -> Response:
        """The report as a page."""
        who = await visitor(self._desk, request)
        found = await self._report(request)
        rows = figure_rows(found.figures)
        return page(self._desk, "report.html", who=who, report=found, rows=rows)

    async def report_markdown(self, request: Request) -> Response:
        """The report as a Markdown file."""
        await visitor(self._desk, request)
        found = await self._report(request)
        kept = _kept(found, "md")
        return PlainTextResponse(markdown(found), media_type="text/markdown; charset=utf-8", headers=kept)

    async def report_file(self, request: Request) -> Response:
        """The report as one HTML file that needs nothing else."""
        await visitor(self._desk, request)
        found = await self._report(request)
        answer = page(self._desk, "report_file.html", report=found, rows=figure_rows(found.figures))
        answer.headers.update(_kept(found, "html"))
        return answer

    async def _incidents(self) -> list[Incident]:
        found = await asyncio.to_thread(list_incidents, self._desk.outside)
        return sorted(found, key=lambda one: "over" if one.status == "resolved" else one.severity)

    def _list_parts(self, found: list[Incident]) -> tuple[Part, ...]:
        return (_part(self._desk, "list", incidents=found),)

    async def _report(self, request: Request) -> Report:
        view = await asyncio.to_thread(view_incident, self._desk.outside, request.path_params["incident"])
        return report_of(view)

    def _changed(
        self, request: Request, address: str, parts: tuple[Part, ...], pace: str, title: str
    ) -> Response:
        """Only what the browser does not have: what somebody types into stays untouched."""
        seen = request.query_params
        fresh = tuple(one for one in parts if seen.get(one.name) != one.version)
        if not fresh:
            return Response(status_code=204)
        pulse = _pulse(address, parts, pace)
        return page(self._desk, "live.html", parts=fresh, pulse=pulse, title=title)


async def show_incident(
    desk: Desk,
    who: Visitor,
    wanted: str,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The page of an incident; `problem` says what could not be done, `typed` keeps the person's words."""
    sheet = await _sheet(desk, who, wanted)
    parts = make_parts(desk, sheet, who, typed)
    pulse = _pulse(_address(sheet), parts, _pace(sheet))
    shown = {"who": who, "sheet": sheet, "parts": {one.name: one for one in parts}, "pulse": pulse}
    return page(desk, "incident.html", status, **shown, problem=problem, title=_title(sheet))


def make_parts(
    desk: Desk, sheet: Sheet, who: Visitor, typed: Mapping[str, str] | None = None
) -> tuple[Part, ...]:
    """Every part of an incident's page, rendered."""
    return tuple(_part(desk, name, s=sheet, csrf=who.csrf, typed=typed or {}) for name in PARTS)


async def _sheet(desk: Desk, who: Visitor, wanted: str) -> Sheet:
    view = await asyncio.to_thread(view_incident, desk.outside, wanted)
    known = await asyncio.to_thread(_known, desk)
    return make_sheet(desk.outside, view, who.person, known)


def _known(desk: Desk) -> Sequence[Person]:
    with desk.outside.ledger.read() as tx:
        return tx.people()


def _part(desk: Desk, name: str, **shown: object) -> Part:
    html = desk.templates.get_template(f"parts/{name}.html").render(**shown)
    return Part(name, html, hashlib.sha256(html.encode()).hexdigest()[:12])


@dataclass(frozen=True, slots=True)
class Pulse:
    """Where and how often the browser asks what has changed."""

    address: str
    every: str


def _pulse(address: str, parts: tuple[Part, ...], every: str = _CALM) -> Pulse:
    return Pulse(f"{address}/live?{urlencode({one.name: one.version for one in parts})}", every)


def _address(sheet: Sheet) -> str:
    return f"/incidents/{sheet.view.incident.id}"


def _pace(sheet: Sheet) -> str:
    return _FAST if sheet.view.incident.status == "rolling_out" else _CALM


def _title(sheet: Sheet) -> str:
    incident = sheet.view.incident
    return f"{incident.severity} {incident.service}: {incident.status.replace('_', ' ')}"


def _kept(report: Report, kind: str) -> dict[str, str]:
    name = "".join(one for one in report.incident if one.isalnum() or one in "-_")
    return {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
