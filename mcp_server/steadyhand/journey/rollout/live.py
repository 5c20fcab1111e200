"""A rollout as people watch it: share, both arms, interval, verdict, seconds left. The same at every door."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from steadyhand.journey.rollout.model import Figures, Hold
from steadyhand.journey.rollout.state import OVER, Phase, Rollout
from steadyhand.journey.rollout.words import interval, named
from steadyhand.journey.rule import Share, Value

Until = Literal["", "until the soak ends", "until a human is asked", "for your answer", "of holding"]


class Live(Value):
    """Where a rollout stands at one instant."""

    rollout: str
    phase: Phase
    over: bool
    share: Share = Field(description="What the fix is given now.")
    reason: str
    verdict: str = Field(description="The judge's, by name; empty before it was asked.")
    figures: Figures | None
    words: str = Field(description="Ratio, interval and the counts of both arms, in words.")
    seconds_left: int | None = None
    until: Until = ""
    widen: tuple[Share, ...] = Field(default=(), description="More share that a human may choose now.")

    @property
    def line(self) -> str:
        """All of it in one line."""
        left = "" if self.seconds_left is None else f", {self.seconds_left} s {self.until}"
        judged = f" | {self.verdict}" if self.verdict else ""
        seen = f" | {self.words}" if self.words else f" | {self.reason}"
        return f"{self.phase} {self.share:.0%}{left}{judged}{seen}"


def live(rollout: Rollout, now: datetime) -> Live:
    """The rollout as it is watched at this instant."""
    left, until = _left(rollout, now)
    verdict = rollout.verdict
    return Live(
        rollout=rollout.id,
        phase=rollout.phase,
        over=rollout.phase in OVER,
        share=1.0 if rollout.phase == "verified" else rollout.share,
        reason=rollout.reason,
        verdict=rollout.grade or (named(verdict) if verdict else ""),
        figures=verdict.figures if verdict else None,
        words=interval(verdict.figures) if verdict else "",
        seconds_left=None if left is None else max(0, round(left.total_seconds())),
        until=until,
        widen=_wider(rollout),
    )


def _left(rollout: Rollout, now: datetime) -> tuple[timedelta | None, Until]:
    verdict = rollout.verdict
    if rollout.phase == "asking" and rollout.ask_until is not None:
        return rollout.ask_until - now, "for your answer"
    if rollout.phase == "watching" and isinstance(verdict, Hold):
        until: Until = "until the soak ends" if verdict.name == "watching" else "until a human is asked"
        return timedelta(seconds=verdict.seconds_left), until
    if rollout.phase == "verifying" and rollout.good_since is not None:
        return rollout.plan.recovery.hold - (now - rollout.good_since), "of holding"
    return None, ""


def _wider(rollout: Rollout) -> tuple[float, ...]:
    if rollout.phase not in ("watching", "asking"):
        return ()
    return tuple(one for one in rollout.plan.canary.wider if one > rollout.share)
