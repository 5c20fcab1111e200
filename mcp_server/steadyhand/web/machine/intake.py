"""Alerts and changes come in. An answer of 2xx means: stored."""

import asyncio
import logging
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.evidence.model import Change
from steadyhand.ports import LedgerError, Post
from steadyhand.responder.intake import take_alert
from steadyhand.web.body import json_body, raw_body
from steadyhand.web.desk import Desk
from steadyhand.web.machine.guard import check_token

log = logging.getLogger("steadyhand.web")
_NAMED = 3


class Intake:
    """POST /alerts/{source} and POST /changes, behind the ingest token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """The two doors."""
        return [
            Route("/alerts/{source}", self.alerts, methods=["POST"]),
            Route("/changes", self.changes, methods=["POST"]),
        ]

    async def alerts(self, request: Request) -> Response:
        """Take every alert of a post. When the store fails, page past it and ask the sender to repeat."""
        source = self._desk.sources.get(request.path_params["source"])
        if source is None or not source.signed:
            check_token(request, self._desk.secrets.ingest_token)
        if source is None:
            raise HTTPException(404, f"no such source; known are {', '.join(sorted(self._desk.sources))}")
        body = await raw_body(request)
        now = self._desk.outside.clock.now()
        delivery = await source.read(Post(headers=dict(request.headers), body=body, received_at=now))
        alerts = delivery.alerts
        try:
            incidents = await asyncio.to_thread(self._take, alerts, body.decode(errors="replace"))
        except LedgerError as error:
            log.error("alerts were not stored: %s", error)  # noqa: TRY400 - the cause is in the text
            await self._desk.alarm.ring(_not_stored(alerts))
            raise
        return JSONResponse({"incidents": incidents}, status_code=202)

    async def changes(self, request: Request) -> Response:
        """Keep one change, or what is known of it by now."""
        check_token(request, self._desk.secrets.ingest_token)
        change = await json_body(request, Change)
        await asyncio.to_thread(self._keep, change)
        return JSONResponse({"id": change.id}, status_code=201)

    def _take(self, alerts: Sequence[Alert], raw: str) -> list[str]:
        """Each alert in its own transaction; a repeat after a failure half-way restarts nothing."""
        taken = [
            # The first keeps the whole post; fifty copies of it would help nobody.
            take_alert(self._desk.outside, one, one.model_dump_json() if place else raw)
            for place, one in enumerate(alerts)
        ]
        return list(dict.fromkeys(one for one in taken if one))

    def _keep(self, change: Change) -> None:
        with self._desk.outside.ledger.write() as tx:
            tx.keep_change(change)


def _not_stored(alerts: Sequence[Alert]) -> str:
    named = ", ".join(f"{one.name[:80]} on {one.service[:40]} ({one.status})" for one in alerts[:_NAMED])
    more = f" and {len(alerts) - _NAMED} more" if len(alerts) > _NAMED else ""
    return f"An alert came in and could not be stored: {named}{more}. Look at Steadyhand's store."
