"""An incident of ours as a capsule: its sources are read once more, up to the fix."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.evidence.capsule import Capsule, CapsuleTruth, cut
from steadyhand.journey.evidence.model import Change, DatabaseReport, LogLine, Series, Span, Window
from steadyhand.journey.evidence.rule import windows
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.memory.case import Judgement
from steadyhand.ports import SourceError
from steadyhand.responder.alerts.intake import UnknownIncident
from steadyhand.responder.investigation.asking import ask_all
from steadyhand.responder.investigation.gather import metric_asks
from steadyhand.responder.investigation.tracing import look_at_calls
from steadyhand.responder.outside import Outside

_STEP = timedelta(seconds=1)
_MOST_LINES = 100_000


async def capture(outside: Outside, wanted: str) -> Capsule:
    """Everything the sources still hold of an incident, up to its fix. Raises UnknownIncident, LedgerError.

    A database can be looked at only while the incident is open: later it tells of another time.
    """
    incident, truth = await asyncio.to_thread(_load, outside, wanted)
    now = outside.clock.now()
    first = min([incident.opened_at, *(one.starts_at for one in incident.alerts)])
    end = min([now, *(incident.milestones[one] for one in _FIXED if one in incident.milestones)])
    window = Window(start=first - outside.rules.evidence.lookback, end=max(end, first))
    names = outside.rules.topology.neighbourhood(incident.service)
    gaps: list[str] = []
    lines, series = await asyncio.gather(
        _lines(outside, names, window, gaps), _series(outside, names, window, gaps)
    )
    databases = await _look(outside, names, now, gaps) if end == now else ()
    if end != now:
        gaps.append("databases: not looked at, the incident has moved on since")
    spans = await _spans(outside, names, first, window.end, gaps)
    capsule = Capsule(
        id=incident.id,
        source=f"steadyhand {incident.id}",
        service=incident.service,
        start=window.start,
        end=window.end,
        first_alert_at=first,
        alerts=incident.alerts,
        topology=outside.rules.services,
        lines=tuple(lines),
        series=tuple(series),
        spans=spans,
        changes=tuple(await asyncio.to_thread(_changes, outside, names, window)),
        databases=tuple(databases),
        gaps=tuple(gaps),
        truth=truth,
    )
    return cut(capsule, window.end)


_FIXED = ("rollout_started", "resolved")


def _load(outside: Outside, wanted: str) -> tuple[Incident, CapsuleTruth | None]:
    with outside.ledger.read() as tx:
        incident, judged = tx.incident(wanted), tx.latest("judgement", wanted, Judgement)
        case, found = tx.case(wanted), tx.latest("diagnosis", wanted, Diagnosis)
    if incident is None:
        raise UnknownIncident(f"there is no incident {wanted}; `steadyhand incidents` shows them")
    if judged is None or case is None or not case.counts:
        return incident, None
    every = found.hypotheses if found else ()
    meant = next((one for one in every if one.cause.fault_class == case.fault_class), None)
    truth = CapsuleTruth(
        root_cause_class=case.fault_class,
        component=case.entity,
        change=(meant.cause.change_id or "") if meant else "",
        cause=case.cause,
    )
    return incident, truth


def _changes(outside: Outside, names: Sequence[str], window: Window) -> Sequence[Change]:
    with outside.ledger.read() as tx:
        return tx.changes(names, window)


async def _lines(outside: Outside, names: Sequence[str], window: Window, gaps: list[str]) -> list[LogLine]:
    found: list[LogLine] = []
    for source in outside.logs:
        try:
            report = await source.read(names, window)
        except SourceError as error:
            gaps.append(str(error))
            continue
        found += report.lines
        gaps += report.gaps
    if len(found) > _MOST_LINES:
        gaps.append(f"logs: the first {len(found) - _MOST_LINES} lines were left out")
    return sorted(found, key=lambda one: one.at)[-_MOST_LINES:]


async def _series(outside: Outside, names: Sequence[str], window: Window, gaps: list[str]) -> list[Series]:
    found, silent = await ask_all(metric_asks(outside, names, window, _STEP))
    gaps += silent
    return list(found)


async def _spans(
    outside: Outside, names: Sequence[str], first: datetime, end: datetime, gaps: list[str]
) -> tuple[Span, ...]:
    """As many traces of the calm part and of what came since as an evidence page would read."""
    window, calm = windows(first, end, outside.rules.evidence)
    since = Window(start=calm.end, end=window.end)
    traced, silent = await look_at_calls(outside, names, calm, since)
    reports = [report for one in traced for report in (one.calm, one.since)]
    gaps += [*silent, *(gap for one in reports for gap in one.gaps)]
    return tuple(
        {(span.trace, span.id, span.service): span for one in reports for span in one.spans}.values()
    )


async def _look(
    outside: Outside, names: Sequence[str], now: datetime, gaps: list[str]
) -> list[DatabaseReport]:
    found = []
    for name in names:
        if name in outside.probes:
            try:
                found.append(await outside.probes[name].look(now))
            except SourceError as error:
                gaps.append(str(error))
    return found
