"""The evidence page: everything gathered becomes a few cited items in the order they began."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from steadyhand.journey.evidence.bearings.taken import bearings_of, divided
from steadyhand.journey.evidence.change_items import change_item, looked_back
from steadyhand.journey.evidence.clocks import Clocks, of_calls, of_hosts
from steadyhand.journey.evidence.database_items import database_items
from steadyhand.journey.evidence.desk import Desk, Part
from steadyhand.journey.evidence.log_items import changed, is_faint, kept, log_item
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.metrics_part import charts, metrics_part
from steadyhand.journey.evidence.model import (
    Change,
    ClockOffset,
    Coverage,
    DatabaseReport,
    Item,
    LogLine,
    Page,
    Series,
    Traced,
    Window,
)
from steadyhand.journey.evidence.numbering import began, left_behind, numbered
from steadyhand.journey.evidence.owners import Owners
from steadyhand.journey.evidence.patterns.compare import compare
from steadyhand.journey.evidence.patterns.lines import tally_lines
from steadyhand.journey.evidence.patterns.tally import Tallies, total
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.screen import restarts
from steadyhand.journey.evidence.season import Season
from steadyhand.journey.evidence.sequence import sequence
from steadyhand.journey.evidence.topology_items import topology_part
from steadyhand.journey.evidence.trace_items import trace_gaps, traces_part
from steadyhand.journey.seen import Conflict
from steadyhand.journey.topology import Service, Topology

_GAP = 200
_MOST_GAPS = 6


def is_quiet(page: Page) -> bool:
    """Whether nothing left normal: only changes, gaps, unmoved figures and a stray new line are there.

    Where nothing was measured nobody knows.
    """
    return bool(page.measured) and all(
        one.kind in {"change", "gap", "topology"}
        or (one.kind == "metric" and one.direction == "none")
        or (one.kind == "log" and is_faint(one))
        for one in page.items
    )


def assemble(  # noqa: PLR0913 - each is another thing the outside gave
    *,
    incident: str,
    service: str,
    window: Window,
    baseline: Window,
    topology: Topology,
    lines: Sequence[LogLine] = (),
    tallies: Sequence[Tallies] = (),
    series: Sequence[Series] = (),
    seasons: Sequence[Season] = (),
    changes: Sequence[Change] = (),
    databases: Sequence[DatabaseReport] = (),
    traced: Sequence[Traced] = (),
    conflicts: Sequence[Conflict] = (),
    gaps: Sequence[str] = (),
    offsets: Sequence[ClockOffset] = (),
    unlogged: Sequence[str] = (),
    alert_at: datetime | None = None,
    rule: EvidenceRule | None = None,
    previous: Page | None = None,
    masker: Masker | None = None,
) -> Page:
    """The page for one incident of one service; the same input gives the same page.

    `seasons` are of this hour of other days. `baseline` is the calm first part of `window`, or of the data
    where that begins later. Lags count from `alert_at`, else the end. No source has a log of the `unlogged`.
    """
    rule = rule or EvidenceRule()
    window, baseline = _fitted(window, baseline, _oldest(series), rule)
    clocks = _clocks(series, traced, offsets, topology, service)
    seen = topology, restarts(changes, rule), rule, masker or Masker(), clocks
    desk = Desk(service, window, baseline, alert_at or window.end, *seen)
    counted = total((*tallies, tally_lines(lines, window, rule.max_templates)), rule.max_templates)
    parts = {
        "metrics": metrics_part(series, seasons, desk),
        "logs": _logs(counted, unlogged, desk),
        **_seen(changes, databases, traced, conflicts, desk),
    }
    unseen = (*gaps, *trace_gaps(traced), *_own_gaps(databases, counted, series, unlogged, desk))
    return _laid_out(incident, unseen, parts, previous, desk, measured=_measured(series, counted))


def _measured(series: Sequence[Series], counted: Tallies) -> list[str]:
    """Of what anything was seen: a sample, a log line."""
    held = {"metrics": any(one.times for one in series), "logs": counted.lines > 0}
    return [name for name, any_ in held.items() if any_]


def _laid_out(
    incident: str,
    unseen: Sequence[str],
    parts: Mapping[str, Part],
    previous: Page | None,
    desk: Desk,
    *,
    measured: Sequence[str],
) -> Page:
    gaps = _gap_items(unseen, desk)
    items = numbered([*(item for part in parts.values() for item in part.items), *gaps], previous)
    steps = sequence(items).steps
    taken = bearings_of(
        parts["metrics"].signals,
        parts["logs"].said,
        [call for part in parts.values() for call in part.calls],
        desk.topology,
        desk.service,
        desk.baseline,
    )
    return Page(
        incident=incident,
        service=desk.service,
        window=desk.window,
        baseline=desk.baseline,
        items=tuple(items),
        order=tuple(one.id for one in sorted(items, key=began) if one.onset),
        sequence=tuple(tuple(one.id for one in step) for step in steps),
        flags=(*desk.clocks.flags, *parts["metrics"].flags),
        coverage={name: part.coverage for name, part in parts.items()},
        gaps=tuple(one.title for one in gaps),
        measured=tuple(measured),
        charts=charts(items, parts["metrics"], desk),
        bearings=taken.places,
        arrows=taken.arrows,
        earlier=left_behind(items, previous),
    )


def _clocks(
    series: Sequence[Series],
    traced: Sequence[Traced],
    offsets: Sequence[ClockOffset],
    topology: Topology,
    service: str,
) -> Clocks:
    hosts = of_hosts(series, Owners(topology, service), Owners(topology, ""))
    return Clocks((*hosts, *of_calls(traced, service), *offsets))


def covered(page: Page, coverage: Sequence[Coverage], seen: Sequence[Service] = ()) -> Page:
    """The page with what each source held and what of it was read, and with whom more was seen of."""
    told = {f"{one.source} {one.service}": one.told() for one in coverage}
    return page.model_copy(update={"coverage": page.coverage | told, "seen": tuple(seen)})


def _oldest(series: Sequence[Series]) -> datetime | None:
    """The first instant with a sample. Lines do not tell: a service that logged nothing was not unseen."""
    first = min((one.times[0] for one in series if one.times), default=None)
    return None if first is None else datetime.fromtimestamp(first, UTC)


def _fitted(
    window: Window, baseline: Window, oldest: datetime | None, rule: EvidenceRule
) -> tuple[Window, Window]:
    if oldest is None or oldest <= baseline.start or oldest >= window.end:
        return window, baseline
    if baseline.end - oldest >= rule.calm_min:
        return window, baseline
    end = min(oldest + rule.calm_min, window.end)
    return Window(start=oldest, end=window.end), Window(start=oldest, end=end)


def _logs(counted: Tallies, unlogged: Sequence[str], desk: Desk) -> Part:
    patterns = compare(counted, desk.window, desk.baseline)
    found = changed(patterns.found, desk.masked)
    shown = kept(found, desk.room("log"))
    others = [name for name in unlogged if not desk.owned(name)]
    coverage = (
        f"{patterns.lines} lines read, {len(patterns.found)} kinds of message, {len(found)} changed,"
        f" {len(shown)} shown, {len(found) - len(shown)} left out, {patterns.unclustered} lines unclustered"
        f" ({100 * patterns.unclustered_share:.1f} %)"
        + (f"; no logs of {', '.join(others)}" if others else "")
        + (f"; assumed: {'; '.join(patterns.assumptions)}" if patterns.assumptions else "")
    )
    items = (log_item(one, desk.window, desk.baseline, desk.masker, desk.clocks) for one in shown)
    alert_at, calm_until = desk.alert_at.timestamp(), desk.baseline.end.timestamp()
    said, _ = divided(patterns, desk.window, alert_at, calm_until)
    return Part(tuple(items), coverage, said=said)


def _seen(
    changes: Sequence[Change],
    databases: Sequence[DatabaseReport],
    traced: Sequence[Traced],
    conflicts: Sequence[Conflict],
    desk: Desk,
) -> Mapping[str, Part]:
    """What was seen of changes and databases, and of calls where anything was."""
    looked_at = {
        "changes": _changes(looked_back(changes, desk.window), desk),
        "databases": _databases(databases, desk),
    }
    traces = {"traces": traces_part(traced, desk)} if traced else {}
    return {**looked_at, **traces, **({"topology": topology_part(conflicts, desk)} if conflicts else {})}


def _changes(changes: Sequence[Change], desk: Desk) -> Part:
    shown = changes[-desk.room("change") :]
    left = f", {len(changes) - len(shown)} older left out" if len(changes) > len(shown) else ""
    items = tuple(change_item(one, desk.alert_at, desk.masker) for one in shown)
    return Part(items, f"{len(changes)} changes in the look-back{left}")


def _databases(reports: Sequence[DatabaseReport], desk: Desk) -> Part:
    found = [item for report in reports for item in database_items(report, desk.masker)]
    shown = sorted(found, key=lambda one: -one.strength)[: desk.room("database")]
    sessions = sum(len(one.sessions) for one in reports)
    coverage = (
        f"{len(reports)} databases looked at, {sessions} sessions, {len(found)} findings,"
        f" {len(found) - len(shown)} left out"
    )
    return Part(tuple(shown), coverage)


def _own_gaps(
    databases: Sequence[DatabaseReport],
    counted: Tallies,
    series: Sequence[Series],
    unlogged: Sequence[str],
    desk: Desk,
) -> list[str]:
    """What this page could not see."""
    found = [f"{name}: no log is configured" for name in unlogged if desk.owned(name)]
    found += [f"{report.database}: {gap}" for report in databases for gap in report.gaps]
    if not series:
        found.append("no metrics: nothing was measured, which is not the same as nothing happened")
    if not counted.lines:
        found.append("no log lines in the window")
    if desk.baseline.length < min(desk.rule.calm_min, timedelta(minutes=10)):
        found.append(f"only {desk.baseline.length.total_seconds():.0f} s of calm to compare with")
    return found


def _gap_items(gaps: Sequence[str], desk: Desk) -> list[Item]:
    """The gaps as items; beyond the first few only their number."""
    shown = [desk.masker.text(one, _GAP) for one in gaps[:_MOST_GAPS]]
    if len(gaps) > _MOST_GAPS:
        shown.append(f"{len(gaps) - _MOST_GAPS} more gaps")
    return [Item(id="", kind="gap", entity=desk.service, title=one) for one in shown]
