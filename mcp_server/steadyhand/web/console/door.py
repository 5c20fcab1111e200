"""Signing in and out."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from steadyhand.responder.fixes.deciding import Refused, sign_in
from steadyhand.web.body import form_body
from steadyhand.web.console.paper import page
from steadyhand.web.console.session import COOKIE, LASTS, Session, begin, csrf, seal
from steadyhand.web.console.visitor import check_form, posted, session_of
from steadyhand.web.desk import Desk

VIA = "console"
_HOME = "/incidents"


class Door:
    """GET and POST /sign-in, POST /sign-out."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._key = desk.secrets.session_key

    def routes(self) -> list[Route]:
        """The three of them, and the way in from the bare address."""
        return [
            Route("/", self.home),
            Route("/sign-in", self.ask),
            Route("/sign-in", self.enter, methods=["POST"]),
            Route("/sign-out", self.leave, methods=["POST"]),
        ]

    async def home(self, _request: Request) -> Response:
        """The bare address leads to the incidents."""
        return RedirectResponse(_HOME, status_code=303)

    async def ask(self, request: Request) -> Response:
        """The form; whoever sees it gets a session of nobody, so that the form has a token."""
        session = session_of(self._desk, request) or begin(self._desk.outside.clock.now())
        answer = self._form(session, request.query_params.get("next", ""))
        self._give(request, answer, session)
        return answer

    async def enter(self, request: Request) -> Response:
        """Check name and PIN; a wrong one is told apart from nothing else."""
        form = await form_body(request)
        session = session_of(self._desk, request)
        check_form(form, csrf(session, self._key) if session else "")
        name = form.get("name", "").strip()[:80]
        try:
            person = await sign_in(self._desk.outside, name, form.get("pin", ""), VIA)
        except Refused as error:
            assert session is not None, "a form without a session does not pass"
            return self._form(session, form.get("next", ""), name, f"{error}.".capitalize(), 401)
        answer = RedirectResponse(_local(form.get("next", "")), status_code=303)
        self._give(request, answer, begin(self._desk.outside.clock.now(), person, self._key))
        return answer

    async def leave(self, request: Request) -> Response:
        """Forget who this is."""
        await posted(self._desk, request)
        answer = RedirectResponse("/sign-in", status_code=303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    def _form(
        self, session: Session, wanted: str, name: str = "", problem: str = "", status: int = 200
    ) -> HTMLResponse:
        token = csrf(session, self._key)
        shown = {"csrf": token, "next": _local(wanted), "name": name, "problem": problem}
        return page(self._desk, "sign_in.html", status, **shown)

    def _give(self, request: Request, answer: Response, session: Session) -> None:
        answer.set_cookie(
            COOKIE,
            seal(session, self._key),
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )


def _local(wanted: str) -> str:
    """Only pages of our own: a foreign address after a sign-in would be a trap."""
    return wanted if wanted.startswith(("/incidents", "/on-call")) else _HOME
