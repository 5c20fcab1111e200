"""Which signals left their calm range, how far, and since when."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from math import log, sqrt
from operator import mul
from statistics import median
from typing import Literal

from steadyhand.journey.evidence.grid import middle_of
from steadyhand.journey.evidence.model import Change, Onset, Window
from steadyhand.journey.evidence.onset import bend, onset_between
from steadyhand.journey.evidence.roles import words
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.signal import Signal

Span = tuple[float, float]
_FEWEST_CALM = 10
FEWEST_AWAY = 3
_RUN_OF = 4
_MOST_SIGMAS = 1000.0
_BLIP_S = 10.0
_FLOOR_SIGMAS = 5.0
_RECENT = 5
_RESTARTING = frozenset({"code", "config", "scaling"})
_FLOORS: dict[str, tuple[float, float]] = {
    # role or unit -> least absolute change, least change relative to normal
    "latency": (0.1, 0.5),
    "share": (0.03, 0.0),
    "errors": (0.3, 0.5),
    "traffic": (2.0, 0.35),
    "saturation": (3.0, 0.3),
    "waiting": (2.0, 0.5),
    "cores": (0.25, 0.3),
    "B": (16e6, 0.15),
    "resource": (20.0, 0.3),
    "work": (3.0, 1.0),
    "up": (0.5, 0.0),
    "other": (3.0, 0.5),
}
_ROW_WORDS = frozenset({"tup", "tuples", "rows"})
_ROWS_FLOOR = 10_000.0
_HIT_SHARE_FLOOR = 0.15
_PROCESSOR_SHARE_FLOOR = (0.15, 0.3)  # of a gauge that runs from 0 to 1, or to a few cores
_FEW_CORES = 1.5
_UNKNOWN_UNIT_FLOOR = 1.5  # of normal: milliseconds and seconds look alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A signal that left normal and stayed away for a while."""

    signal: Signal
    direction: Literal["up", "down", "gone"]
    shape: Literal["step", "ramp", "spike", "gone"]
    strength: float
    normal: float
    now: float
    onset: Onset


@dataclass(frozen=True, slots=True)
class Calm:
    """What is normal for one signal: its median, its noise, and the least change worth a look.

    The noise of counted events is that of twice the root of their number, see `_stable`. Of a share,
    `hits` of `of` answers counted, as far as their number is known.
    """

    normal: float
    scale: float
    floor: float
    hits: float = 0.0
    of: float = 0.0


def restarts(changes: Sequence[Change], rule: EvidenceRule) -> tuple[Span, ...]:
    """The spans in which a rollout may move signals by itself, in unix seconds."""
    spans = []
    for one in changes:
        if one.kind in _RESTARTING:
            ended = (one.finished_at or one.started_at + 2 * rule.settle) + rule.settle
            spans.append((one.started_at.timestamp() - 1.0, ended.timestamp()))
    return tuple(spans)


def inside(at: float, spans: Sequence[Span]) -> bool:
    """Whether an instant, in unix seconds, lies in one of these spans."""
    return any(start <= at <= end for start, end in spans)


def _floors(signal: Signal) -> tuple[float, float]:
    """The least change worth a look: absolute, and relative to normal."""
    if signal.role == "work" and words(signal.metric) & _ROW_WORDS:
        return _ROWS_FLOOR, 1.0
    if signal.role == "latency" and signal.unit != "s":
        return _FLOORS["latency"][0], _UNKNOWN_UNIT_FLOOR
    if signal.role == "up" and signal.unit == "share":
        return _HIT_SHARE_FLOOR, 0.0
    if signal.role in {"saturation", "waiting"} and signal.unit == "B":
        return _FLOORS["B"]
    return _FLOORS.get(signal.unit) or _FLOORS[signal.role]


def _stable(signal: Signal, value: float) -> float:
    """Counts per second as a number whose noise is one sigma at any rate (Anscombe); all else as it is."""
    return 2 * sqrt(max(value, 0.0) * signal.smoothing) if signal.counted else value


def calm_of(signal: Signal, baseline: Window, masked: Sequence[Span]) -> Calm | None:
    """Median and robust scale over the calm window, rollouts left out; None with too few samples.

    Scale: the largest of MAD, interquartile range, a third of the 99th percentile of the distance and
    3 % of the level; for counted events at least the Poisson noise; widened for short calm windows.
    """
    ranked = quiet(signal, baseline, masked)
    if ranked is None:
        return None
    normal = middle_of(ranked)
    scale = _robust_scale(sorted(map(partial(_stable, signal), ranked)) if signal.counted else ranked)
    if signal.counted:
        scale = max(scale, 1.0)
    hits, of = _counted_share(signal, *_calm_part(signal, baseline))
    return Calm(
        normal=normal,
        scale=scale * (1 + 4 / _independent(signal, len(ranked))),
        floor=floor_of(signal, normal),
        hits=hits,
        of=of,
    )


def quiet(signal: Signal, baseline: Window, masked: Sequence[Span]) -> Sequence[float] | None:
    """The calm samples, the smallest first, rollouts left out; None if there are too few."""
    begin, end = _calm_part(signal, baseline)
    values = _unmasked(signal, begin, end, masked)
    if len(values) < _FEWEST_CALM:
        values = signal.values[begin:end]
    return None if len(values) < _FEWEST_CALM else sorted(values)


def floor_of(signal: Signal, normal: float) -> float:
    """The least change from this level that is worth a look."""
    absolute, relative = _floors(signal)
    if _is_processor_share(signal) and normal < _FEW_CORES:
        absolute, relative = _PROCESSOR_SHARE_FLOOR
    return max(absolute, relative * abs(normal))


def _is_processor_share(signal: Signal) -> bool:
    return signal.role == "resource" and not signal.unit and "cpu" in words(signal.metric)


def _calm_part(signal: Signal, baseline: Window) -> tuple[int, int]:
    start, end = (bisect_left(signal.times, one.timestamp()) for one in (baseline.start, baseline.end))
    return start, end


def _unmasked(signal: Signal, begin: int, end: int, masked: Sequence[Span]) -> Sequence[float]:
    values = signal.values[begin:end]
    if not masked or not values:
        return values
    times = signal.times[begin:end]
    if not any(first <= times[-1] and last >= times[0] for first, last in masked):
        return values
    return [value for at, value in zip(times, values, strict=True) if not inside(at, masked)]


def _robust_scale(ranked: Sequence[float]) -> float:
    """Of sorted values."""
    middle = middle_of(ranked)
    distances = sorted([abs(one - middle) for one in ranked])
    quartiles = ranked[3 * len(ranked) // 4] - ranked[len(ranked) // 4]
    far = distances[min(len(distances) - 1, int(0.99 * len(distances)))]
    return max(1.4826 * middle_of(distances), quartiles / 1.349, far / 3, 0.03 * abs(middle))


def _independent(signal: Signal, count: int) -> float:
    """How many independent samples there are: overlapping trailing means repeat each other."""
    step = (signal.times[-1] - signal.times[0]) / max(1, len(signal.times) - 1)
    share = min(1.0, step / signal.smoothing) if signal.smoothing else 1.0
    return max(1.0, count * share)


def _runs(away: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """First and last index of each time the signal was away in 3 of 4 samples; short returns are bridged."""
    index, size = 0, len(away)
    while index < size:
        if not (away[index] and sum(away[index : index + _RUN_OF]) >= FEWEST_AWAY):
            index += 1
            continue
        last = index
        while any(away[last + 1 : last + 1 + _RUN_OF]):
            last = max(i for i in range(last + 1, min(size, last + 1 + _RUN_OF)) if away[i])
        yield index, last
        index = last + 1


def _own(run: tuple[int, int], signal: Signal, away: Sequence[bool], masked: Sequence[Span]) -> bool:
    """Whether a run is more than the restart it began in."""
    start, end = run
    outside = sum(away[i] and not inside(signal.times[i], masked) for i in range(start, end + 1))
    return outside >= FEWEST_AWAY


def _missed_a_beat(run: tuple[int, int], signal: Signal, away: Sequence[bool]) -> bool:
    """Whether a liveness probe failed for so short that its asker may have been late, not the asked dead.

    Under load a probe with a second to answer fails now and then of the healthiest server.
    """
    if signal.role != "up" or signal.unit == "share":
        return False
    start, end = run
    step = (signal.times[-1] - signal.times[0]) / max(1, len(signal.times) - 1)
    longest = max(len(list(same)) for off, same in groupby(away[start : end + 1]) if off)
    back = end < len(signal.times) - 1
    return longest * step < (_BLIP_S if back else _BLIP_S / 2)


def without_missed_beats(signal: Signal) -> Signal:
    """A liveness gauge with its short failures made good, for whoever reads samples and not deviations."""
    if signal.role != "up" or signal.unit == "share":
        return signal
    normal = median(signal.values)
    step = (signal.times[-1] - signal.times[0]) / max(1, len(signal.times) - 1)
    values: list[float] = []
    for low, same in groupby(signal.values, key=lambda value: value < normal):
        run = list(same)
        ended = len(values) + len(run) < len(signal.values)
        values += [normal] * len(run) if low and ended and len(run) * step < _BLIP_S else run
    return replace(signal, values=tuple(values))


def _sureness(signal: Signal, calm: Calm, sign: int, run: tuple[int, int]) -> float:
    """In sigmas how surely a share of so few answers is another one in this run; no bound elsewhere."""
    if not calm.of:
        return _MOST_SIGMAS
    sure = sign * binomial_sigmas(calm.hits, calm.of, *_counted_share(signal, run[0], run[1] + 1))
    return min(sure, _MOST_SIGMAS)


def sigmas(signal: Signal, calm: Calm, sign: int, value: float) -> float:
    """How far from normal a value is; where calm never moved, in fifths of the least change."""
    scale = calm.scale or calm.floor / _FLOOR_SIGMAS
    return sign * (_stable(signal, value) - _stable(signal, calm.normal)) / scale


def _found(
    signal: Signal, calm: Calm, sign: int, baseline: Window, masked: Sequence[Span], rule: EvidenceRule
) -> Deviation | None:
    """The largest run away from normal in one direction."""
    excess = [sign * (value - calm.normal) for value in signal.values]
    far_by = [sigmas(signal, calm, sign, value) for value in signal.values]
    judged_from = baseline.end.timestamp()
    away = [
        far >= calm.floor and z >= rule.sigmas and at >= judged_from
        for far, z, at in zip(excess, far_by, signal.times, strict=True)
    ]
    lasting = [run for run in _runs(away) if not _missed_a_beat(run, signal, away)]
    own = [run for run in lasting if _own(run, signal, away, masked)]
    runs = [run for run in own if _sureness(signal, calm, sign, run) >= rule.sigmas]
    if not runs:
        return None
    start, end = max(runs, key=lambda run: sum(excess[run[0] : run[1] + 1]))
    fine = [sign * (value - calm.normal) for value in signal.fine]
    found = bend(excess if signal.fine == signal.values else fine, excess, start, end, _blur(signal))
    over = len(signal.values) - 1 - end >= _RUN_OF
    peak = max(excess[start : end + 1])
    now = (
        calm.normal + sign * peak if over else median(signal.values[max(start, end + 1 - _RECENT) : end + 1])
    )
    return Deviation(
        signal=signal,
        direction="up" if sign > 0 else "down",
        shape="spike" if over else found.shape,
        strength=min(
            max(far_by[start : end + 1]),
            _FLOOR_SIGMAS * peak / calm.floor,
            _sureness(signal, calm, sign, (start, end)),
        ),
        normal=calm.normal,
        now=now,
        onset=onset_between(signal.times, found),
    )


def _blur(signal: Signal) -> int:
    """Over how many samples the judged values are smeared."""
    if not signal.smoothing or len(signal.times) < 2:  # noqa: PLR2004 - one sample has no spacing
        return 0
    step = (signal.times[-1] - signal.times[0]) / (len(signal.times) - 1)
    return round(signal.smoothing / step)


def _counted_share(signal: Signal, begin: int, end: int) -> tuple[float, float]:
    """How many answers a share's samples rest on, first those the share is of; (0, 0) where unknown.

    Trailing windows overlap, so that each answer is in as many of them as a window has steps.
    """
    if not signal.answers:
        return 0.0, 0.0
    width = max(1, _blur(signal))
    answers = signal.answers[begin:end]
    hits = sum(map(mul, signal.values[begin:end], answers))
    return hits / width, max(sum(answers) / width, max(answers, default=0.0))


def binomial_sigmas(hits: float, of: float, hits_now: float, of_now: float) -> float:
    """How surely two shares differ, given how few they are of: the signed root of the G statistic.

    Half an event is added to each count, so that none seen is not taken for none ever.
    """
    if not of or not of_now:
        return 0.0
    likely = (hits + hits_now) * of_now / (of + of_now)
    unlikely = of_now - likely
    g = hits_now * log((hits_now + 0.5) / (likely + 0.5))
    g += (of_now - hits_now) * log((of_now - hits_now + 0.5) / (unlikely + 0.5))
    return sqrt(max(2 * g, 0.0)) * (1 if hits_now >= likely else -1)


def deviation(
    signal: Signal, baseline: Window, masked: Sequence[Span], rule: EvidenceRule
) -> Deviation | None:
    """How this signal left normal after the calm window, if it did; restarts alone do not count."""
    calm = calm_of(signal, baseline, masked)
    if calm is None:
        return None
    signs = {"up": (1,), "down": (-1,), "both": (1, -1)}[signal.bad]
    found = [_found(signal, calm, sign, baseline, masked, rule) for sign in signs]
    return max((one for one in found if one), key=lambda one: one.strength, default=None)
