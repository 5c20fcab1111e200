"""One rollout as a state machine: what to do next, and what follows from what was seen.

| phase     | does                                    | then                                       |
|-----------|-----------------------------------------|--------------------------------------------|
| preparing | starts the fix beside the old version   | shifting                                   |
| shifting  | gives it its first share of traffic     | watching                                   |
| watching  | renews the lease, judges every second   | promoting, or reverting                    |
| promoting | gives it all traffic, old version warm  | verifying                                  |
| applying  | runs a database fix, verified in place  | verifying                                  |
| verifying | waits until the numbers have recovered  | settling or verified, or reverting/undoing |
| settling  | makes it permanent                      | verified                                   |
| reverting | brings all traffic back                 | reverted, or stuck                         |
| undoing   | takes a database fix back               | reverted, or stuck                         |

Every effect sets an absolute state and is looked at afterwards, so that each may be repeated after a crash.
"""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from steadyhand.journey.recovery.criteria import Assessment, assess
from steadyhand.journey.recovery.model import Reading
from steadyhand.journey.remedy.model import Action, CreateIndex, IndexState, SetRelease
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.judge import judge
from steadyhand.journey.rollout.model import Arms, Back, Observed, Promote, Undecided, Verdict
from steadyhand.journey.rollout.watch import Phi, Watch, begin, tick
from steadyhand.journey.rollout.words import say
from steadyhand.journey.rule import Instant, Share, Value

Phase = Literal[
    "preparing",
    "shifting",
    "watching",
    "promoting",
    "applying",
    "verifying",
    "settling",
    "reverting",
    "undoing",
    "verified",
    "reverted",
    "stuck",
]
OVER: tuple[Phase, ...] = ("verified", "reverted", "stuck")
_TRIES = 3
_PATIENCE = timedelta(seconds=90)
_HISTORY = 600
_SAME_SHARE = 0.001


class Sample(Value):
    """One second of the rollout, kept to be drawn."""

    at: Instant
    share: Share
    ratio: float | None = None
    lo: float | None = None
    hi: float | None = None


class Rollout(Value):
    """A rollout, whole: enough to go on from after the process died."""

    id: str
    incident: str
    plan: Plan
    phase: Phase
    owner: str = Field(description="The process that drives it; another one looks at the target first.")
    phase_at: Instant
    share: Share = 0.0
    phi: Phi | None = Field(default=None, description="Burstiness of the control before the start.")
    watch: Watch | None = None
    verdict: Verdict | None = None
    readings: tuple[Reading, ...] = ()
    good_since: Instant | None = None
    bad_since: Instant | None = None
    settled: bool = Field(default=False, description="Making it permanent has begun; the way back is longer.")
    tries: int = Field(default=0, ge=0)
    reason: str = ""
    history: tuple[Sample, ...] = ()

    @property
    def moves_traffic(self) -> bool:
        """Whether it is a matter of shares; a database fix is not."""
        return isinstance(self.plan.fix.action, SetRelease)


def moved_by(plan: Plan) -> str:
    """The service or database a plan is carried out on; it need not be the one that hurts."""
    action = plan.fix.action
    return action.service if isinstance(action, SetRelease) else action.database


class Seen(Value):
    """What the effect of a phase showed. Only what the phase asked for is filled."""

    observed: Observed | None = None
    arms: Arms | None = None
    readings: tuple[Reading, ...] = ()
    index: IndexState | None = None


def start(given_id: str, plan: Plan, owner: str, now: datetime) -> Rollout:
    """A rollout at its first phase."""
    phase: Phase = "preparing" if isinstance(plan.fix.action, SetRelease) else "applying"
    return Rollout(id=given_id, incident=plan.incident, plan=plan, phase=phase, owner=owner, phase_at=now)


def resume(rollout: Rollout, owner: str, now: datetime) -> Rollout:
    """Another process takes over. A window that passed unobserved counts for nothing: observe anew."""
    mine = rollout.model_copy(update={"owner": owner, "tries": 0})
    if rollout.phase in ("shifting", "watching", "promoting") or (
        rollout.phase == "verifying" and rollout.moves_traffic
    ):
        return _enter(mine, "preparing", now, "The controller restarted: observing a full new window.")
    return _enter(mine, rollout.phase, now, rollout.reason)


def abort(rollout: Rollout, by: str, why: str, now: datetime) -> Rollout:
    """Take it back now. Nobody is asked; a rollout that is over or on its way back stays as it is."""
    if rollout.phase in (*OVER, "reverting", "undoing"):
        return rollout
    return _back(rollout, now, f"Aborted by {by}: {why}")


def advance(rollout: Rollout, seen: Seen, now: datetime) -> Rollout:
    """The rollout after its phase's effect was seen."""
    done = rollout.model_copy(update={"tries": 0})
    match rollout.phase:
        case "preparing" | "shifting" | "promoting" | "settling" | "reverting":
            return _traffic(done, seen, now)
        case "watching":
            return _watching(done, seen, now)
        case "verifying":
            return _verifying(done, seen, now)
        case "applying" | "undoing":
            return _database(rollout, seen, now)
        case _:
            return rollout


def failed(rollout: Rollout, why: str, now: datetime) -> Rollout:
    """The phase's effect failed, or its outcome is unknown: try again, then go back, then call a human."""
    after = rollout.model_copy(update={"tries": rollout.tries + 1, "reason": why})
    if rollout.phase == "watching" and rollout.watch is not None:
        return _judged(after, rollout.watch, now)
    if after.tries < _TRIES:
        return after
    if rollout.phase in ("reverting", "undoing"):
        return _enter(after, "stuck", now, f"Could not be taken back: {why}")
    return _back(after, now, f"Gave up {rollout.phase} after {after.tries} tries: {why}")


def _traffic(rollout: Rollout, seen: Seen, now: datetime) -> Rollout:
    """Phases that are over when the target shows what was asked for."""
    if seen.observed is None or not _reached(rollout, seen.observed):
        return _waited(rollout, now)
    match rollout.phase:
        case "preparing":
            return _enter(
                rollout, "shifting", now, "The fix runs beside the old version.", rollout.plan.canary.share
            )
        case "shifting":
            return _begin_watch(rollout, seen.arms, now)
        case "promoting":
            return _enter(rollout, "verifying", now, "All traffic is on the fix; waiting for recovery.", 1.0)
        case "settling":
            return _enter(rollout, "verified", now, rollout.reason, 0.0)
        case _:
            return _enter(rollout, "reverted", now, rollout.reason, 0.0)


def _waited(rollout: Rollout, now: datetime) -> Rollout:
    if now - rollout.phase_at <= _PATIENCE:
        return rollout
    return failed(rollout.model_copy(update={"tries": _TRIES}), "it never came about", now)


def _reached(rollout: Rollout, observed: Observed) -> bool:
    version, before = _release(rollout.plan.fix.action), _release(rollout.plan.fix.rollback)
    match rollout.phase:
        case "preparing":
            return observed.canary_version == version and observed.canary_ready >= observed.stable_ready
        case "shifting" | "promoting":
            return abs(observed.share - rollout.share) < _SAME_SHARE
        case "settling":
            return observed.stable_version == version and observed.share == 0
        case _:
            return observed.share == 0 and (not rollout.settled or observed.stable_version == before)


def _release(action: Action) -> str:
    return action.version if isinstance(action, SetRelease) else ""


def _begin_watch(rollout: Rollout, arms: Arms | None, now: datetime) -> Rollout:
    if arms is None:
        return _waited(rollout, now)
    plan = rollout.plan
    watch = begin(arms, now, target=plan.judged_by, asked_share=rollout.share, phi=rollout.phi)
    watching = _enter(
        rollout, "watching", now, f"{rollout.share:.0%} of traffic is on the fix.", rollout.share
    )
    return watching.model_copy(update={"watch": watch})


def _watching(rollout: Rollout, seen: Seen, now: datetime) -> Rollout:
    watch, observed = rollout.watch, seen.observed
    if watch is None or seen.arms is None or observed is None:
        return failed(rollout, "the counters were not read", now)
    if abs(observed.share - rollout.share) > _SAME_SHARE:
        return _back(rollout, now, f"Somebody else set the share to {observed.share:.0%}")
    healthy = observed.canary_ready > 0
    ticked = tick(watch, seen.arms, now, healthy=healthy)
    return _judged(rollout, ticked, now)


def _judged(rollout: Rollout, watch: Watch, now: datetime) -> Rollout:
    verdict = judge(watch, now, rollout.plan.canary)
    after = _remember(rollout.model_copy(update={"watch": watch, "verdict": verdict}), verdict, now)
    match verdict:
        case Promote():
            return _enter(after, "promoting", now, f"The judge: {say(verdict)}", 1.0)
        case Back() | Undecided():
            return _back(after, now, f"The judge: {say(verdict)}")
        case _:
            return after


def _remember(rollout: Rollout, verdict: Verdict, now: datetime) -> Rollout:
    figures = verdict.figures
    sample = Sample(at=now, share=figures.share, ratio=figures.ratio, lo=figures.lower, hi=figures.upper)
    return rollout.model_copy(update={"history": (*rollout.history, sample)[-_HISTORY:]})


def _verifying(rollout: Rollout, seen: Seen, now: datetime) -> Rollout:
    found = assess(rollout.plan.goals, seen.readings)
    rule = rollout.plan.recovery
    after = rollout.model_copy(
        update={
            "readings": seen.readings,
            "good_since": (rollout.good_since or now) if found.recovered else None,
            "bad_since": (rollout.bad_since or now) if found.worse else None,
        }
    )
    if after.good_since is not None and now - after.good_since >= rule.hold:
        return _recovered(after, found, now)
    if after.bad_since is not None and now - after.bad_since >= rule.hold:
        return _back(after, now, f"It got worse: {', '.join(found.worse)}")
    if now - rollout.phase_at > rule.patience:
        return _back(after, now, f"No recovery in time ({found.words})")
    return after


def _recovered(rollout: Rollout, found: Assessment, now: datetime) -> Rollout:
    why = f"Verified: {', '.join(found.met)} recovered and held."
    if not rollout.moves_traffic:
        return _enter(rollout, "verified", now, why)
    return _enter(rollout.model_copy(update={"settled": True}), "settling", now, why)


def _database(rollout: Rollout, seen: Seen, now: datetime) -> Rollout:
    fix = rollout.plan.fix
    action = fix.action if rollout.phase == "applying" else fix.rollback
    wanted: IndexState = "valid" if isinstance(action, CreateIndex) else "absent"
    if seen.index == "building":
        return rollout
    if seen.index != wanted:
        return failed(rollout, f"the index is {seen.index or 'unknown'}, not {wanted}", now)
    if rollout.phase == "applying":
        return _enter(rollout, "verifying", now, "The index is built and valid; waiting for recovery.")
    return _enter(rollout, "reverted", now, rollout.reason)


def _back(rollout: Rollout, now: datetime, why: str) -> Rollout:
    return _enter(rollout, "reverting" if rollout.moves_traffic else "undoing", now, why, 0.0)


def _enter(rollout: Rollout, phase: Phase, now: datetime, reason: str, share: float | None = None) -> Rollout:
    changes: dict[str, object] = {"phase": phase, "phase_at": now, "tries": 0, "reason": reason}
    changes |= {"good_since": None, "bad_since": None}
    if share is not None:
        changes["share"] = share
    return rollout.model_copy(update=changes)
