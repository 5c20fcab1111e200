"""Whether the service is able to keep its promises."""

import asyncio
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from steadyhand.ports import LedgerError
from steadyhand.responder.engine.distress import unheard
from steadyhand.store import Figures
from steadyhand.web.desk import Desk

_LATE = timedelta(seconds=30)
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_METRICS = (
    ("overdue_seconds", "How long the oldest timer or message has been waiting past its time."),
    ("timer_lateness_p50_seconds", "Half of this process's last 1000 timers woke no later than this."),
    ("timer_lateness_p99_seconds", "99 of 100 of them woke no later than this."),
    ("dead_timers", "Timers that failed too often and were given up."),
    ("dead_messages", "Messages that no channel took."),
    (
        "unheard_calls",
        "Calls for help of the last day that reached nobody, and nobody has what they are about.",
    ),
    ("dead_posts", "Posts of alert sources that were stored and could not be heard."),
    ("unheard_posts", "Posts of alert sources that are stored and wait to be heard."),
    ("unheard_seconds", "How long the first of them has waited."),
    ("processes", "Processes that work on the store."),
)


class Health:
    """GET /healthz and GET /metrics. No secret and no name in them, so they ask for none."""

    def __init__(self, desk: Desk) -> None:
        self._outside = desk.outside

    def routes(self) -> list[Route]:
        """The doors."""
        return [Route("/healthz", self.get), Route("/metrics", self.metrics)]

    async def get(self, _request: Request) -> Response:
        """200 when the store can be locked for writing, no work is long overdue, help is heard; else 503."""
        try:
            found, lost = await asyncio.to_thread(self._look)
        except LedgerError:
            return JSONResponse({"status": "failing", "store": "failing"}, status_code=503)
        late = max(found.overdue, found.backlog.age) > _LATE
        status = "unheard" if lost else "late" if late else "ok"
        body = {
            "status": status,
            "store": "ok",
            "overdue_s": round(found.overdue.total_seconds(), 1),
            "late_p99_s": round(self._outside.pulse.lateness(0.99), 3),
            "dead": found.dead_timers + found.dead_messages + found.backlog.given_up,
            "unheard_calls": lost,
            "unheard": found.backlog.posts,
            "unheard_s": round(found.backlog.age.total_seconds(), 1),
            "processes": found.processes,
        }
        return JSONResponse(body, status_code=200 if status == "ok" else 503)

    async def metrics(self, _request: Request) -> Response:
        """The same for Prometheus, in its text format."""
        try:
            found, lost = await asyncio.to_thread(self._look)
        except LedgerError:
            return PlainTextResponse("the store is failing\n", status_code=503)
        pulse = self._outside.pulse
        values = (
            found.overdue.total_seconds(),
            pulse.lateness(0.5),
            pulse.lateness(0.99),
            found.dead_timers,
            found.dead_messages,
            lost,
            found.backlog.given_up,
            found.backlog.posts,
            found.backlog.age.total_seconds(),
            found.processes,
        )
        text = "".join(_shown(*about, value) for about, value in zip(_METRICS, values, strict=True))
        return Response(text, media_type=_TEXT)

    def _look(self) -> tuple[Figures, int]:
        with self._outside.ledger.write():
            pass  # the write lock is taken and given back: that is the question
        with self._outside.ledger.read() as tx:
            lost = unheard(self._outside, tx)
        return self._outside.ledger.figures(self._outside.clock.now()), lost


def _shown(name: str, help_text: str, value: float) -> str:
    whole = f"steadyhand_{name}"
    return f"# HELP {whole} {help_text}\n# TYPE {whole} gauge\n{whole} {value:g}\n"
