"""How many requests the alerting service answers: a figure worth knowing whether or not it moved."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from steadyhand.journey.evidence.model import Window
from steadyhand.journey.evidence.screen import Deviation
from steadyhand.journey.evidence.signal import Signal

_RECENT_S = 15.0


def demand(known: Sequence[Signal], moved: Sequence[Deviation], service: str) -> Signal | None:
    """The rate of the service's own answers over all labels; None where no metric counts them.

    Of the metrics that tell how answers ended, the one whose failures moved most, else the busiest.
    """
    own = [one for one in known if one.entity == service and not one.target]
    judged = {one.metric for one in own if one.role == "errors" and one.unit == "share"}
    rates: dict[str, list[Signal]] = defaultdict(list)
    for one in own:
        if one.role == "traffic" and one.metric in judged:
            rates[one.metric].append(one)
    failing = {one.signal.metric: one.strength for one in moved if one.signal.role == "errors"}
    busiest = max(rates, key=lambda metric: (failing.get(metric, 0.0), _busy(rates[metric])), default=None)
    return None if busiest is None else _together(rates[busiest])


def _busy(signals: Sequence[Signal]) -> float:
    return sum(median(one.values) for one in signals)


def _together(signals: Sequence[Signal]) -> Signal:
    """One signal over all labels; where a label set has no sample, the others speak for it."""
    values: dict[float, float] = defaultdict(float)
    fine: dict[float, float] = defaultdict(float)
    for one in signals:
        for at, value, detail in zip(one.times, one.values, one.fine, strict=True):
            values[at] += value
            fine[at] += detail
    times = tuple(sorted(values))
    return replace(
        signals[0],
        labels={},
        times=times,
        values=tuple(values[at] for at in times),
        fine=tuple(fine[at] for at in times),
    )


def levels(signal: Signal, baseline: Window) -> tuple[float, float] | None:
    """The calm median and the latest one; None where either was not measured."""
    start, end = baseline.start.timestamp(), baseline.end.timestamp()
    pairs = list(zip(signal.times, signal.values, strict=True))
    calm = [value for at, value in pairs if start <= at < end]
    late = [value for at, value in pairs if at > signal.times[-1] - _RECENT_S]
    return (median(calm), median(late)) if calm and late else None
