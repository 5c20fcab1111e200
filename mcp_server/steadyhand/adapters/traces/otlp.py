"""Spans in OTLP's JSON form, as OpenTelemetry writes them and Tempo gives them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from steadyhand.journey.evidence.model import Span
from steadyhand.journey.topology import Kind

_NS = 1_000_000_000
_LONGEST = 300
_CALLS = {"SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "3", "4"}
_FAILED = {"STATUS_CODE_ERROR", "2"}
_PEERS = (
    "peer.service",
    "db.namespace",
    "db.name",
    "messaging.destination.name",
    "server.address",
    "net.peer.name",
)
_CACHES = {"redis", "valkey", "memcached"}
Attributes = Mapping[str, str]


class _Attribute(BaseModel):
    key: str
    value: dict[str, Any] = {}


class _Status(BaseModel):
    code: str | int = 0


class _OtlpSpan(BaseModel):
    trace: str = Field(alias="traceId")
    id: str = Field(alias="spanId")
    parent: str = Field(default="", alias="parentSpanId")
    name: str = ""
    kind: str | int = 0
    start: int = Field(alias="startTimeUnixNano")
    end: int = Field(alias="endTimeUnixNano")
    attributes: list[_Attribute] = []
    status: _Status = _Status()


class _Scope(BaseModel):
    spans: list[_OtlpSpan] = []


class _Resource(BaseModel):
    attributes: list[_Attribute] = []


class ResourceSpans(BaseModel):
    """Spans of one process."""

    resource: _Resource = _Resource()
    scopes: list[_Scope] = Field(default=[], alias="scopeSpans")


class Export(BaseModel):
    """One export: what a collector writes on a line."""

    resources: list[ResourceSpans] = Field(default=[], alias="resourceSpans")


def spans_of(resources: Sequence[ResourceSpans]) -> Iterator[Span]:
    """The spans in our words. A process that does not name its service is called unknown_service."""
    for one in resources:
        service = _plain(one.resource.attributes).get("service.name") or "unknown_service"
        for scope in one.scopes:
            for span in scope.spans:
                yield _span(service, span)


def _span(service: str, span: _OtlpSpan) -> Span:
    peer, kind = peer_of(_plain(span.attributes)) if str(span.kind) in _CALLS else ("", "service")
    return Span(
        trace=span.trace[:_LONGEST],
        id=span.id[:_LONGEST],
        parent=span.parent[:_LONGEST],
        service=service[:_LONGEST],
        operation=span.name[:_LONGEST],
        start=datetime.fromtimestamp(span.start // 1000 / 1_000_000, UTC),
        duration_ms=max(0, span.end - span.start) * 1000 / _NS,
        failed=str(span.status.code) in _FAILED,
        peer=peer,
        peer_kind=kind,
    )


def peer_of(attributes: Attributes) -> tuple[str, Kind]:
    """The system a call goes to, where the attributes say it: a database by its name, else by its kind."""
    system = attributes.get("db.system.name") or attributes.get("db.system") or ""
    queue = attributes.get("messaging.system", "")
    name = next((attributes[key] for key in _PEERS if attributes.get(key)), "") or system or queue
    kind: Kind = "service" if queue else "third_party"
    if system:
        kind = "cache" if system in _CACHES else "database"
    return name[:_LONGEST], kind


def _plain(attributes: Sequence[_Attribute]) -> dict[str, str]:
    """What is told in one word: a string, number or truth."""
    return {one.key: str(next(iter(one.value.values()), "")) for one in attributes}
