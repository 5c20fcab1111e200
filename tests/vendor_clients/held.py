"""A request, held before it leaves a vendor's client, and compared with ours."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Json = dict[str, Any]
Sent = tuple[str, str, Json, Any]


class Refused(Exception):
    """The vendor's description does not know it so."""


class Caught(Exception):
    def __init__(self, method: str, url: str, query: Mapping[str, Any] | None, body: object) -> None:
        super().__init__()
        parts = urlsplit(url)
        told = {key: _word(value) for key, value in {**dict(parse_qsl(parts.query)), **(query or {})}.items()}
        self.sent: Sent = (method.upper(), unquote(parts.path), told, body)


def _word(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


def same(one: Json, theirs: Caught, body: object = None) -> None:
    ours: Sent = (one["method"], unquote(one["path"]), one["query"], body)
    if ours != theirs.sent:
        raise Refused(f"its client sends {theirs.sent}, not {ours}")


def called(call: Callable[..., object], *args: object, **words: object) -> Caught:
    try:
        call(*args, **words)
    except Caught as found:
        return found
    raise Refused("its client sends nothing")
