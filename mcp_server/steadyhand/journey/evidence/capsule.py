"""An incident as it can be replayed: what was known, cut before the fix, masked."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field, model_validator

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.evidence.chosen_traces import traced_of
from steadyhand.journey.evidence.masking import Masker, named
from steadyhand.journey.evidence.model import (
    Change,
    DatabaseFile,
    DatabaseReport,
    LogLine,
    Page,
    Series,
    Span,
    Window,
)
from steadyhand.journey.evidence.page import assemble
from steadyhand.journey.evidence.rule import EvidenceRule, windows
from steadyhand.journey.rule import Instant, Value
from steadyhand.journey.topology import Services, Topology

_MESSAGE, _TEXT, _LABEL = 2_000, 500, 200
_NAMES = ("author", "version", "previous")
_CLIENT = ("application", "address", "role")


class CapsuleTruth(Value):
    """What a person says it was; no method under test may see it."""

    root_cause_class: str = Field(description="Fault class; empty: not known.")
    component: str = ""
    change: str = Field(default="", description="Id of the change that brought it.")
    cause: str = Field(default="", max_length=500)
    fault_injected_at: float | None = Field(default=None, description="Onset in unix seconds, where known.")


class Capsule(Value):
    """One incident to be replayed. Nothing in it is later than `end`, which lies before the fix."""

    schema_version: Literal[1] = 1
    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    source: str = Field(description="Where it was taken from.")
    service: str
    start: Instant
    end: Instant
    first_alert_at: Instant
    alerts: tuple[Alert, ...] = ()
    topology: Services = ()
    lines: tuple[LogLine, ...] = ()
    series: tuple[Series, ...] = ()
    spans: tuple[Span, ...] = ()
    changes: tuple[Change, ...] = ()
    databases: tuple[DatabaseReport, ...] = ()
    gaps: tuple[str, ...] = ()
    truth: CapsuleTruth | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Capsule":
        if not self.start <= self.first_alert_at <= self.end:
            raise ValueError("first_alert_at lies between start and end")
        return self


def cut(capsule: Capsule, until: datetime) -> Capsule:
    """The same without anything later than this: no fix may be seen by who looks for the cause."""
    end, last = min(capsule.end, until), min(capsule.end, until).timestamp()
    return capsule.model_copy(
        update={
            "end": end,
            "lines": tuple(one for one in capsule.lines if one.at <= end),
            "series": tuple(found for one in capsule.series if (found := _until(one, last)).times),
            "spans": tuple(one for one in capsule.spans if _ended(one) <= end),
            "changes": tuple(_begun(one, end) for one in capsule.changes if one.started_at <= end),
            "databases": tuple(one for one in capsule.databases if one.at <= end),
            "alerts": tuple(one for one in capsule.alerts if one.starts_at <= end),
        }
    )


def _ended(one: Span) -> datetime:
    """When it was over: a call under way has told nothing yet."""
    return one.start + timedelta(milliseconds=one.duration_ms)


def _until(one: Series, last: float) -> Series:
    kept = [(at, value) for at, value in zip(one.times, one.values, strict=True) if at <= last]
    return one.model_copy(
        update={"times": tuple(at for at, _ in kept), "values": tuple(value for _, value in kept)}
    )


def _begun(one: Change, end: datetime) -> Change:
    over = one.finished_at is not None and one.finished_at <= end
    return one if over else one.model_copy(update={"finished_at": None})


def masked(capsule: Capsule) -> Capsule:
    """The same without secrets and personal data, as far as they can be recognised."""
    masker = Masker()
    safe = capsule.model_copy(
        update={
            "lines": tuple(_line(one, masker) for one in capsule.lines),
            "series": tuple(_series(one, masker) for one in capsule.series),
            "spans": tuple(_span(one, masker) for one in capsule.spans),
            "changes": tuple(_change(one, masker) for one in capsule.changes),
            "databases": tuple(_report(one, masker) for one in capsule.databases),
            "alerts": tuple(_alert(one, masker) for one in capsule.alerts),
            "gaps": tuple(masker.text(one, _TEXT) for one in capsule.gaps),
        }
    )
    return named(safe, masker.numbers())


def _line(one: LogLine, masker: Masker) -> LogLine:
    fields = {key: masker.text(value, _LABEL) for key, value in one.fields.items()}
    return one.model_copy(update={"message": masker.text(one.message, _MESSAGE), "fields": fields})


def _series(one: Series, masker: Masker) -> Series:
    return one.model_copy(
        update={"labels": {key: masker.text(value, _LABEL) for key, value in one.labels.items()}}
    )


def _span(one: Span, masker: Masker) -> Span:
    told = {"operation": masker.text(one.operation, _LABEL), "peer": masker.text(one.peer, _LABEL)}
    return one.model_copy(update=told)


def _change(one: Change, masker: Masker) -> Change:
    names = {key: masker.text(getattr(one, key), _LABEL, commits=True) for key in _NAMES}
    diff = masker.prose(one.diff, 20_000, commits=True)
    return one.model_copy(
        update={**names, "summary": masker.text(one.summary, _TEXT, commits=True), "diff": diff}
    )


def _report(one: DatabaseReport, masker: Masker) -> DatabaseReport:
    sessions = (
        s.model_copy(
            update={
                "query": masker.query(s.query, _MESSAGE),
                "application": masker.text(s.application, _LABEL),
            }
        )
        for s in one.sessions
    )
    statements = (s.model_copy(update={"query": masker.query(s.query, _MESSAGE)}) for s in one.statements)
    scans = (s.model_copy(update={"query": masker.query(s.query, _MESSAGE)}) for s in one.scans)
    clients = (
        s.model_copy(update={key: masker.text(getattr(s, key), _LABEL) for key in _CLIENT})
        for s in one.clients
    )
    return one.model_copy(
        update={
            "sessions": tuple(sessions),
            "scans": tuple(scans),
            "statements": tuple(statements),
            "clients": tuple(clients),
            "file": one.file and _file(one.file, masker),
            "gaps": tuple(masker.text(gap, _TEXT) for gap in one.gaps),
        }
    )


def _file(one: DatabaseFile, masker: Masker) -> DatabaseFile:
    return one.model_copy(update={"problems": tuple(masker.text(said, _TEXT) for said in one.problems)})


def _alert(one: Alert, masker: Masker) -> Alert:
    labels = {key: masker.text(value, _LABEL) for key, value in one.labels.items()}
    words = {"name": masker.text(one.name, _LABEL), "summary": masker.text(one.summary, _TEXT)}
    return one.model_copy(update={**words, "labels": labels})


def page_of(capsule: Capsule, rule: EvidenceRule) -> Page:
    """The evidence page as it would have been at the capsule's end."""
    oldest = min((one.times[0] for one in capsule.series if one.times), default=None)
    first = datetime.fromtimestamp(oldest, capsule.start.tzinfo) if oldest is not None else capsule.start
    window, baseline = windows(capsule.first_alert_at, capsule.end, rule, first)
    since = Window(start=baseline.end, end=window.end)
    return assemble(
        incident=capsule.id,
        service=capsule.service,
        window=window,
        baseline=baseline,
        topology=Topology(services=capsule.topology),
        lines=capsule.lines,
        series=capsule.series,
        changes=capsule.changes,
        databases=capsule.databases,
        traced=traced_of("capsule", capsule.spans, baseline, since, rule.max_traces),
        gaps=capsule.gaps,
        alert_at=capsule.first_alert_at,
        rule=rule,
    )
