"""The evidence page: everything gathered becomes a few cited items in the order they began."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from steadyhand.journey.evidence.change_items import change_item, looked_back
from steadyhand.journey.evidence.database_items import database_items
from steadyhand.journey.evidence.demand import demand, levels
from steadyhand.journey.evidence.grid import grid_for
from steadyhand.journey.evidence.log_items import changed, is_faint, kept, log_item
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.metric_items import chart, level_item, metric_item, silence_item
from steadyhand.journey.evidence.model import (
    Change,
    Chart,
    DatabaseReport,
    Item,
    LogLine,
    Page,
    Series,
    Window,
)
from steadyhand.journey.evidence.patterns.compare import compare
from steadyhand.journey.evidence.patterns.lines import tally_lines
from steadyhand.journey.evidence.patterns.tally import Tallies, total
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.screen import Deviation, Span, deviation, restarts
from steadyhand.journey.evidence.selection import strongest
from steadyhand.journey.evidence.series import signals
from steadyhand.journey.evidence.signal import Signal
from steadyhand.journey.evidence.silence import silenced
from steadyhand.journey.evidence.standstill import standstill
from steadyhand.journey.topology import Topology

_LETTERS = {"metric": "m", "log": "l", "change": "c", "database": "d", "topology": "t", "gap": "g"}
_SHARES = {"metric": 0.5, "log": 0.25, "database": 0.25, "change": 0.25}
_GAP = 200
_MOST_GAPS = 6
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one source contributes."""

    items: tuple[Item, ...]
    coverage: str
    moved: tuple[Deviation, ...] = ()


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every part of the page needs to know."""

    service: str
    window: Window
    baseline: Window
    alert_at: datetime
    topology: Topology
    masked: tuple[Span, ...]
    rule: EvidenceRule
    masker: Masker

    def room(self, kind: str) -> int:
        """How many items this kind may fill."""
        return int(self.rule.max_items * _SHARES[kind])

    def owned(self, name: str) -> bool:
        """Whether it is a service of ours, from which logs can be expected."""
        service = self.topology.get(name)
        return service is None or service.kind == "service"


def is_quiet(page: Page) -> bool:
    """Whether nothing left normal: only changes, gaps, unmoved figures and a stray new line are there."""
    return all(
        one.kind in {"change", "gap"}
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
    changes: Sequence[Change] = (),
    databases: Sequence[DatabaseReport] = (),
    gaps: Sequence[str] = (),
    unlogged: Sequence[str] = (),
    alert_at: datetime | None = None,
    rule: EvidenceRule | None = None,
) -> Page:
    """The page for one incident of one service; the same input gives the same page.

    `baseline` is the calm first part of `window`, moved to the first `calm_min` of the data where that
    begins later. `alert_at` is what lags count from, the window's end if not given. `unlogged` are
    those of whom no log exists: a gap where one of our own services should have one.
    """
    rule = rule or EvidenceRule()
    window, baseline = _fitted(window, baseline, _oldest(series), rule)
    masked = restarts(changes, rule)
    desk = _Desk(service, window, baseline, alert_at or window.end, topology, masked, rule, Masker())
    counted = total((*tallies, tally_lines(lines, window, rule.max_templates)), rule.max_templates)
    parts = {
        "metrics": _metrics(series, desk),
        "logs": _logs(counted, unlogged, desk),
        "changes": _changes(looked_back(changes, window), desk),
        "databases": _databases(databases, desk),
    }
    silent = (f"{name}: no log is configured" for name in unlogged if desk.owned(name))
    told = _gap_items((*gaps, *silent, *_own_gaps(databases, counted, series, desk)), desk)
    return _laid_out(incident, parts, told, desk)


def _laid_out(incident: str, parts: Mapping[str, _Part], gaps: Sequence[Item], desk: _Desk) -> Page:
    items = _numbered([*(item for part in parts.values() for item in part.items), *gaps])
    return Page(
        incident=incident,
        service=desk.service,
        window=desk.window,
        baseline=desk.baseline,
        items=items,
        order=tuple(one.id for one in sorted(items, key=_began) if one.onset),
        coverage={name: part.coverage for name, part in parts.items()},
        gaps=tuple(one.title for one in gaps),
        charts=_charts(items, parts["metrics"], desk),
    )


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


def _metrics(series: Sequence[Series], desk: _Desk) -> _Part:
    grid = grid_for(series, desk.window)
    known = signals(series, grid, desk.topology, desk.service)
    moved = [one for one in (_judged(signal, desk) for signal in known) if one is not None]
    figure = _demand_item(demand(known, moved, desk.service), desk)
    shown = strongest(moved, desk.room("metric") - len(figure))
    silent = [silence_item(one, count, desk.masker) for one, count in silenced(known, grid, desk.baseline)]
    coverage = (
        f"{len(series)} series read every {grid.step:g} s, {len(known)} signals, {len(moved)} moved,"
        f" {len(shown)} shown, {len(moved) - len(shown)} left out"
    )
    items = (*silent, *(metric_item(one, desk.masker) for one in shown), *figure)
    return _Part(items, coverage, tuple(shown))


def _judged(signal: Signal, desk: _Desk) -> Deviation | None:
    """How a signal left normal: in its level, or by a pause in its events, whichever is surer."""
    found = (
        deviation(signal, desk.baseline, desk.masked, desk.rule),
        standstill(signal, desk.baseline, desk.masked, desk.rule),
    )
    return max((one for one in found if one), key=lambda one: one.strength, default=None)


def _demand_item(signal: Signal | None, desk: _Desk) -> tuple[Item, ...]:
    """The rate of all requests, moved or not."""
    if signal is None:
        return ()
    moved, level = _judged(signal, desk), levels(signal, desk.baseline)
    if moved is not None:
        return (metric_item(moved, desk.masker),)
    return () if level is None else (level_item(signal, *level, desk.masker),)


def _logs(counted: Tallies, unlogged: Sequence[str], desk: _Desk) -> _Part:
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
    items = (log_item(one, desk.window, desk.baseline, desk.masker) for one in shown)
    return _Part(tuple(items), coverage)


def _changes(changes: Sequence[Change], desk: _Desk) -> _Part:
    shown = changes[-desk.room("change") :]
    left = f", {len(changes) - len(shown)} older left out" if len(changes) > len(shown) else ""
    items = tuple(change_item(one, desk.alert_at, desk.masker) for one in shown)
    return _Part(items, f"{len(changes)} changes in the look-back{left}")


def _databases(reports: Sequence[DatabaseReport], desk: _Desk) -> _Part:
    found = [item for report in reports for item in database_items(report, desk.masker)]
    shown = sorted(found, key=lambda one: -one.strength)[: desk.room("database")]
    sessions = sum(len(one.sessions) for one in reports)
    coverage = (
        f"{len(reports)} databases looked at, {sessions} sessions, {len(found)} findings,"
        f" {len(found) - len(shown)} left out"
    )
    return _Part(tuple(shown), coverage)


def _own_gaps(
    databases: Sequence[DatabaseReport],
    counted: Tallies,
    series: Sequence[Series],
    desk: _Desk,
) -> list[str]:
    """What this page could not see."""
    found = [f"{report.database}: {gap}" for report in databases for gap in report.gaps]
    if not series:
        found.append("no metrics: nothing was measured, which is not the same as nothing happened")
    if not counted.lines:
        found.append("no log lines in the window")
    if desk.baseline.length < min(desk.rule.calm_min, timedelta(minutes=10)):
        found.append(f"only {desk.baseline.length.total_seconds():.0f} s of calm to compare with")
    return found


def _gap_items(gaps: Sequence[str], desk: _Desk) -> list[Item]:
    """The gaps as items; beyond the first few only their number."""
    shown = [desk.masker.text(one, _GAP) for one in gaps[:_MOST_GAPS]]
    if len(gaps) > _MOST_GAPS:
        shown.append(f"{len(gaps) - _MOST_GAPS} more gaps")
    return [Item(id="", kind="gap", entity=desk.service, title=one) for one in shown]


def _began(item: Item) -> tuple[datetime, str]:
    return (item.onset.at if item.onset else _NEVER, item.title)


def _numbered(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items with their ids, numbered per kind in the order they began."""
    counts: Counter[str] = Counter()
    out = []
    for one in sorted(items, key=lambda item: (list(_LETTERS).index(item.kind), *_began(item))):
        counts[one.kind] += 1
        out.append(one.model_copy(update={"id": f"{_LETTERS[one.kind]}{counts[one.kind]}"}))
    return tuple(out)


def _charts(items: Sequence[Item], part: _Part, desk: _Desk) -> tuple[Chart, ...]:
    by_signal: Mapping[tuple[str, str, str], Item] = {
        (one.facts["signal"], one.facts.get("labels", ""), one.entity): one
        for one in items
        if one.kind == "metric"
    }
    drawn = []
    for moved in part.moved[: desk.rule.max_charts]:
        draft = metric_item(moved, desk.masker)
        item = by_signal[draft.facts["signal"], draft.facts.get("labels", ""), draft.entity]
        drawn.append(chart(item, moved, desk.masker))
    return tuple(drawn)
