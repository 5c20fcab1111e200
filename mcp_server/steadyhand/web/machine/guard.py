"""Who may pass a machine door: the holder of a token, or a person with their PIN."""

import base64
import binascii

from starlette.exceptions import HTTPException
from starlette.requests import Request

from steadyhand.responder.fixes.deciding import Refused, sign_in
from steadyhand.responder.outside import Outside
from steadyhand.store import Person
from steadyhand.web.secret import same

# Not plain "Basic": a browser would ask for the PIN, keep it, and send it along for any page.
_ASK = {"WWW-Authenticate": 'xBasic realm="steadyhand"'}


def check_token(request: Request, token: str) -> None:
    """Pass the holder of this token. Raises HTTPException 401."""
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not same(shown.strip(), token):
        raise HTTPException(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})


async def check_person(outside: Outside, request: Request) -> Person:
    """The person whose name and PIN came by HTTP Basic. Raises HTTPException 401, LedgerError."""
    name, pin = _credentials(request.headers.get("authorization", ""))
    if not name:
        raise HTTPException(401, "sign in with HTTP Basic, name and PIN", _ASK)
    try:
        return await sign_in(outside, name, pin, via="terminal")
    except Refused as error:
        raise HTTPException(401, str(error), _ASK) from error


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, pin = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, pin
