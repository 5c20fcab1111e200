"""Who waits to learn what became of a post, and how storing posts and hearing them share the time."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from pydantic import Field

from steadyhand.journey.rule import Value
from steadyhand.responder.alerts.gate import Gate

_MOST, _FEWEST = 500, 25  # alerts
_MOMENT_S, _BLINK_S = 0.05, 0.01  # of a round; the shorter one while posts keep coming
_BREATH_S, _LONGEST_REST_S = 0.002, 0.5
_REST = 4  # times as long as it worked, while posts keep coming: a fifth of the time is for hearing
_LULL_S = 0.05
_BURST_S, _GLANCE_S = 0.3, 0.01


class Taken(Value):
    """What became of a post."""

    receipt: int = Field(default=0, description="Its number, once it is stored.")
    heard: bool = Field(default=False, description="Whether it is known whose its alerts are.")
    incidents: tuple[str, ...] = ()
    alerts: int = Field(default=0, description="How many it held; all of them are stored.")
    silenced: int = Field(default=0, description="How many of them wake nobody now.")
    duplicate: bool = Field(default=False, description="The same post came before: counted once.")
    note: str = ""


class Pace:
    """How many alerts are heard in one transaction: others wait for the store no longer than a moment.

    A repeat costs little, an alert that changes an incident fifty times as much; so it follows what the last
    ones took.
    """

    def __init__(self) -> None:
        self.alerts = _MOST
        self.worked_s = 0.0
        self.waited = timedelta()

    @contextmanager
    def kept(self, *, yields: bool) -> Iterator[None]:
        """A round is heard."""
        began = time.monotonic()
        yield
        self.took(time.monotonic() - began, yields=yields)

    def took(self, worked_s: float, *, yields: bool = False) -> None:
        """A round of so many took this long, in seconds; one that yields has less time."""
        self.worked_s = worked_s
        moment = _BLINK_S if yields else _MOMENT_S
        fitting = self.alerts * moment / max(worked_s, moment / 2)
        self.alerts = round(min(max(fitting, self.alerts / 2, _FEWEST), _MOST))


class Ears:
    """One for a process. Used on its event loop only; other processes hear for themselves."""

    def __init__(self) -> None:
        self.pace = Pace()
        self.gate = Gate()
        self._asking: dict[int, asyncio.Future[Taken]] = {}
        self._hearing = False
        self._more = False
        self._began = 0.0
        self._knocking = 0
        self._came = -_LULL_S, -_LULL_S

    @contextmanager
    def knock(self) -> Iterator[None]:
        """A post is being stored: hearing leaves it room."""
        self._knocking += 1
        self._came = self._came[1], time.monotonic()
        try:
            yield
        finally:
            self._knocking -= 1

    @property
    def yields(self) -> bool:
        """Whether posts keep coming and hearing, which is not late, leaves them the time."""
        last_but_one, _ = self._came  # a post that comes alone is no burst
        pressed = self._knocking > 0 or time.monotonic() - last_but_one < _LULL_S
        return pressed and not self.gate.late

    @property
    def rest_s(self) -> float:
        """How long to leave the store and the processor to others between two rounds, in seconds."""
        longer = _REST * self.pace.worked_s if self.yields else 0
        return min(max(longer, _BREATH_S), _LONGEST_REST_S)

    def begin(self) -> bool:
        """Whether to begin hearing; where it is under way, whatever came meanwhile is heard as well."""
        self._more = self._hearing
        if self._hearing:
            return False
        self._hearing = True
        self._began = time.monotonic()
        return True

    async def turn(self) -> None:
        """Returns when a round may be heard. Until what waits is that old a burst has all the time."""
        while self.yields and time.monotonic() - self._began < _BURST_S:  # noqa: ASYNC110 - a lull has no event
            await asyncio.sleep(_GLANCE_S)

    def end(self) -> None:
        """Nothing is heard any more."""
        self._hearing = False
        self.gate.open()

    def goes_on(self) -> bool:
        """Whether a post came while it was found that none is left."""
        more, self._more = self._more, False
        return more

    def ask(self, receipt: int) -> "asyncio.Future[Taken]":
        """What this process will hear of a post that is not heard yet."""
        asked: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._asking[receipt] = asked
        asked.add_done_callback(lambda _: self._asking.pop(receipt, None))
        return asked

    def tell(self, heard: Sequence[Taken]) -> None:
        """These were heard in a round."""
        self.gate.heard(sum(one.alerts for one in heard), self.pace.waited)
        for one in heard:
            asked = self._asking.get(one.receipt)
            if asked is not None and not asked.done():
                asked.set_result(one)
