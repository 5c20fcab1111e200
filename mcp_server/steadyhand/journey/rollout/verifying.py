"""All traffic is on the fix: did it help, against the incident and against the time before it."""

from datetime import datetime

from steadyhand.journey.recovery.criteria import Assessment, assess
from steadyhand.journey.rollout.model import Arms, Counts, Metric
from steadyhand.journey.rollout.ratio import RatioSequence
from steadyhand.journey.rollout.state import Rollout, Seen
from steadyhand.journey.rollout.steps import back, enter
from steadyhand.journey.rollout.watch import METRICS, Watch, events, fell, less, trials
from steadyhand.journey.rollout.watching import moved_words, same_share

_ALPHA = 0.005
_NAMES: dict[Metric, str] = {"errors": "failures", "slow90": "slow answers", "slow99": "very slow answers"}


def verified(rollout: Rollout, seen: Seen, now: datetime) -> Rollout:
    """One look at the goals, at the neighbours, and at what the fix has answered so far."""
    if seen.observed is not None and not same_share(rollout, seen.observed):
        return back(rollout, now, moved_words(seen.observed))
    plan, rule = rollout.plan, rollout.plan.recovery
    found = assess(plan.goals, seen.readings, rule.baseline)
    worse = (*found.worse, *assess(plan.watched, seen.readings, rule.baseline).worse)
    after = _counted(rollout, seen.arms).model_copy(
        update={
            "readings": seen.readings,
            "good_since": (rollout.good_since or now) if found.recovered else None,
            "good_samples": rollout.good_samples + 1 if found.recovered else 0,
            "bad_since": (rollout.bad_since or now) if worse else None,
        }
    )
    return _decided(after, seen, found, worse, now)


def _decided(
    rollout: Rollout, seen: Seen, found: Assessment, worse: tuple[str, ...], now: datetime
) -> Rollout:
    rule = rollout.plan.recovery
    guilty = _guilty(rollout, seen.arms)
    if guilty:
        return back(rollout, now, f"With all traffic it has more {_NAMES[guilty]} than the old version had")
    if rollout.bad_since is not None and now - rollout.bad_since >= rule.hold:
        return back(rollout, now, f"It got worse: {', '.join(worse)}")
    held = rollout.good_since is not None and now - rollout.good_since >= rule.hold
    answered = answers_since(rollout, seen.arms)
    enough = answered is None or answered >= rule.least_requests
    if held and enough and rollout.good_samples >= rule.least_samples:
        return _recovered(rollout, found, now)
    if now - rollout.phase_at > rule.patience:
        few = "" if enough else f"only {answered} answers of the fix; "
        return back(rollout, now, f"No recovery in time ({few}{found.words})")
    return rollout


def answers_since(rollout: Rollout, arms: Arms | None) -> int | None:
    """What the fix has answered since it has all traffic; None for a fix that moves none."""
    if not rollout.moves_traffic:
        return None
    if arms is None or rollout.whole is None or fell(rollout.whole.canary, arms.canary):
        return 0
    return arms.canary.requests - rollout.whole.canary.requests


def _counted(rollout: Rollout, arms: Arms | None) -> Rollout:
    """Where the count of the fix's own answers begins; anew after a counter was reset."""
    if arms is None or (rollout.whole is not None and not fell(rollout.whole.canary, arms.canary)):
        return rollout
    return rollout.model_copy(update={"whole": arms})


def _guilty(rollout: Rollout, arms: Arms | None) -> Metric | None:
    """A guard proven to be beyond tolerance, against the old version as the canary's watch saw it."""
    watch, whole = rollout.watch, rollout.whole
    if watch is None or whole is None or arms is None or fell(whole.canary, arms.canary):
        return None
    after, before = less(arms.canary, whole.canary), watch.used.stable
    tolerance = rollout.plan.canary.tolerance
    return next((one for one in METRICS if _times_as_many(watch, after, before, one) >= tolerance), None)


def _times_as_many(watch: Watch, after: Counts, before: Counts, metric: Metric) -> float:
    counts = trials(after, metric), events(after, metric), trials(before, metric), events(before, metric)
    return RatioSequence().add(*counts).bounds(_ALPHA, "one", watch.harm_phi_of(metric))[0]


def _recovered(rollout: Rollout, found: Assessment, now: datetime) -> Rollout:
    why = f"Verified: {', '.join(found.met)} recovered and held."
    if rollout.grade:
        why += f" The canary: {rollout.grade}."
    if not rollout.moves_traffic:
        return enter(rollout, "verified", now, why)
    return enter(rollout.model_copy(update={"settled": True}), "settling", now, why)
