"""Is the canary proven better, proven not worse, or to be taken back? Asked at every tick of a watch.

Equal arms are taken back in under 1 % of observations, however often one looks; measured figures and the
command that makes them are in docs/reference/judge.md.
"""

from datetime import datetime, timedelta
from math import log

from steadyhand.journey.rollout.gauges import trouble_of, unread
from steadyhand.journey.rollout.model import (
    Back,
    BackReason,
    Grade,
    Hold,
    Metric,
    Promote,
    Undecided,
    Verdict,
)
from steadyhand.journey.rollout.outlook import figures, rate, ratio, seconds_at_best, seconds_to_proof
from steadyhand.journey.rollout.ratio import rate_upper
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.watch import METRICS, OWN_SECONDS, STALE, Span, Watch, events

_GUARD_ALPHA: dict[Metric, float] = {"errors": 0.01, "slow90": 0.005, "slow99": 0.005}
_PASS_ALPHA = 0.01
_SHARE_KNOWN_AFTER = 400  # requests in both arms together
_FAILING_AFTER = 20  # canary requests
_MOST = 0.5
_FEW = 0.1
_BRAKE_EVENTS = 5  # canary events from which a point estimate is listened to; 3 were mostly chance
_MUCH_TRAFFIC = 100_000  # requests from which even harmless differences are proven
_WORSE_THAN_OF_MUCH = 1.1
_FALSE_SILENCE = 0.002  # chance of a gap that long in a whole observation, with Poisson arrivals


def judge(watch: Watch, now: datetime, rule: CanaryRule) -> Verdict:
    """The verdict at this instant: the first rule that holds, those that take back first."""
    shown = watch.target or "errors"
    back = _back(watch, now, rule, shown)
    if back:
        return back
    grade = _grade(watch, now, rule)
    if grade:
        return Promote(grade=grade, within=rule.tolerance, figures=figures(watch, shown))
    if now - watch.started_at >= rule.longest or _hopeless(watch, now, rule):
        return _undecided(watch, rule, shown)
    return _hold(watch, now, rule, shown)


def _back(watch: Watch, now: datetime, rule: CanaryRule, shown: Metric) -> Back | None:
    lost = _lost(watch, now, rule)
    if lost:
        return Back(reason=lost, figures=figures(watch, shown))
    trouble = trouble_of(watch.gauges)
    if trouble:
        return Back(reason="saturated", why=trouble, figures=figures(watch, shown))
    guilty = _guilty(watch, rule)
    return Back(reason="worse", figures=figures(watch, guilty)) if guilty else None


def _lost(watch: Watch, now: datetime, rule: CanaryRule) -> BackReason | None:
    """Rules 1 and 2, from the first tick on: the readings cannot be trusted, or the canary plainly fails."""
    whole = watch.whole
    found: tuple[tuple[bool, BackReason], ...] = (
        (watch.broken == "reset", "reset"),
        (watch.broken == "stale" or _stale(watch, now, rule), "stale"),
        (_share_off(whole, watch.asked_share), "share off"),
        (_no_traffic(watch, now, rule), "no traffic"),
        (not watch.healthy or _fails(whole), "failing"),
    )
    return next((reason for holds, reason in found if holds), None)


def _share_off(whole: Span, asked: float) -> bool:
    return whole.requests >= _SHARE_KNOWN_AFTER and whole.share > 2 * asked + 0.01


def _stale(watch: Watch, now: datetime, rule: CanaryRule) -> bool:
    """Whether the counters are old, or are new and yet stand still in both arms."""
    still = max(STALE, _silence_allowed(watch.whole.rps, rule))
    return now - watch.seen_at > STALE or now - watch.moved_at > still


def _no_traffic(watch: Watch, now: datetime, rule: CanaryRule) -> bool:
    silence = max(rule.no_traffic, _silence_allowed(watch.whole.rps * watch.asked_share, rule))
    return now - watch.canary_seen_at >= min(silence, rule.longest)


def _silence_allowed(arrivals: float, rule: CanaryRule) -> timedelta:
    """How long a gap chance makes at so many arrivals a second; the rule's own word when there are none."""
    expected = arrivals * rule.longest.total_seconds()
    if expected <= _FALSE_SILENCE:
        return rule.no_traffic
    return timedelta(seconds=log(expected / _FALSE_SILENCE) / arrivals)


def _fails(whole: Span) -> bool:
    enough = whole.canary.requests >= _FAILING_AFTER
    return enough and rate(whole.canary, "errors") > _MOST and rate(whole.stable, "errors") < _FEW


def _guilty(watch: Watch, rule: CanaryRule) -> Metric | None:
    """Rule 3: a guard whose ratio is proven to be as high as calls for a way back."""
    much = watch.whole.requests >= _MUCH_TRAFFIC
    limit = max(rule.worse_than, _WORSE_THAN_OF_MUCH) if much else rule.worse_than
    lowest = {
        metric: watch.evidence[metric].bounds(alpha, "one", watch.harm_phi_of(metric))[0]
        for metric, alpha in _GUARD_ALPHA.items()
    }
    return next((metric for metric, lower in lowest.items() if lower >= limit), None)


def _grade(watch: Watch, now: datetime, rule: CanaryRule) -> Grade | None:
    """Rules 4 and 5: proven over a whole soak, with known burstiness, by an arm that answers its share."""
    answers = watch.whole.share >= watch.asked_share / 2
    known = watch.knows_phi and answers and not unread(watch.gauges)
    if not known or now - watch.started_at < rule.soak:
        return None
    if watch.target is None:
        return "not worse" if all(_passes(watch, metric, rule) for metric in METRICS) else None
    _, upper = watch.evidence[watch.target].bounds(_PASS_ALPHA, "two", watch.phi_of(watch.target))
    return "proven better" if upper <= rule.want and not _brakes(watch, rule) else None


def _passes(watch: Watch, metric: Metric, rule: CanaryRule) -> bool:
    _, upper = watch.evidence[metric].bounds(_PASS_ALPHA, "two", watch.phi_of(metric))
    return upper <= rule.tolerance or (metric == "errors" and _below_floor(watch))


def _below_floor(watch: Watch) -> bool:
    if watch.error_floor is None:
        return False
    canary, phi = watch.used.canary, watch.harm_phi_of("errors")
    return rate_upper(canary.errors / phi, canary.requests / phi, _PASS_ALPHA) < watch.error_floor


def _brakes(watch: Watch, rule: CanaryRule) -> bool:
    """Whether a guard looks worse than tolerated, though nothing is proven."""
    used = watch.used
    return any(
        events(used.canary, metric) >= _BRAKE_EVENTS and ratio(used, metric) > rule.tolerance
        for metric in METRICS
    )


def _hopeless(watch: Watch, now: datetime, rule: CanaryRule) -> bool:
    """Whether even a perfect cure could not be proven any more, as the planning formula sees it."""
    watched = now - watch.started_at
    seen_enough = watch.used.seconds >= OWN_SECONDS and watch.knows_phi
    if watch.target is None or watched < rule.soak or not seen_enough:
        return False
    return seconds_at_best(watch, rule) > (rule.longest - watched).total_seconds()


def _undecided(watch: Watch, rule: CanaryRule, shown: Metric) -> Undecided:
    seen = figures(watch, shown)
    harmless = watch.target is None and seen.could_have_seen is not None and not _brakes(watch, rule)
    return Undecided(name="no evidence of harm" if harmless else "undecided", figures=seen)


def _hold(watch: Watch, now: datetime, rule: CanaryRule, shown: Metric) -> Hold:
    watched = now - watch.started_at
    soaking = watched < rule.soak
    left = (min(rule.soak, rule.longest) if soaking else rule.longest) - watched
    proof = seconds_to_proof(watch, rule)
    return Hold(
        name="watching" if soaking else "undecided so far",
        seconds_left=left.total_seconds(),
        verdict_in=proof if proof <= (rule.longest - watched).total_seconds() else None,
        figures=figures(watch, shown),
    )
