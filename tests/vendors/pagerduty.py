"""PagerDuty's Events API v2, after PagerDuty/api-schema reference/events-v2/openapiv3.json at commit 8574381.

Rules beyond the schema: 512 KB a request; dedup_key of at most 255 and summary of at most 1024 characters; an
unknown routing key is a 400; acknowledge and resolve under a key that did not open the alert are dropped
without a word; a trigger after a resolve opens a new incident.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, Field
from servers import Reply, Request
from vendors.base import Broken, Strict, Vendor, answer_json, read

_LARGEST = 512 * 1024
KEY = "0123456789abcdef0123456789abcdef"
OTHER_KEY = "fedcba9876543210fedcba9876543210"


class _Link(Strict):
    href: Annotated[str, AnyHttpUrl]
    text: str = ""


class _Payload(Strict):
    summary: str = Field(min_length=1, max_length=1024)
    source: str = Field(min_length=1)
    severity: Literal["critical", "warning", "error", "info"]
    timestamp: str = ""
    component: str = ""
    group: str = ""
    custom_details: dict[str, Any] = Field(default={})


class _Event(Strict):
    routing_key: str = Field(min_length=32, max_length=32)
    event_action: Literal["trigger", "acknowledge", "resolve"]
    dedup_key: str = Field(min_length=1, max_length=255)
    payload: _Payload | None = None
    client: str = ""
    client_url: str = ""
    links: list[_Link] = Field(default=[])


@dataclass
class Incident:
    """An incident as the people at PagerDuty see it."""

    key: str
    dedup_key: str
    severity: str
    state: str = "triggered"
    triggers: int = 1


@dataclass
class PagerDuty(Vendor):
    keys: set[str] = field(default_factory=lambda: {KEY})
    incidents: list[Incident] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        if (request.method, request.path) != ("POST", "/v2/enqueue"):
            raise Broken("no such door", Reply(404))
        refusal = answer_json({"status": "invalid event", "message": "Event object is invalid"}, 400)
        if len(request.body) > _LARGEST:
            raise Broken("larger than 512 KB", refusal)
        event = read(request, _Event, refusal)
        if event.event_action == "trigger" and event.payload is None:
            raise Broken("a trigger needs a payload", refusal)
        if event.routing_key not in self.keys:
            return answer_json(
                {
                    "status": "invalid event",
                    "message": "Event object is invalid",
                    "errors": ["bad routing_key"],
                },
                400,
            )
        self.said.append(event)
        self._carry_out(event)
        return answer_json(
            {"status": "success", "message": "Event processed", "dedup_key": event.dedup_key}, 202
        )

    def _carry_out(self, event: _Event) -> None:
        open_one = next(
            (
                one
                for one in self.incidents
                if (one.key, one.dedup_key) == (event.routing_key, event.dedup_key)
                and one.state != "resolved"
            ),
            None,
        )
        if event.event_action == "trigger" and event.payload is not None:
            if open_one:
                open_one.triggers += 1
            else:
                opened = Incident(event.routing_key, event.dedup_key, event.payload.severity)
                self.incidents.append(opened)
        elif open_one:
            open_one.state = "acknowledged" if event.event_action == "acknowledge" else "resolved"
