"""The metric part of the page: screened, judged against this hour of other days, forecast and compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from steadyhand.journey.evidence.companions import company, headline
from steadyhand.journey.evidence.demand import demand, levels
from steadyhand.journey.evidence.desk import Desk, Part
from steadyhand.journey.evidence.forecast import Forecast, bound, forecast
from steadyhand.journey.evidence.grid import Grid, grid_for
from steadyhand.journey.evidence.metric_items import (
    chart,
    forecast_item,
    level_item,
    metric_item,
    silence_item,
    with_company,
    with_forecast,
)
from steadyhand.journey.evidence.model import Chart, Flag, Item, Series
from steadyhand.journey.evidence.owners import Owners
from steadyhand.journey.evidence.quality import flags
from steadyhand.journey.evidence.screen import Deviation, deviation, without_missed_beats
from steadyhand.journey.evidence.season import Season, Usual
from steadyhand.journey.evidence.selection import strongest
from steadyhand.journey.evidence.series import every_signal, signals
from steadyhand.journey.evidence.shared import hosts_of, shared_item
from steadyhand.journey.evidence.sieve import sift
from steadyhand.journey.evidence.signal import Signal
from steadyhand.journey.evidence.silence import Silence, silenced
from steadyhand.journey.evidence.standstill import standstill

_SOON_MIN = 60.0
_MOST_FORECASTS = 3
_WELL_FILLED = 0.5


@dataclass(frozen=True, slots=True)
class _Judged:
    """What moved, and how much of what moved is usual at this hour."""

    moved: tuple[Deviation, ...]
    usual: int
    beyond: int


def metrics_part(series: Sequence[Series], seasons: Sequence[Season], desk: Desk) -> Part:
    """Everything the series of the neighbourhood tell."""
    grid = grid_for(series, desk.window)
    every = every_signal(series, grid, desk.topology, desk.service)
    known = [one for one in every if one.times]
    usual = _usual(seasons, desk)
    judged = _judge(known, usual, desk)
    figure = _demand_item(demand(known, judged.moved, desk.service), desk)
    coming = _coming(known, judged.moved, grid, desk)
    owners = Owners(desk.topology, desk.service)
    shared = shared_item(known, judged.moved, hosts_of(series, desk.topology, owners), desk)
    own = (*shared, *coming, *figure)
    shown = strongest(judged.moved, desk.room("metric") - len(own))
    silence = silenced(known, grid, desk.baseline)
    items = (
        *(silence_item(one, count, desk.masker) for one, count in silence.gone),
        *_told(shown, usual, grid, desk),
        *own,
    )
    silent = _silent(silence, desk)
    return Part(
        items=items,
        coverage=_coverage(len(series), grid, len(known), judged, len(shown), seasons),
        moved=tuple(shown),
        flags=(*silent, *flags(series, every, grid, owners)),
        signals=tuple(map(without_missed_beats, known)),
    )


def _silent(silence: Silence, desk: Desk) -> Iterator[Flag]:
    for one, count in silence.gone:
        yield Flag(kind="silent", entity=one.signal.entity, text=f"{count} series stopped")
    for name in silence.collectors:
        text = (
            f"{desk.masker.text(name, 80)} stopped answering for all it reports on: nothing is known of them"
        )
        yield Flag(kind="silent", entity=desk.service, text=text)


def _coverage(
    series: int, grid: Grid, known: int, judged: _Judged, shown: int, seasons: Sequence[Season]
) -> str:
    moved = len(judged.moved)
    days = ", ".join(f"{one.ago.total_seconds() / 86_400:g} d" for one in seasons if one.series)
    return (
        f"{series} series read every {grid.step:g} s, {known} signals, {moved} moved,"
        f" {shown} shown, {moved - shown} left out"
        + (f"; {judged.beyond} more may have moved and were not looked at" if judged.beyond else "")
        + (f"; compared with this hour {days} ago: {judged.usual} usual" if days else "")
    )


def _usual(seasons: Sequence[Season], desk: Desk) -> Usual:
    days = [
        signals(one.series, grid_for(one.series, desk.window), desk.topology, desk.service) for one in seasons
    ]
    return Usual(days, desk.baseline, desk.rule)


def _judge(known: Sequence[Signal], usual: Usual, desk: Desk) -> _Judged:
    sifted = sift(known, desk.baseline, desk.masked, desk.rule)
    moved, expected = [], 0
    for one in sifted.kept:
        found = _judged(one, desk)
        if found is None:
            continue
        less = usual.without(one)
        beyond = found if less is one else _judged(less, desk)
        if beyond is None:
            expected += 1
        else:
            moved.append(replace(beyond, signal=one))
    return _Judged(tuple(moved), expected, sifted.beyond)


def _judged(signal: Signal, desk: Desk) -> Deviation | None:
    """How a signal left normal: in its level, or by a pause in its events, whichever is surer."""
    found = (
        deviation(signal, desk.baseline, desk.masked, desk.rule),
        standstill(signal, desk.baseline, desk.masked, desk.rule),
    )
    return max((one for one in found if one), key=lambda one: one.strength, default=None)


def _told(shown: Sequence[Deviation], usual: Usual, grid: Grid, desk: Desk) -> list[Item]:
    """The items of what moved, each with its forecast and how it goes with what hurts."""
    head = headline(shown, desk.service)
    items = []
    for one in shown:
        item = metric_item(one, desk.masker)
        if one.shape != "spike" and (ahead := forecast(one.signal, one.onset.at.timestamp())):
            item = with_forecast(item, one.signal, ahead)
        if head and one is not head and (found := company(one, head, grid.step)):
            item = with_company(item, head.signal, found, desk.masker)
        if usual.is_pain_as_usual(one):
            facts = {**item.facts, "usual": "users suffered like this at this hour before"}
            item = item.model_copy(update={"facts": facts})
        items.append(item)
    return items


def _coming(known: Sequence[Signal], moved: Sequence[Deviation], grid: Grid, desk: Desk) -> tuple[Item, ...]:
    """What has not left calm but is well on its way to its limit: a leak older than the window."""
    told = {id(one.signal) for one in moved}
    start = max(grid.start, desk.window.start.timestamp())
    filling = [one for one in known if id(one) not in told and _well_filled(one)]
    ahead = [(found, one) for one in filling if (found := forecast(one, start)) is not None]
    soon = sorted((pair for pair in ahead if pair[0].minutes <= _SOON_MIN), key=_minutes)
    return tuple(forecast_item(one, found, desk.masker) for found, one in soon[:_MOST_FORECASTS])


def _minutes(pair: tuple[Forecast, Signal]) -> float:
    return pair[0].minutes


def _well_filled(signal: Signal) -> bool:
    limit = bound(signal)
    return bool(limit) and signal.values[-1] >= _WELL_FILLED * (limit or 0.0)


def _demand_item(signal: Signal | None, desk: Desk) -> tuple[Item, ...]:
    """The rate of all requests, moved or not."""
    if signal is None:
        return ()
    moved, level = _judged(signal, desk), levels(signal, desk.baseline)
    if moved is not None:
        return (metric_item(moved, desk.masker),)
    return () if level is None else (level_item(signal, *level, desk.masker),)


def charts(items: Sequence[Item], part: Part, desk: Desk) -> tuple[Chart, ...]:
    """The strongest of what moved, drawn."""
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
