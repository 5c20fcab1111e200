"""Ask every source at once; a source that fails is a gap on the page and stops nobody."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from steadyhand.journey.evidence.model import Change, DatabaseReport, Page, Series, Window
from steadyhand.journey.evidence.page import assemble, covered
from steadyhand.journey.evidence.patterns.lines import tally_lines
from steadyhand.journey.evidence.patterns.tally import TalliedLogs, Tallies
from steadyhand.journey.evidence.rule import windows
from steadyhand.journey.evidence.season import Season, moved_to_now
from steadyhand.journey.incident.state import Incident
from steadyhand.ports import DatabaseProbe, LogCounter, LogSource, SourceError
from steadyhand.responder.outside import Outside

_Found = TypeVar("_Found")
_Ask = Callable[[], Awaitable[Sequence[_Found]]]
log = logging.getLogger("steadyhand.gather")
_STEP = timedelta(seconds=1)
_COARSE = timedelta(seconds=15)
_DEADLINE_S = 20.0


async def gather(outside: Outside, incident: Incident, previous: Page | None = None) -> Page:
    """The evidence page of an incident, from all that exists now; known findings keep their ids.

    Raises LedgerError.
    """
    now = outside.clock.now()
    first = min([now, *(one.starts_at for one in incident.alerts)])
    whole = Window(start=first - outside.rules.evidence.lookback, end=now)
    names = outside.rules.topology.neighbourhood(incident.service)
    most = outside.rules.evidence.max_templates
    asks_logs = [(one.name, partial(_count, one, names, whole, most)) for one in outside.logs]
    probes = {name: outside.probes[name] for name in names if name in outside.probes}
    (logs, no_logs), (series, no_series), (reports, no_reports), seasons = await asyncio.gather(
        _all(asks_logs),
        _all(_ask_metrics(outside, names, whole, _STEP)),
        _all([(name, partial(_look, probe, now)) for name, probe in probes.items()]),
        _seasons(outside, names, whole),
    )
    window, baseline = windows(first, now, outside.rules.evidence, _oldest(series))
    changes = await asyncio.to_thread(_changes, outside, names, whole)
    page = await asyncio.to_thread(
        assemble,
        incident=incident.id,
        service=incident.service,
        window=window,
        baseline=baseline,
        topology=outside.rules.topology,
        tallies=[one.tallies for one in logs],
        series=series,
        seasons=seasons,
        changes=changes,
        databases=reports,
        gaps=(*no_logs, *(gap for one in logs for gap in one.gaps), *no_series, *no_reports),
        unlogged=_unlogged(logs),
        alert_at=first,
        rule=outside.rules.evidence,
        previous=previous,
    )
    return covered(page, [part for one in logs for part in one.coverage])


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


def _changes(outside: Outside, names: Sequence[str], whole: Window) -> Sequence[Change]:
    with outside.ledger.read() as tx:
        return tx.changes(names, whole)


async def _seasons(outside: Outside, names: Sequence[str], whole: Window) -> tuple[Season, ...]:
    """This hour of other days, coarsely, where a source still has it. Who fails has failed for now too."""

    async def season(ago: timedelta) -> Season:
        then = Window(start=whole.start - ago, end=whole.end - ago)
        series, _ = await _all(_ask_metrics(outside, names, then, _COARSE))
        kept = [one for one in series if one.times and one.times[-1] <= then.end.timestamp()]
        return Season(ago, moved_to_now(kept, ago))

    return tuple(await asyncio.gather(*map(season, outside.rules.evidence.same_phase)))


def _ask_metrics(
    outside: Outside, names: Sequence[str], whole: Window, step: timedelta
) -> Sequence[tuple[str, _Ask[Series]]]:
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


async def _all(asks: Sequence[tuple[str, _Ask[_Found]]]) -> tuple[Sequence[_Found], Sequence[str]]:
    """Every answer together, and a sentence for each source that gave none."""
    answers = await asyncio.gather(*(_one(name, ask) for name, ask in asks))
    found = [item for answer in answers if not isinstance(answer, str) for item in answer]
    return found, [answer for answer in answers if isinstance(answer, str)]


async def _one(name: str, ask: _Ask[_Found]) -> Sequence[_Found] | str:
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await ask()
    except SourceError as error:
        return str(error)
    except TimeoutError:
        return f"{name}: no answer within {_DEADLINE_S:.0f} s"
    except Exception as error:  # a bug in one adapter must not hide what the others saw
        log.exception("%s failed", name)
        return f"{name}: failed with {type(error).__name__}; the service's log says more"
