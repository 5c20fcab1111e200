"""A signed cookie that says who somebody is, and the token that proves a form came from our page."""

import base64
import binascii
import secrets
from datetime import datetime, timedelta

from pydantic import Field, ValidationError

from steadyhand.journey.rule import Value
from steadyhand.store import Person
from steadyhand.web.secret import same, signature

COOKIE = "steadyhand_session"
LASTS = timedelta(hours=12)
_NOBODY = ""


class Session(Value):
    """One browser's visit; nobody has signed in while `name` is empty."""

    name: str = _NOBODY
    nonce: str
    mark: str = Field(default="", description="Of the PIN's hash: a new PIN ends every older session.")
    ends_at: int = Field(description="Unix seconds.")


def begin(now: datetime, person: Person | None = None, key: bytes = b"") -> Session:
    """A fresh session; signing in always begins one, so that none can be planted before."""
    ends = int((now + LASTS).timestamp())
    if person is None:
        return Session(nonce=secrets.token_hex(16), ends_at=ends)
    return Session(name=person.name, nonce=secrets.token_hex(16), mark=mark(person, key), ends_at=ends)


def mark(person: Person, key: bytes) -> str:
    """What ties a session to the PIN it was opened with."""
    return signature(key, "pin", person.pin_hash)[:16]


def csrf(session: Session, key: bytes) -> str:
    """The token every form of this session carries."""
    return signature(key, "form", session.nonce)


def seal(session: Session, key: bytes) -> str:
    """The cookie's text."""
    body = base64.urlsafe_b64encode(session.model_dump_json().encode()).decode()
    return f"{body}.{signature(key, 'cookie', body)}"


def unseal(text: str, key: bytes, now: datetime) -> Session | None:
    """The session of a cookie; None when it is not ours, was changed, or has ended."""
    body, _, shown = text.partition(".")
    if not same(shown, signature(key, "cookie", body)):
        return None
    try:
        session = Session.model_validate_json(base64.urlsafe_b64decode(body))
    except (binascii.Error, ValidationError):
        return None
    return session if now.timestamp() < session.ends_at else None
