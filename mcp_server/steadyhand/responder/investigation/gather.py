"""Ask every source at once; a source that fails is a gap on the page and stops nobody."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from steadyhand.journey.evidence.model import Coverage, DatabaseReport, Page, Series, Window
from steadyhand.journey.evidence.page import assemble, covered
from steadyhand.journey.evidence.patterns.lines import tally_lines
from steadyhand.journey.evidence.patterns.tally import TalliedLogs, Tallies
from steadyhand.journey.evidence.rule import windows
from steadyhand.journey.evidence.season import Season, moved_to_now
from steadyhand.journey.incident.state import Incident
from steadyhand.ports import DatabaseProbe, LogCounter, LogSource
from steadyhand.responder.hiding import masker_of, settled
from steadyhand.responder.investigation.asking import Ask, ask_all
from steadyhand.responder.investigation.changes import Seen, look_for_changes
from steadyhand.responder.investigation.surroundings import look_around
from steadyhand.responder.investigation.tracing import look_at_calls
from steadyhand.responder.outside import Outside

_STEP = timedelta(seconds=1)
_COARSE = timedelta(seconds=15)
_OLD_WITHIN_S = 4.0  # a store that is slow with old samples holds up no page


async def gather(outside: Outside, incident: Incident, previous: Page | None = None) -> Page:
    """The evidence page of an incident, from all that exists now; known findings keep their ids.

    Raises LedgerError.
    """
    now = outside.clock.now()
    first = min([now, *(one.starts_at for one in incident.alerts)])
    whole = Window(start=first - outside.rules.evidence.lookback, end=now)
    around, unseen = await look_around(outside, whole)
    names = around.topology.neighbourhood(incident.service)
    calm = windows(first, now, outside.rules.evidence)[1]
    ((logs, series, reports, seasons, seen), silent), (traced, untraced) = await asyncio.gather(
        _asked(outside, names, whole), look_at_calls(outside, names, calm, Window(start=calm.end, end=now))
    )
    gaps = dict.fromkeys((*unseen, *untraced, *silent, *_gaps(logs), *seen.gaps))
    window, baseline = windows(first, now, outside.rules.evidence, _oldest(series))
    masker = await asyncio.to_thread(masker_of, outside, incident.id)
    page = await asyncio.to_thread(
        assemble,
        incident=incident.id,
        service=incident.service,
        window=window,
        baseline=baseline,
        topology=around.topology,
        tallies=[one.tallies for one in logs],
        series=series,
        seasons=seasons,
        changes=seen.changes,
        databases=reports,
        traced=traced,
        conflicts=around.conflicts,
        gaps=tuple(gaps),
        offsets=[offset for one in logs for offset in one.offsets],
        unlogged=_unlogged(logs),
        alert_at=first,
        rule=outside.rules.evidence,
        previous=previous,
        masker=masker,
    )
    page = covered(page, _coverage(logs), around.beyond(outside.rules.topology, names))
    return await asyncio.to_thread(settled, outside, incident.id, masker, page)


def _gaps(logs: Sequence[TalliedLogs]) -> Sequence[str]:
    return [gap for one in logs for gap in one.gaps]


def _coverage(logs: Sequence[TalliedLogs]) -> Sequence[Coverage]:
    return [part for one in logs for part in one.coverage]


async def _asked(
    outside: Outside, names: Sequence[str], whole: Window
) -> tuple[
    tuple[Sequence[TalliedLogs], Sequence[Series], Sequence[DatabaseReport], tuple[Season, ...], Seen],
    tuple[str, ...],
]:
    """Every source's answer, and a sentence for each that gave none."""
    now, most = outside.clock.now(), outside.rules.evidence.max_templates
    asks_logs = [(one.name, partial(_count, one, names, whole, most)) for one in outside.logs]
    probes = {name: outside.probes[name] for name in names if name in outside.probes}
    (logs, no_logs), (series, no_series), (reports, no_reports), seen, (seasons, late) = await asyncio.gather(
        ask_all(asks_logs),
        ask_all(metric_asks(outside, names, whole, _STEP)),
        ask_all([(name, partial(_look, probe, now)) for name, probe in probes.items()]),
        look_for_changes(outside, names, whole),
        _seasons(outside, names, whole),
    )
    unseasoned = () if no_series else late  # who fails has failed for now too
    return (logs, series, reports, seasons, seen), (*no_logs, *no_series, *no_reports, *unseasoned)


async def _count(source: LogSource, names: Sequence[str], whole: Window, most: int) -> Sequence[TalliedLogs]:
    return [await tallied(source, names, whole, most)]


async def tallied(source: LogSource, names: Sequence[str], whole: Window, most: int) -> TalliedLogs:
    """The source's messages counted: by itself where it can, else here. Raises SourceError."""
    if isinstance(source, LogCounter):
        return await source.tally(names, whole, most)
    report = await source.read(names, whole)
    tallies = await asyncio.to_thread(tally_lines, report.lines, whole, most)
    tallies.assumptions.update(report.assumptions)
    return TalliedLogs(tallies, report.gaps, report.unlogged, report.coverage)


def _unlogged(logs: Sequence[TalliedLogs]) -> tuple[str, ...]:
    """Those of whom no source that answered holds a log."""
    first, *others = logs or (TalliedLogs(Tallies()),)
    return tuple(name for name in first.unlogged if all(name in one.unlogged for one in others))


def _oldest(series: Sequence[Series]) -> datetime | None:
    first = min((one.times[0] for one in series if one.times), default=None)
    return datetime.fromtimestamp(first, tz=UTC) if first is not None else None


async def _seasons(
    outside: Outside, names: Sequence[str], whole: Window
) -> tuple[tuple[Season, ...], tuple[str, ...]]:
    """This hour of other days, coarsely, where a source has it; and what of it was not told in time."""

    async def season(ago: timedelta) -> tuple[Season, Sequence[str]]:
        then = Window(start=whole.start - ago, end=whole.end - ago)
        series, failed = await ask_all(metric_asks(outside, names, then, _COARSE), _OLD_WITHIN_S)
        kept = [one for one in series if one.times and one.times[-1] <= then.end.timestamp()]
        why = (
            [f"this hour {ago / timedelta(days=1):g} d ago is not known whole: {failed[0]}"] if failed else []
        )
        return Season(ago, moved_to_now(kept, ago)), why

    found = await asyncio.gather(*map(season, outside.rules.evidence.same_phase))
    return tuple(one for one, _ in found), tuple(gap for _, gaps in found for gap in gaps)


def metric_asks(
    outside: Outside, names: Sequence[str], whole: Window, step: timedelta
) -> Sequence[tuple[str, Ask[Series]]]:
    """A question for each selector and each metrics source that knows one of these services."""
    services = [outside.rules.topology.get(name) for name in names]
    selectors = dict.fromkeys(one for service in services if service for one in service.metrics)
    asks = [
        (f"{source.name} {selector}", partial(source.series, selector, whole, step))
        for source in outside.metrics
        for selector in selectors
    ]
    others = [
        (f"{source.name} {name}", partial(source.series_of, name, whole, step))
        for source in outside.other_metrics
        for name in names
        if name in source.services
    ]
    return [*asks, *others]


async def _look(probe: DatabaseProbe, now: datetime) -> Sequence[DatabaseReport]:
    return [await probe.look(now)]
