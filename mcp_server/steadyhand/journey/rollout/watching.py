"""The watch of the canary: judged every second, and put before a human when no proof will come."""

from datetime import datetime

from steadyhand.journey.recovery.criteria import assess, were_well
from steadyhand.journey.rollout.judge import judge
from steadyhand.journey.rollout.model import Arms, Back, Observed, Promote, Undecided, Verdict
from steadyhand.journey.rollout.state import WITHOUT_PROOF, Rollout, Sample, Seen
from steadyhand.journey.rollout.steps import back, enter, overdue
from steadyhand.journey.rollout.watch import Watch, begin, gauged, tick
from steadyhand.journey.rollout.words import named, say

_HISTORY = 600
_SAME_SHARE = 0.001


def begin_watch(rollout: Rollout, arms: Arms | None, now: datetime) -> Rollout:
    """The share is set and read back: what counts is what the counters grow by from here on."""
    if arms is None:
        return back(rollout, now, "The counters were not read") if overdue(rollout, now) else rollout
    plan = rollout.plan
    watch = begin(
        arms,
        now,
        target=plan.judged_by,
        asked_share=rollout.share,
        phi=rollout.phi,
        gauges=plan.gauges,
    )
    note = f"{rollout.share:.0%} of traffic is on the fix."
    return enter(rollout, "watching", now, note, rollout.share).model_copy(update={"watch": watch})


def watched(rollout: Rollout, seen: Seen, now: datetime) -> Rollout:
    """One more look at both arms, at what may run out, and at the services around."""
    watch, observed = rollout.watch, seen.observed
    if observed is not None and not same_share(rollout, observed):
        return back(rollout, now, moved_words(observed))
    if watch is None or seen.arms is None or observed is None:
        return unseen(rollout, "the counters were not read", now)
    ticked = tick(watch, seen.arms, now, healthy=observed.canary_ready > 0)
    around = _around(rollout, seen, now)
    if around.phase not in ("watching", "asking"):
        return around
    return judged(around, gauged(ticked, seen.gauges, now), now)


def unseen(rollout: Rollout, why: str, now: datetime) -> Rollout:
    """A look that failed: the judge says how long that may last."""
    after = rollout.model_copy(update={"tries": rollout.tries + 1, "reason": why})
    return judged(after, rollout.watch, now) if rollout.watch else back(after, now, f"Not watched: {why}")


def same_share(rollout: Rollout, observed: Observed) -> bool:
    """Whether the share is still what we set."""
    return abs(observed.share - rollout.share) <= _SAME_SHARE


def moved_words(observed: Observed) -> str:
    """Who moved the share, as far as it shows."""
    if observed.share == 0:
        return "The share was back at 0 %: the lease ran out, or somebody brought it home"
    return f"Somebody else set the share to {observed.share:.0%}"


def promote_anyway(rollout: Rollout, by: str, why: str, now: datetime) -> Rollout:
    """A human takes the responsibility that the judge could not; anything but an open question stays."""
    if rollout.phase != "asking":
        return rollout
    note = f"{WITHOUT_PROOF.capitalize()} by {by}: {why}"
    return enter(rollout, "promoting", now, note, 1.0).model_copy(update={"grade": WITHOUT_PROOF})


def widen(rollout: Rollout, share: float, by: str, now: datetime) -> Rollout:
    """A human gives it more traffic, so that more can be seen: a new observation begins."""
    if rollout.phase not in ("watching", "asking") or share <= rollout.share:
        return rollout
    note = f"{by} chose {share:.0%} of traffic: observing a full new window."
    return enter(rollout, "shifting", now, note, share).model_copy(update={"watch": None, "ask_until": None})


def judged(rollout: Rollout, watch: Watch, now: datetime) -> Rollout:
    """What follows from the judge's word."""
    verdict = judge(watch, now, rollout.plan.canary)
    after = _remember(rollout.model_copy(update={"watch": watch, "verdict": verdict}), verdict, now)
    match verdict:
        case Promote():
            proven = after.model_copy(update={"grade": named(verdict)})
            return enter(proven, "promoting", now, f"The judge: {say(verdict)}", 1.0)
        case Back():
            return back(after, now, f"The judge: {say(verdict)}")
        case Undecided() if rollout.phase == "watching":
            return _ask(after, verdict, now)
        case _:
            return _answered_in_time(after, verdict, now)


def _ask(rollout: Rollout, verdict: Verdict, now: datetime) -> Rollout:
    """The share stays under its lease meanwhile; proof of harm still takes it back at once."""
    until = now + rollout.plan.canary.answer_within
    rest = f"It stays at {rollout.share:.0%} until {until:%H:%M:%S} UTC, then goes back."
    return enter(rollout, "asking", now, f"The judge: {say(verdict)} {rest}").model_copy(
        update={"ask_until": until}
    )


def _answered_in_time(rollout: Rollout, verdict: Verdict, now: datetime) -> Rollout:
    if rollout.phase == "asking" and rollout.ask_until is not None and now >= rollout.ask_until:
        return back(rollout, now, f"Nobody answered in time; the judge: {say(verdict)}")
    return rollout


def _around(rollout: Rollout, seen: Seen, now: datetime) -> Rollout:
    """A neighbour that was well at the start and clearly is not any more takes the canary back.

    What hurt already may hurt more while most traffic is still on the sick version: no fault of the fix.
    """
    if not seen.readings:
        return rollout
    rule = rollout.plan.recovery
    worse = assess(were_well(rollout.plan.watched), seen.readings).worse
    since = (rollout.bad_since or now) if worse else None
    if since is not None and now - since >= rule.hold:
        return back(rollout, now, f"It got worse meanwhile: {', '.join(worse)}")
    return rollout.model_copy(update={"readings": seen.readings, "bad_since": since})


def _remember(rollout: Rollout, verdict: Verdict, now: datetime) -> Rollout:
    figures = verdict.figures
    sample = Sample(at=now, share=figures.share, ratio=figures.ratio, lo=figures.lower, hi=figures.upper)
    return rollout.model_copy(update={"history": (*rollout.history, sample)[-_HISTORY:]})
