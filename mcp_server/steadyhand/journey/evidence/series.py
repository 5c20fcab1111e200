"""Raw series become signals: rates, percentiles, error shares and levels, added up over replicas."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from steadyhand.journey.evidence import roles
from steadyhand.journey.evidence.counters import Gains, Stepped, gains
from steadyhand.journey.evidence.families import Families, Kind
from steadyhand.journey.evidence.grid import Grid, Track, highest, lead, total
from steadyhand.journey.evidence.histogram import SPANS, percentile, ratio
from steadyhand.journey.evidence.model import Role, Series
from steadyhand.journey.evidence.owners import OWNER_LABELS, Owners
from steadyhand.journey.evidence.signal import Signal, Subject
from steadyhand.journey.topology import Topology

Labels = tuple[tuple[str, str], ...]
_P95 = 0.95
_OF_STATE = frozenset(roles.STATE_LABELS)
_NEVER_SHOWN = ("job", "le")
_OVER = 1.2  # what lies farther beyond a limit is not bounded by it
_BOUND_WORDS = roles.word_set(
    "max limit limits size capacity used in use usage open active current working set spec"
)


class _Member(NamedTuple):
    """One raw series on the grid; `born_here` if its replica was there before it was.

    `host` is the label that tells whose it is, of a series about a host; `owner` is who owns it, where
    replicas may have different ones.
    """

    name: str
    labels: Mapping[str, str]
    track: Track
    born_here: bool
    host: str = ""
    owner: str = ""

    def group(self, *, without: frozenset[str] = frozenset()) -> Labels:
        """Its labels without the replica's and these; a host's own stays, for hosts are no replicas."""
        hidden = _hidden(without, "" if self.host in without else self.host)
        return tuple(sorted([pair for pair in self.labels.items() if pair[0] not in hidden]))

    def outcome(self) -> str | None:
        """How the answers it counts ended, if a label says so."""
        return next((self.labels[one] for one in sorted(roles.OUTCOME_LABELS) if one in self.labels), None)


@lru_cache
def _hidden(without: frozenset[str], host: str) -> frozenset[str]:
    return (roles.REPLICA_LABELS - {host}) | without


class _Workbench:
    """The series of one page, sorted by kind and brought on one grid."""

    def __init__(self, series: Sequence[Series], grid: Grid, topology: Topology, service: str) -> None:
        self.grid, self.owners = grid, Owners(topology, service)
        self.families = Families(series)
        self.members: dict[Kind, list[_Member]] = defaultdict(list)
        tracks = [grid.track(one) for one in series]
        replicas = [_replica(one.labels) for one in series]
        births = _births(replicas, tracks)
        for one, track, replica in zip(series, tracks, replicas, strict=True):
            host = roles.host_label(one.name, one.labels)
            owner = self.owners.of(one.name, one.labels) if host or self.owners.of_replicas else ""
            member = _Member(one.name, one.labels, track, births[replica] < lead(track), host, owner)
            self.members[self.families.kind(one.name)].append(member)

    def subject(self, members: Sequence[_Member], *, hidden: frozenset[str] = frozenset()) -> Subject:
        """What the signals of this group share."""
        first = members[0]
        entity = first.owner or self.owners.of(first.name, first.labels)
        told_already = [name for name in (*OWNER_LABELS, first.host) if first.labels.get(name) == entity]
        labels = dict(first.group(without=hidden.union(told_already, _NEVER_SHOWN)))
        return Subject(
            metric=first.name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum"),
            entity=entity,
            labels=labels,
            target=next((labels[one] for one in roles.TARGET_LABELS if labels.get(one)), ""),
            grid=self.grid,
            origin="/".join(value for _, value in _replica(first.labels)),
        )


def _replica(labels: Mapping[str, str]) -> Labels:
    return tuple([(key, labels[key]) for key in ("instance", "job", "pod") if key in labels])


def _births(replicas: Sequence[Labels], tracks: Sequence[Track]) -> dict[Labels, int]:
    """For each replica the first step with a sample of anything it exports."""
    births: dict[Labels, int] = {}
    for replica, track in zip(replicas, tracks, strict=True):
        births[replica] = min(births.get(replica, len(track)), lead(track))
    return births


def _gains(members: Iterable[_Member]) -> Gains:
    return gains((one.track, one.born_here) for one in members)


def _grouped(members: Sequence[_Member], key: Callable[[_Member], object]) -> list[list[_Member]]:
    groups: dict[object, list[_Member]] = defaultdict(list)
    for one in members:
        groups[one.name, one.owner, key(one)].append(one)
    return list(groups.values())


def _latencies(bench: _Workbench) -> Iterator[Signal]:
    hidden = roles.OUTCOME_LABELS | {"le"}
    for members in _grouped(bench.members["bucket"], lambda one: one.group(without=hidden)):
        by_bound = _grouped(members, lambda one: one.labels["le"])
        buckets = {float(same[0].labels["le"]): _gains(same) for same in by_bound}
        values, span = percentile(_P95, buckets, bench.grid)
        subject = bench.subject(members, hidden=hidden)
        unit = roles.unit_of(subject.metric)
        yield subject.signal(f"p95 of {subject.metric}", "latency", unit, values, smoothing=span)


def _means(bench: _Workbench) -> Iterator[Signal]:
    """Mean latency where a histogram or summary comes without buckets."""
    hidden = roles.OUTCOME_LABELS
    counts = {
        (members[0].name, members[0].owner, members[0].group(without=hidden)): members
        for members in _grouped(bench.members["counter"], lambda one: one.group(without=hidden))
    }
    for members in _grouped(bench.members["sum"], lambda one: one.group(without=hidden)):
        first = members[0]
        base = first.name.removesuffix("_sum")
        answers = counts.get((f"{base}_count", first.owner, first.group(without=hidden)))
        if base in bench.families.with_buckets or answers is None:
            continue
        values, _, span = ratio(_gains(members), _gains(answers), bench.grid)
        subject = bench.subject(members, hidden=hidden)
        yield subject.signal(f"mean of {base}", "latency", roles.unit_of(base), values, smoothing=span)


def _rates(bench: _Workbench) -> Iterator[Signal]:
    for members in _grouped(bench.members["counter"], lambda one: one.group(without=roles.OUTCOME_LABELS)):
        outcomes = {one.outcome() for one in members}
        if outcomes == {None}:
            yield _rate(bench, members, members)
        elif any(outcome and roles.is_hit(outcome) for outcome in outcomes):
            yield from _hits(bench, members)
        elif all(outcome and roles.failed(outcome) for outcome in outcomes):
            yield _rate(bench, members, members, "errors")  # who counts failures alone tells of no demand
        else:
            yield _rate(bench, members, members)
            yield _share(bench, members)


def _rate(
    bench: _Workbench, members: Sequence[_Member], named: Sequence[_Member], known: Role | None = None
) -> Signal:
    """A rate per second over five seconds once they are full, and per step for dating."""
    grid = bench.grid
    subject = bench.subject(named, hidden=roles.OUTCOME_LABELS)
    added = _gains(members)
    steps = grid.steps(SPANS[0])
    fine = smooth = _over(added.steps, grid.step)
    if steps > 1:
        smooth = (*[None] * min(steps, len(fine)), *_over(added.over(steps)[steps:], steps * grid.step))
    name = members[0].name
    counts_answers = name in bench.families.answers or members[0].outcome() is not None
    role: Role = known or ("traffic" if counts_answers else roles.counter_role(name))
    unit = "/s" if known else _rate_unit(name, role)
    return subject.signal(
        f"rate of {name}",
        role,
        unit,
        smooth,
        fine=fine,
        smoothing=steps * grid.step,
        counted=unit == "/s",
    )


def _over(track: Track, seconds: float) -> Track:
    return tuple([None if one is None else one / seconds for one in track])


def _rate_unit(name: str, role: Role) -> str:
    if role == "resource":
        return "cores"
    return "/s" if role == "traffic" else f"{roles.unit_of(name)}/s"


def _share(bench: _Workbench, members: Sequence[_Member]) -> Signal:
    """The share of answers that failed."""
    bad = [one for one in members if roles.failed(one.outcome() or "")]
    failed = _gains(bad) if bad else Stepped((None,) * bench.grid.size)
    values, of, span = ratio(failed, _gains(members), bench.grid)
    subject = bench.subject(members, hidden=roles.OUTCOME_LABELS)
    return subject.signal(
        f"failed share of {members[0].name}", "errors", "share", values, smoothing=span, answers=of
    )


def _hits(bench: _Workbench, members: Sequence[_Member]) -> Iterator[Signal]:
    """The share of look-ups that hit, and how many per second did not."""
    found = [one for one in members if roles.is_hit(one.outcome() or "")]
    lost = [one for one in members if not roles.is_hit(one.outcome() or "")]
    values, of, span = ratio(_gains(found), _gains(members), bench.grid)
    subject = bench.subject(members, hidden=roles.OUTCOME_LABELS)
    yield subject.signal(f"hit share of {members[0].name}", "up", "share", values, smoothing=span, answers=of)
    if lost:
        missed = _rate(bench, lost, members)
        yield subject.signal(
            f"misses of {members[0].name}",
            "work",
            "/s",
            _restored(missed, bench.grid, missed.values),
            fine=_restored(missed, bench.grid, missed.fine),
            smoothing=missed.smoothing,
            counted=True,
        )


def _restored(signal: Signal, grid: Grid, values: Sequence[float]) -> Track:
    known = dict(zip(signal.times, values, strict=True))
    return [known.get(at) for at in grid.times()]


def _levels(bench: _Workbench) -> Iterator[Signal]:
    limits = _limits(bench)
    for members in _grouped(bench.members["gauge"], _Member.group):
        first = members[0]
        if roles.is_spare(first.labels):
            continue
        role = roles.gauge_role(first.name, first.labels)
        tracks = [one.track for one in members]
        unit = roles.unit_of(first.name)
        level = highest(tracks) if unit else total(tracks)
        signal = bench.subject(members).signal(first.name, role, unit, level)
        limit = None if roles.is_limit(first.name, first.labels) else limits.get(_bounded(first))
        reached = limit is None or max(filter(None, level), default=0.0) > _OVER * limit
        yield signal if reached else replace(signal, limit=limit)


@lru_cache(maxsize=4_096)
def _stem(name: str) -> str:
    return "_".join(word for word in name.split("_") if word not in _BOUND_WORDS)


def _bounded(member: _Member) -> tuple[str, str, Labels]:
    """What a bound and its measurement share: the name without bound words, the labels without state."""
    return _stem(member.name), member.owner, member.group(without=_OF_STATE)


def _limits(bench: _Workbench) -> dict[tuple[str, str, Labels], float]:
    found: dict[tuple[str, str, Labels], float] = {}
    bounds = [one for one in bench.members["gauge"] if roles.is_limit(one.name, one.labels)]
    for members in _grouped(bounds, _Member.group):
        first = members[0]
        tracks = [one.track for one in members]
        track = highest(tracks) if roles.unit_of(first.name) else total(tracks)
        found[_bounded(first)] = max((one for one in track if one is not None), default=0.0)
    return {key: value for key, value in found.items() if value > 0}


def every_signal(series: Sequence[Series], grid: Grid, topology: Topology, service: str) -> list[Signal]:
    """Every signal these series hold, also one that never had enough answers for a value."""
    bench = _Workbench(series, grid, topology, service)
    found = [*_latencies(bench), *_means(bench), *_rates(bench), *_levels(bench)]
    return sorted(found, key=lambda one: (one.name, one.shown_labels, one.entity))


def signals(series: Sequence[Series], grid: Grid, topology: Topology, service: str) -> list[Signal]:
    """Every signal with a value, in the order of their names and labels."""
    return [one for one in every_signal(series, grid, topology, service) if one.times]
