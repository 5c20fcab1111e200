"""What people see of an observation beside its verdict. None of it decides."""

from math import inf

from steadyhand.journey.rollout.model import Counts, Figures, Metric
from steadyhand.journey.rollout.planning import min_detectable_ratio, seconds_needed
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.watch import METRICS, Span, Watch, events, trials

_SHOWN_ALPHA = 0.05


def rate(counts: Counts, metric: Metric) -> float:
    """Events per request that could have been one; 0 without such requests."""
    possible = trials(counts, metric)
    return events(counts, metric) / possible if possible > 0 else 0.0


def ratio(used: Span, metric: Metric) -> float:
    """Point estimate canary/control; inf when only the canary has events, 1 when neither has."""
    canary, stable = rate(used.canary, metric), rate(used.stable, metric)
    if stable:
        return canary / stable
    return inf if canary else 1.0


def figures(watch: Watch, metric: Metric) -> Figures:
    """The observation's numbers, with those of one metric."""
    whole, used = watch.whole, watch.used
    lower, upper = watch.evidence[metric].bounds(_SHOWN_ALPHA, "two", watch.phi_of(metric))
    return Figures(
        seconds=(watch.seen_at - watch.started_at).total_seconds(),
        share=whole.share,
        canary=whole.canary,
        stable=whole.stable,
        metric=metric,
        ratio=_finite(ratio(used, metric)),
        lower=lower,
        upper=_finite(upper),
        could_have_seen=min_detectable_ratio(
            used.rps / watch.harm_phi_of(metric), watch.asked_share, rate(used.stable, metric), used.seconds
        ),
        phi=_finite(watch.phi_of(metric)) if watch.knows_phi else None,
    )


def seconds_to_proof(watch: Watch, rule: CanaryRule) -> float:
    """What the planning formula still asks for before a promotion; inf when, as it looks, none will come."""
    if not watch.knows_phi:
        return inf
    seen = {metric: ratio(watch.used, metric) if watch.target else 1.0 for metric in METRICS}
    return max(_seconds_to_rule_out(watch, *one, seen[one[0]]) for one in _asked(watch, rule).items())


def seconds_at_best(watch: Watch, rule: CanaryRule) -> float:
    """The same for a canary without any event; inf where the control has none either."""
    return max(_seconds_to_rule_out(watch, *one, 0.0) for one in _asked(watch, rule).items())


def _asked(watch: Watch, rule: CanaryRule) -> dict[Metric, float]:
    """The ratio to be ruled out, of each metric a promotion depends on."""
    return {watch.target: rule.want} if watch.target else dict.fromkeys(METRICS, rule.tolerance)


def _seconds_to_rule_out(watch: Watch, metric: Metric, bound: float, expected: float) -> float:
    used = watch.used
    if expected >= bound:
        return inf
    rps, base = used.rps / watch.phi_of(metric), rate(used.stable, metric)
    return max(seconds_needed(rps, watch.asked_share, base, expected, bound) - used.seconds, 0.0)


def _finite(number: float) -> float | None:
    return None if number == inf else number
