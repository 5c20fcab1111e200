"""Alerts and changes come in. An answer of 2xx means: stored."""

import asyncio
import logging
import re
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.evidence.model import Change
from steadyhand.ports import LedgerError, Post
from steadyhand.responder.alerts.ears import Taken
from steadyhand.responder.alerts.inbox import Arrival, Inbox
from steadyhand.responder.alerts.reading import whole
from steadyhand.store_alerts import LONGEST_KEPT
from steadyhand.web.body import json_body, raw_body
from steadyhand.web.desk import Desk
from steadyhand.web.machine.guard import check_token

log = logging.getLogger("steadyhand.web")
_NAMED = 3
_WAIT = re.compile(r"\bwait\s*=\s*(\d{1,4})\b", re.IGNORECASE | re.ASCII)
_LONGEST_WAIT_S = 10


class Intake:
    """POST /alerts/{source} and POST /changes, behind the ingest token; POST /changes/{source}, signed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._inbox = Inbox(desk.outside)

    def routes(self) -> list[Route]:
        """The three doors."""
        return [
            Route("/alerts/{source}", self.alerts, methods=["POST"]),
            Route("/changes", self.changes, methods=["POST"]),
            Route("/changes/{source}", self.told, methods=["POST"]),
        ]

    async def alerts(self, request: Request) -> Response:
        """Take every alert of a post: answered once it is on disk, before it is heard.

        Who wants to know its incidents says so by `Prefer: wait=5` (RFC 7240), in seconds. When the store
        fails, page past it and ask the sender to repeat.
        """
        outside = self._desk.outside
        source = outside.sources.get(request.path_params["source"])
        if source is None or not source.signed:
            check_token(request, self._desk.secrets.ingest_token)
        if source is None:
            raise HTTPException(404, f"no such source; known are {', '.join(sorted(outside.sources))}")
        body = await raw_body(request)
        post = Post(headers=dict(request.headers), body=body, received_at=outside.clock.now())
        told = await source.read(post)
        if len(body) > LONGEST_KEPT:
            told = whole(outside, told, post)  # from what is kept of it nobody could read them
        try:
            taken = await self._inbox.take(Arrival(told, body), _patience(request))
        except LedgerError as error:
            log.error("alerts were not stored: %s", error)  # noqa: TRY400 - the cause is in the text
            await self._desk.alarm.ring(_not_stored(whole(outside, told, post).alerts))
            raise
        return JSONResponse(_told(taken), status_code=200 if taken.duplicate else 202)

    async def changes(self, request: Request) -> Response:
        """Keep one change, or what is known of it by now."""
        check_token(request, self._desk.secrets.ingest_token)
        change = await json_body(request, Change)
        # A handle would have one of our own connectors read whatever it names: only they may set it.
        await asyncio.to_thread(self._keep, [change.model_copy(update={"source": "", "handle": ""})])
        return JSONResponse({"id": change.id}, status_code=201)

    async def told(self, request: Request) -> Response:
        """Keep what a system posts about itself, once its signature is proven."""
        hook = self._desk.hooks.get(request.path_params["source"])
        if hook is None:
            check_token(request, self._desk.secrets.ingest_token)
            raise HTTPException(
                404, f"no such source; known are {', '.join(sorted(self._desk.hooks)) or 'none'}"
            )
        body, now = await raw_body(request), self._desk.outside.clock.now()
        found = hook.read(Post(headers=dict(request.headers), body=body, received_at=now))
        await asyncio.to_thread(self._keep, found)
        return JSONResponse({"ids": [one.id for one in found]}, status_code=201)

    def _keep(self, changes: Sequence[Change]) -> None:
        with self._desk.outside.ledger.write() as tx:
            for one in changes:
                tx.keep_change(one)


def _patience(request: Request) -> float:
    """How long the sender prefers to wait for the incidents, in seconds; 0 where it does not say."""
    found = _WAIT.search(request.headers.get("prefer", ""))
    return min(int(found[1]), _LONGEST_WAIT_S) if found else 0


def _told(taken: Taken) -> dict[str, object]:
    """Its number; its incidents once they are known, and beside them only what is worth a word."""
    told: dict[str, object] = taken.model_dump(exclude={"alerts", "heard"}, exclude_defaults=True)
    if taken.heard:
        told["incidents"] = list(taken.incidents)
    return told


def _not_stored(alerts: Sequence[Alert]) -> str:
    named = ", ".join(f"{one.name[:80]} on {one.service[:40]} ({one.status})" for one in alerts[:_NAMED])
    more = f" and {len(alerts) - _NAMED} more" if len(alerts) > _NAMED else ""
    return f"An alert came in and could not be stored: {named}{more}. Look at Steadyhand's store."
