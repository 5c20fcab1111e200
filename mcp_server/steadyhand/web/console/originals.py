"""What the placeholders of an incident stand for, shown to a person on a page nothing follows from."""

import asyncio
import re
from collections.abc import Mapping

from markupsafe import escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from steadyhand.journey.report.markdown import figure_rows
from steadyhand.responder.hiding import show_originals
from steadyhand.responder.reporting import report_of
from steadyhand.responder.views import view_incident, view_posts
from steadyhand.web.console.door import VIA
from steadyhand.web.console.visitor import posted
from steadyhand.web.desk import Desk

_ESCAPED = re.compile(r"&lt;[a-z]+-\d{1,9}&gt;")


class Originals:
    """POST /incidents/{incident}/originals: never a link, so in no history, no log and no referrer.

    The page has no field to type into: an original cannot be sent on by a form that was filled with it.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """The one."""
        return [Route("/incidents/{incident}/originals", self.show, methods=["POST"])]

    async def show(self, request: Request) -> Response:
        """Evidence, report and alerts with originals; who saw them is recorded first."""
        who, _ = await posted(self._desk, request)
        outside, wanted = self._desk.outside, str(request.path_params["incident"])
        view = await asyncio.to_thread(view_incident, outside, wanted)
        posts = await asyncio.to_thread(view_posts, outside, wanted)
        found = await asyncio.to_thread(show_originals, outside, wanted, who.person.name, VIA)
        report = report_of(view)
        text = self._desk.templates.get_template("originals.html").render(
            who=who,
            view=view,
            posts=posts,
            report=report,
            rows=figure_rows(report.figures),
            found={name.strip("<>"): value for name, value in found.items()},
        )
        return HTMLResponse(_with_originals(text, found))


def _with_originals(text: str, found: Mapping[str, str]) -> str:
    """The page with originals, escaped, where placeholders stood, escaped too."""
    shown = {str(escape(name)): str(escape(value)) for name, value in found.items()}
    return _ESCAPED.sub(lambda one: shown.get(one[0], one[0]), text)
