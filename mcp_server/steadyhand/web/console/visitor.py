"""Who is looking at the console, looked up anew on every request."""

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request

from steadyhand.ports import SteadyhandError
from steadyhand.store import Person
from steadyhand.web.body import form_body
from steadyhand.web.console.session import COOKIE, Session, csrf, mark, unseal
from steadyhand.web.desk import Desk
from steadyhand.web.secret import same


class SignInNeeded(SteadyhandError):
    """Nobody is signed in here; `where` is the page that changes that."""

    def __init__(self, where: str) -> None:
        super().__init__("sign in first")
        self.where = where


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in person and the token of their forms."""

    person: Person
    csrf: str


def session_of(desk: Desk, request: Request) -> Session | None:
    """The session of this browser, if it has one of ours."""
    key, now = desk.secrets.session_key, desk.outside.clock.now()
    return unseal(request.cookies.get(COOKIE, ""), key, now)


async def visitor(desk: Desk, request: Request) -> Visitor:
    """The person who is signed in. Raises SignInNeeded, LedgerError."""
    session = session_of(desk, request)
    person = await asyncio.to_thread(_person, desk, session) if session and session.name else None
    key = desk.secrets.session_key
    if session is None or person is None or not same(session.mark, mark(person, key)):
        raise SignInNeeded(_way_back(request))
    return Visitor(person=person, csrf=csrf(session, key))


async def posted(desk: Desk, request: Request) -> tuple[Visitor, dict[str, str]]:
    """The person who sent a form, and its fields. Raises SignInNeeded, HTTPException 403, LedgerError."""
    sender = await visitor(desk, request)
    form = await form_body(request)
    check_form(form, sender.csrf)
    return sender, form


def check_form(form: dict[str, str], token: str) -> None:
    """Pass a form of our own page; no token fits a browser without a session. Raises HTTPException 403."""
    if not token or not same(form.get("csrf", ""), token):
        raise HTTPException(
            403, "This form is not from your present session. Reload the page, then try again."
        )


def _person(desk: Desk, session: Session) -> Person | None:
    with desk.outside.ledger.read() as tx:
        return tx.person(session.name)


def _way_back(request: Request) -> str:
    """Where to sign in; a page, not a fragment or a deed, is come back to."""
    page = request.method == "GET" and "hx-request" not in request.headers
    return f"/sign-in?next={quote(request.url.path)}" if page else "/sign-in"
