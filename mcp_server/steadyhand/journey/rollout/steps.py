"""From one phase to the next."""

from datetime import datetime, timedelta

from steadyhand.journey.rollout.state import Phase, Rollout

_PATIENCE = timedelta(seconds=90)


def enter(rollout: Rollout, phase: Phase, now: datetime, reason: str, share: float | None = None) -> Rollout:
    """The rollout at the beginning of this phase, with this share from now on where one is given."""
    changes: dict[str, object] = {"phase": phase, "phase_at": now, "tries": 0, "reason": reason}
    changes |= {"good_since": None, "good_samples": 0, "bad_since": None}
    if share is not None:
        changes["share"] = share
    return rollout.model_copy(update=changes)


def back(rollout: Rollout, now: datetime, why: str) -> Rollout:
    """On its way back, whatever it was doing."""
    return enter(rollout, "reverting" if rollout.moves_traffic else "undoing", now, why, 0.0)


def stuck(rollout: Rollout, now: datetime, why: str) -> Rollout:
    """Over, and not well: a human has to act, and is told how."""
    hint = f" By hand: {rollout.by_hand}" if rollout.by_hand else ""
    return enter(rollout, "stuck", now, f"{why}.{hint}")


def overdue(rollout: Rollout, now: datetime) -> bool:
    """Whether the phase has waited for longer than any target takes."""
    return now - rollout.phase_at > _PATIENCE
