"""What the worker of this process did last, for the health door."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime

from steadyhand.store import Timer

_KEPT = 1000


class Pulse:
    """How late timers woke, and when the loop last went round. Written by one worker, read by anybody."""

    def __init__(self) -> None:
        self.turned_at: datetime | None = None
        self._late: deque[float] = deque(maxlen=_KEPT)

    def woke(self, timers: Sequence[Timer], now: datetime) -> None:
        """These were claimed now."""
        self._late.extend(max((now - one.due_at).total_seconds(), 0.0) for one in timers)

    def lateness(self, share: float) -> float:
        """Seconds that this share (0 to 1) of the last 1000 timers did not exceed; 0 before the first one."""
        ordered = sorted(self._late)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0
