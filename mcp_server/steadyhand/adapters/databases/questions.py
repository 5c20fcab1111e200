"""Questions put to a database in turn within one deadline; what gets no answer is a gap in words."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from steadyhand.ports import SourceError

Found = TypeVar("Found")


class Questions:
    """Asks until `total_s` seconds are over. `gaps` grows as questions fail."""

    def __init__(self, total_s: float, gaps: Sequence[str] = ()) -> None:
        self.gaps = list(gaps)
        self._ends = time.monotonic() + total_s

    def ask(self, what: str, question: Callable[[], Found]) -> Found | None:
        """The answer, or nothing and a gap that names what was asked."""
        if time.monotonic() > self._ends:
            self.gaps.append(f"{what}: not asked, the time for the look is over")
            return None
        try:
            return question()
        except SourceError as error:
            self.gaps.append(f"{what}: {error.why}")
        return None
