"""One observation of a canary: what the judge remembers between two looks at the counters."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Literal, get_args

from pydantic import Field

from steadyhand.journey.rollout.dispersion import Dispersion
from steadyhand.journey.rollout.gauges import Gauge, GaugeRule
from steadyhand.journey.rollout.model import Arms, Counts, Metric
from steadyhand.journey.rollout.ratio import RatioSequence
from steadyhand.journey.rule import Duration, Instant, Share, Value

METRICS: tuple[Metric, ...] = get_args(Metric)
STALE = timedelta(seconds=3)  # three ticks
COLD_START = timedelta(seconds=5)
HISTORY_SECONDS = 120
OWN_SECONDS = 20  # of evidence, before a promotion without a known history
_CHANCE_DISPERSION = 1.26  # 1 + 2 sqrt(2 / 119): independent events measure less in 39 of 40 histories

Phi = dict[Metric, Annotated[float, Field(ge=1)]]
Bursts = dict[Metric, Dispersion]


class Span(Value):
    """What both arms' counters grew by between two readings."""

    seconds: float
    canary: Counts
    stable: Counts

    @property
    def requests(self) -> int:
        """Of both arms together."""
        return self.canary.requests + self.stable.requests

    @property
    def share(self) -> float:
        """The canary's part of all answers; 0 when there are none."""
        return self.canary.requests / self.requests if self.requests else 0.0

    @property
    def rps(self) -> float:
        """Answers of both arms a second; 0 over no time."""
        return self.requests / self.seconds if self.seconds > 0 else 0.0


class Watch(Value):
    """One observation so far."""

    started_at: Instant
    start: Arms = Field(description="The counters' values at the start: what counts is the growth since.")
    last: Arms
    seen_at: Instant = Field(description="The last instant both arms are known at.")
    moved_at: Instant = Field(description="When the requests of either arm last grew.")
    canary_seen_at: Instant = Field(description="When the canary's requests last grew.")
    target: Metric | None = Field(description="What must get better; None: only not worse is asked for.")
    asked_share: Share
    phi: Phi | None = Field(description="Dispersion of each metric before the start; None: not known.")
    settle: Duration = Field(description="Evidence of this first time is dropped.")
    error_floor: Share | None = Field(description="Error rate the service may have; None: not agreed.")
    settled: Arms | None = Field(default=None, description="The counters' values where the evidence begins.")
    evidence: dict[Metric, RatioSequence] = Field(default=dict.fromkeys(METRICS, RatioSequence()))
    stable_bursts: Bursts = Field(default=dict.fromkeys(METRICS, Dispersion()))
    canary_bursts: Bursts = Field(default=dict.fromkeys(METRICS, Dispersion()))
    gauges: tuple[Gauge, ...] = Field(default=(), description="What the canary may run out of.")
    healthy: bool = Field(default=True, description="False once a health check of the canary failed.")
    broken: Literal["reset", "stale"] | None = Field(
        default=None, description="Why the readings are no longer one unbroken observation."
    )

    @property
    def whole(self) -> Span:
        """Everything since the start."""
        return _between(self.start, self.last)

    @property
    def used(self) -> Span:
        """What the evidence is made of: everything since the settling time."""
        return _between(self.settled or self.last, self.last)

    @property
    def knows_phi(self) -> bool:
        """Whether the burstiness is known: from the history before, or from watching for long enough."""
        return self.phi is not None or self.used.seconds >= OWN_SECONDS

    def phi_of(self, metric: Metric) -> float:
        """Dispersion of the metric's events: of the history, else at most that of the control under watch."""
        return self.stable_bursts[metric].upper if self.phi is None else self.phi[metric]

    def harm_phi_of(self, metric: Metric) -> float:
        """The same where harm is asked for: that of the burstier arm, unless a history showed no bursts.

        A burst in the canary that the control has not had yet would pass for harm. The few events of a
        canary that cures say little about bursts: they do not make its proof slower.
        """
        known = self.phi_of(metric)
        independent = self.phi is not None and known == 1
        return known if independent else max(known, self.canary_bursts[metric].upper)


def events(counts: Counts, metric: Metric) -> int:
    """How many events of this metric the counters hold."""
    count: int = getattr(counts, metric)
    return count


def trials(counts: Counts, metric: Metric) -> int:
    """How many requests could have been such an event: all for errors, those that succeeded for slowness.

    A control that fails fast has few slow answers; beside all its requests every cure would look slow.
    """
    return counts.requests if metric == "errors" else counts.requests - counts.errors


def measured_phi(history: Sequence[Counts]) -> Phi | None:
    """Dispersion of each metric, from the control's counters read once a second up to the start.

    None when they span less than 120 s or one went backwards: then it is measured while we watch. What
    independent events measure by chance counts as 1. A step in the rate (the incident's onset) looks like
    one great burst, which is safe but makes every proof slower: rather give no history than such a one.
    """
    steps = list(pairwise(history[-HISTORY_SECONDS - 1 :]))
    if len(steps) < HISTORY_SECONDS or any(fell(*step) for step in steps):
        return None
    bursts = dict.fromkeys(METRICS, Dispersion())
    for sooner, later in steps:
        bursts = _more_bursts(bursts, less(later, sooner))
    return {metric: _settled(known) for metric, known in bursts.items()}


def _settled(known: Dispersion) -> float:
    """What a whole history says: 1 where chance alone measures as much, else its upper bound."""
    return known.upper if known.estimate > _CHANCE_DISPERSION else 1.0


def begin(
    arms: Arms,
    now: datetime,
    *,
    target: Metric | None,
    asked_share: float,
    phi: Phi | None,
    settle: timedelta = COLD_START,
    error_floor: float | None = None,
    gauges: Sequence[GaugeRule] = (),
) -> Watch:
    """Start to watch, once the share is set and read back.

    Give a `target` in an incident: the control is bad, so being no worse than it proves nothing. `settle`
    (5 s at least) must be as long as an answer may take, usually the proxy's timeout: until then requests
    that hang in the canary are not counted, and it looks better than it is.
    """
    return Watch(
        started_at=now,
        start=arms,
        last=arms,
        seen_at=min(arms.at, now),
        moved_at=now,
        canary_seen_at=now,
        target=target,
        asked_share=asked_share,
        phi=phi,
        settle=max(settle, COLD_START),
        error_floor=error_floor,
        gauges=tuple(Gauge(rule=one) for one in gauges),
    )


def tick(watch: Watch, arms: Arms, now: datetime, *, healthy: bool) -> Watch:
    """What is known after one more look at the counters and at the canary's health checks.

    A reading no newer than the last one is none. A gap of more than three seconds, or a counter that went
    backwards, breaks the observation for good: whoever comes back after a pause has to `begin` another.
    """
    watch = watch.model_copy(update={"healthy": watch.healthy and healthy})
    if arms.at <= watch.last.at:
        return watch
    if _went_back(watch.last, arms):
        return watch.model_copy(update={"broken": watch.broken or "reset"})
    return _grown(watch, arms, min(arms.at, now))


def gauged(watch: Watch, values: Mapping[str, float | None], now: datetime) -> Watch:
    """What is known after the gauges were read; after the settling time, for a start is no leak."""
    if now < watch.started_at + watch.settle:
        return watch
    gauges = tuple(one.read(now, values) for one in watch.gauges)
    return watch.model_copy(update={"gauges": gauges})


def _grown(watch: Watch, arms: Arms, seen_at: datetime) -> Watch:
    gap = "stale" if seen_at - watch.seen_at > STALE else None
    update: dict[str, object] = {"last": arms, "seen_at": seen_at, "broken": watch.broken or gap}
    grown = _between(watch.last, arms)
    if grown.requests:
        update["moved_at"] = seen_at
    if grown.canary.requests:
        update["canary_seen_at"] = seen_at
    if watch.seen_at >= watch.started_at + watch.settle:
        update["settled"] = watch.settled or watch.last
        update["evidence"] = _more_evidence(watch, grown)
        update["stable_bursts"] = _more_bursts(watch.stable_bursts, grown.stable)
        update["canary_bursts"] = _more_bursts(watch.canary_bursts, grown.canary)
    return watch.model_copy(update=update)


def _more_evidence(watch: Watch, grown: Span) -> dict[Metric, RatioSequence]:
    return {
        metric: known.add(
            trials(grown.canary, metric),
            events(grown.canary, metric),
            trials(grown.stable, metric),
            events(grown.stable, metric),
        )
        for metric, known in watch.evidence.items()
    }


def _more_bursts(known: Bursts, grown: Counts) -> Bursts:
    return {metric: one.add(trials(grown, metric), events(grown, metric)) for metric, one in known.items()}


def _went_back(sooner: Arms, later: Arms) -> bool:
    return fell(sooner.stable, later.stable) or fell(sooner.canary, later.canary)


def fell(sooner: Counts, later: Counts) -> bool:
    """Whether a counter went backwards."""
    return any(getattr(later, name) < getattr(sooner, name) for name in Counts.model_fields)


def _between(sooner: Arms, later: Arms) -> Span:
    return Span(
        seconds=(later.at - sooner.at).total_seconds(),
        canary=less(later.canary, sooner.canary),
        stable=less(later.stable, sooner.stable),
    )


def less(later: Counts, sooner: Counts) -> Counts:
    """What one arm's counters grew by."""
    return Counts(
        **{
            name: getattr(later, name) - getattr(sooner, name) for name in Counts.model_fields
        }  # grew: see tick
    )
