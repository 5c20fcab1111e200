"""Named failures as answers: JSON at the machine doors, a page at the console."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ExceptionHandler

from steadyhand.ports import AlertRefused, LedgerError, NotAuthentic, Replayed, SourceUnavailable
from steadyhand.responder.alerts.intake import UnknownIncident
from steadyhand.responder.alerts.silencing import UnknownSilence
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.web.console.paper import error_page
from steadyhand.web.console.visitor import SignInNeeded
from steadyhand.web.desk import Desk

_MACHINE = ("/api/", "/alerts", "/changes", "/heartbeats", "/mcp", "/receipts", "/healthz", "/metrics")
_RETRY_AFTER = {"Retry-After": "5"}


class Failures:
    """Answers for whatever a door raises by name."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def handlers(self) -> dict[type[Exception], ExceptionHandler]:
        """What answers which failure."""
        return {
            HTTPException: self.http,
            LedgerError: self.ledger,
            AlertRefused: self.alert,
            SourceUnavailable: self.unavailable,
            UnknownIncident: self.unknown,
            UnknownSilence: self.unknown,
            Refused: self.refused,
            SignInNeeded: self.sign_in,
        }

    def http(self, request: Request, error: Exception) -> Response:
        """A refusal of ours, or of the router."""
        assert isinstance(error, HTTPException), "registered for HTTPException"
        return self._answer(request, error.status_code, error.detail, dict(error.headers or {}))

    def ledger(self, request: Request, _error: Exception) -> Response:
        """The store failed: nothing was written, the caller is to try again."""
        return self._answer(request, 503, "the store failed; nothing was written, try again", _RETRY_AFTER)

    def alert(self, request: Request, error: Exception) -> Response:
        """A post of an alert source that is not taken: 400 what it is not, 401 no proof, 409 a replay."""
        status = 401 if isinstance(error, NotAuthentic) else 409 if isinstance(error, Replayed) else 400
        return self._answer(request, status, str(error), {})

    def unavailable(self, request: Request, error: Exception) -> Response:
        """Something that is needed to answer cannot be reached now: the caller is to try again."""
        return self._answer(request, 503, str(error), _RETRY_AFTER)

    def unknown(self, request: Request, error: Exception) -> Response:
        """There is no such incident."""
        return self._answer(request, 404, str(error), {})

    def refused(self, request: Request, error: Exception) -> Response:
        """A rule says no, and why."""
        return self._answer(request, 409, str(error), {})

    def sign_in(self, request: Request, error: Exception) -> Response:
        """Somebody must sign in first; a poll tells the page to go there."""
        assert isinstance(error, SignInNeeded), "registered for SignInNeeded"
        if "hx-request" in request.headers:
            return Response(status_code=401, headers={"HX-Redirect": error.where})
        return RedirectResponse(error.where, status_code=303)

    def _answer(self, request: Request, status: int, why: str, headers: dict[str, str]) -> Response:
        if request.url.path.startswith(_MACHINE):
            return JSONResponse({"error": why}, status_code=status, headers=headers)
        title = HTTPStatus(status).phrase
        return error_page(self._desk, status, title, why, headers)
