"""One rollout as a state machine: what to do next, and what follows from what was seen.

| phase     | does                                                | then                                     |
|-----------|-----------------------------------------------------|------------------------------------------|
| preflight | finds nobody else there, and proves the way back    | preparing, or reverted untouched         |
| preparing | starts the fix beside the old version               | shifting                                 |
| shifting  | gives it its first share of traffic                 | watching                                 |
| watching  | renews the lease, judges every second               | promoting, asking, or reverting          |
| asking    | keeps the share and the judge; a human may answer   | promoting, shifting, or reverting        |
| promoting | gives it all traffic, old version warm              | verifying                                |
| applying  | runs a database fix, verified in place              | verifying                                |
| verifying | waits until the numbers have recovered              | settling, verified, reverting, undoing   |
| settling  | makes it permanent                                  | verified                                 |
| reverting | brings all traffic back                             | reverted, or stuck                       |
| undoing   | takes a database fix back                           | reverted, or stuck                       |

Every effect sets an absolute state and is looked at afterwards, so that each may be repeated after a crash.
"""

from datetime import datetime

from steadyhand.journey.remedy.model import Nothing, SetRelease, WayBack
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.model import Observed
from steadyhand.journey.rollout.state import OVER, Phase, Rollout, Seen
from steadyhand.journey.rollout.steps import back, enter, overdue, stuck
from steadyhand.journey.rollout.verifying import verified
from steadyhand.journey.rollout.watching import begin_watch, same_share, unseen, watched

_TRIES = 3
_UNTOUCHED: tuple[Phase, ...] = ("preflight", "preparing")


def start(given_id: str, plan: Plan, owner: str, now: datetime) -> Rollout:
    """A rollout at its first phase."""
    phase: Phase = "preflight" if isinstance(plan.fix.action, SetRelease) else "applying"
    return Rollout(
        id=given_id,
        incident=plan.incident,
        plan=plan,
        phase=phase,
        owner=owner,
        fence=_fence(now),
        phase_at=now,
    )


def resume(rollout: Rollout, owner: str, now: datetime) -> Rollout:
    """Another process takes over. A window that passed unobserved counts for nothing: observe anew."""
    mine = rollout.model_copy(
        update={"owner": owner, "tries": 0, "fence": max(rollout.fence + 1, _fence(now))}
    )
    if rollout.phase in ("shifting", "watching", "asking", "promoting") or (
        rollout.phase == "verifying" and rollout.moves_traffic
    ):
        fresh = mine.model_copy(update={"watch": None, "ask_until": None, "whole": None, "grade": ""})
        return enter(fresh, "preparing", now, "The controller restarted: observing a full new window.")
    return enter(mine, rollout.phase, now, rollout.reason)


def abort(rollout: Rollout, by: str, why: str, now: datetime) -> Rollout:
    """Take it back now. Nobody is asked; what is over or on its way back stays, what is stuck tries again."""
    if rollout.phase in ("verified", "reverted", "reverting", "undoing"):
        return rollout
    return back(rollout, now, f"Aborted by {by}: {why}")


def advance(rollout: Rollout, seen: Seen, now: datetime) -> Rollout:
    """The rollout after its phase's effect was seen."""
    done = rollout.model_copy(update={"tries": 0})
    match rollout.phase:
        case "preflight" | "preparing" | "shifting" | "promoting" | "settling" | "reverting":
            return _traffic(done, seen, now)
        case "watching" | "asking":
            return watched(done, seen, now)
        case "verifying":
            return verified(done, seen, now)
        case "applying" | "undoing":
            return _database(rollout, seen, now)
        case _:
            return rollout


def failed(rollout: Rollout, why: str, now: datetime) -> Rollout:
    """The phase's effect failed, or its outcome is unknown: try again, then go back, then call a human."""
    if rollout.phase in ("watching", "asking") and rollout.watch is not None:
        return unseen(rollout, why, now)
    after = rollout.model_copy(update={"tries": rollout.tries + 1, "reason": why})
    if after.tries < _TRIES:
        return after
    return _given_up(after, f"Gave up {rollout.phase} after {after.tries} tries: {why}", why, now)


def overtaken(rollout: Rollout, why: str, now: datetime) -> Rollout:
    """Somebody else holds or moved the target: it is theirs now, and people are told."""
    if rollout.phase in OVER:
        return rollout
    if rollout.phase in _UNTOUCHED:
        return enter(rollout, "reverted", now, f"Nothing was moved: {why}", 0.0)
    return stuck(rollout, now, f"Left alone, since it is in another hand: {why}")


def _given_up(rollout: Rollout, turned: str, why: str, now: datetime) -> Rollout:
    if rollout.phase in ("reverting", "undoing"):
        return stuck(rollout, now, f"Could not be taken back: {why}")
    return back(rollout, now, turned)


def _traffic(rollout: Rollout, seen: Seen, now: datetime) -> Rollout:
    """Phases that are over when the target shows what was asked for."""
    if seen.observed is None or not _reached(rollout, seen.observed):
        return _waited(rollout, now)
    if rollout.phase == "shifting":
        return begin_watch(rollout, seen.arms, now)
    return _next(rollout, seen, now)


def _next(rollout: Rollout, seen: Seen, now: datetime) -> Rollout:
    match rollout.phase:
        case "preflight":
            known = rollout.model_copy(update={"by_hand": seen.by_hand, "phi": seen.phi})
            return enter(known, "preparing", now, "Nobody else is there, and the way back works.")
        case "preparing":
            share = rollout.plan.canary.share
            return enter(rollout, "shifting", now, "The fix runs beside the old version.", share)
        case "promoting":
            return enter(rollout, "verifying", now, "All traffic is on the fix; waiting for recovery.", 1.0)
        case "settling":
            return enter(rollout, "verified", now, rollout.reason, 0.0)
        case _:
            return enter(rollout, "reverted", now, rollout.reason, 0.0)


def _waited(rollout: Rollout, now: datetime) -> Rollout:
    if not overdue(rollout, now):
        return rollout
    why = "it never came about"
    return _given_up(rollout, f"Gave up {rollout.phase}: {why}", why, now)


def _reached(rollout: Rollout, observed: Observed) -> bool:
    version, before = _release(rollout.plan.fix.action), _release(rollout.plan.fix.rollback)
    match rollout.phase:
        case "preparing":
            return observed.canary_version == version and observed.canary_ready >= observed.stable_ready
        case "shifting" | "promoting":
            return same_share(rollout, observed)
        case "settling":
            return observed.stable_version == version and observed.share == 0
        case _:
            return observed.share == 0 and (not rollout.settled or observed.stable_version == before)


def _release(action: WayBack) -> str:
    return action.version if isinstance(action, SetRelease) else ""


def _database(rollout: Rollout, seen: Seen, now: datetime) -> Rollout:
    fix = rollout.plan.fix
    if rollout.phase == "undoing" and isinstance(fix.rollback, Nothing):
        return enter(rollout, "reverted", now, f"{rollout.reason} Nothing is taken back: {fix.rollback.why}")
    if seen.effect == "under way":
        return rollout.model_copy(update={"by_hand": seen.by_hand or rollout.by_hand})
    known = rollout.model_copy(update={"by_hand": seen.by_hand or rollout.by_hand})
    if seen.effect != "done":
        return failed(known, f"it is {seen.effect or 'unknown'} in the database", now)
    if rollout.phase == "applying":
        return enter(known, "verifying", now, "It is done and verified in place; waiting for recovery.")
    return enter(known, "reverted", now, rollout.reason)


def _fence(now: datetime) -> int:
    """Milliseconds: later than those of every rollout before, on any service."""
    return int(now.timestamp() * 1000)
