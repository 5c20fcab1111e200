"""Whether the service is able to keep its promises."""

import asyncio
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from steadyhand.ports import LedgerError
from steadyhand.web.desk import Desk

_LATE = timedelta(seconds=30)


class Health:
    """GET /healthz: 200 when the store can be locked for writing and no work is long overdue, else 503."""

    def __init__(self, desk: Desk) -> None:
        self._outside = desk.outside

    async def get(self, _request: Request) -> Response:
        """The service's health; no secret and no name in it, so it asks for none."""
        try:
            overdue = await asyncio.to_thread(self._look)
        except LedgerError:
            return JSONResponse({"status": "failing", "store": "failing"}, status_code=503)
        late = overdue > _LATE
        body = {
            "status": "late" if late else "ok",
            "store": "ok",
            "overdue_s": round(overdue.total_seconds(), 1),
        }
        return JSONResponse(body, status_code=503 if late else 200)

    def _look(self) -> timedelta:
        """How long the oldest waiting timer or message is overdue."""
        with self._outside.ledger.write():
            pass  # the write lock is taken and given back: that is the question
        due = self._outside.ledger.next_due()
        return max(self._outside.clock.now() - due, timedelta()) if due else timedelta()
