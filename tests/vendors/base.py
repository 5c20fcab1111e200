"""What the fake vendors have in common: strict reading, scripted trouble, nothing unexpected.

Each is a server on loopback that keeps its vendor's rules as published. A request that breaks one is answered
as the vendor would and noted; a test fails at its end when something was noted, or when a message is left
that it did not ask about.
"""

import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from servers import RESET, HttpServer, Reply, Request, http_server


class Strict(BaseModel):
    """A body as the vendor's description has it; what is not in there is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)


Body = TypeVar("Body", bound=Strict)


class Broken(Exception):
    """The request breaks a rule; the reply is what the vendor says to that."""

    def __init__(self, why: str, reply: Reply) -> None:
        super().__init__(why)
        self.reply = reply


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with one request: before it is worked on, or after, when only the answer is lost."""

    reply: Reply
    after_commit: bool = False


CUT_ANSWER = Trouble(RESET, after_commit=True)
CUT = Trouble(RESET)


def status(code: int, **headers: str) -> Trouble:
    return Trouble(Reply(code, headers={name.replace("_", "-"): value for name, value in headers.items()}))


@dataclass
class Vendor:
    """A fake vendor; `trouble` is used up one by one, `said` is everything it accepted."""

    trouble: deque[Trouble] = field(default_factory=deque)
    broken: list[str] = field(default_factory=list)
    said: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    url: str = ""

    def take(self) -> list[Any]:
        """The messages since the last time; asking for them is expecting them."""
        taken, self.said = self.said, []
        return taken

    def __call__(self, request: Request) -> Reply:
        self.asked.append(f"{request.method} {request.path}")
        self.requests.append(request)
        trouble = self.trouble.popleft() if self.trouble else None
        if trouble and not trouble.after_commit:
            return trouble.reply
        try:
            reply = self.answer(request)
        except Broken as error:
            self.broken.append(f"{request.path}: {error}")
            reply = error.reply
        return trouble.reply if trouble else reply

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError


def read(request: Request, shape: type[Body], refusal: Reply) -> Body:
    """The body in its published shape. Raises Broken."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Broken("the body must be application/json", refusal)
    try:
        return shape.model_validate_json(request.body)
    except ValidationError as error:
        raise Broken(str(error), refusal) from error


def answer_json(body: Mapping[str, Any] | list[Any], code: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(code, json.dumps(body).encode(), {"content-type": "application/json", **named})


@asynccontextmanager
async def serving(vendor: Vendor) -> AsyncIterator[HttpServer]:
    """The vendor on loopback; at the end nothing may be broken and nothing unexpected left."""
    async with http_server(vendor) as server:
        vendor.url = server.url
        yield server
    assert vendor.broken == []
    assert vendor.said == [], "messages nobody expected"
