"""Any order of alerts, answers, snoozes, hand-overs and jumps of the clock, against a model of few lines.

The model knows one thing: since when which rung has waited for an answer. Held after every step: exactly
the rungs it says were told, in its order, each by one message; nobody is told while somebody has it.
"""

from datetime import datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from journey.incident_case import NOW, alert

from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Ladder, Tier
from steadyhand.journey.escalation.people import Reach
from steadyhand.journey.incident.state import Acknowledged, AlertsSeen, Reassigned, Snoozed, TierSilent
from stories.paged_world import MINUTE, World

WAITS = (5, 10, 20)
NAMES = ("ana", "bo", "cy")
UNACK = 45 * MINUTE
REMIND = 40 * MINUTE
LADDER = Ladder(
    tiers=tuple(
        Tier(name=name, contacts=(Contact(type="phone", user=name),), escalate_after=wait * MINUTE)
        for name, wait in zip(NAMES, WAITS, strict=True)
    ),
    repeat=1,
    last_resort=(Contact(type="phone", user="all"),),
    unack_after=UNACK,
    remind_every=REMIND,
)
RUNGS = [*NAMES, *NAMES, "all"]


class Ladders(RuleBasedStateMachine):
    """What the world does beside what the model says it should."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(NOW, LADDER)
        self.told = [RUNGS[0]]
        self.rung = 0
        self.since: datetime | None = NOW  # the rung waits since then; None while somebody has it
        self.quiet_until: datetime | None = None

    # the model

    def _model_passes(self, start: datetime, end: datetime, *, asleep: bool) -> None:
        while (at := self._next()) is not None and at <= end:
            when = end if asleep else max(start, at)
            if self.since is None:
                self.quiet_until = None
            else:
                self.rung = min(self.rung + 1, len(RUNGS) - 1)  # after the last resort it is told again
            self.told.append(RUNGS[self.rung])
            self.since = when

    def _next(self) -> datetime | None:
        if self.since is None:
            return self.quiet_until
        return self.since + (WAITS[self.rung % 3] * MINUTE if self.rung + 1 < len(RUNGS) else REMIND)

    # what may happen

    @rule(
        minutes=st.sampled_from([0, 1, 4, 5, 6, 9, 10, 19, 20, 44, 45, 46, 200, 3000]), asleep=st.booleans()
    )
    def time_passes(self, minutes: int, asleep: bool) -> None:  # noqa: FBT001 - drawn
        start = self.world.now
        self.world.passes(minutes * MINUTE, asleep=asleep)
        self._model_passes(start, self.world.now, asleep=asleep)

    @rule(by=st.sampled_from(NAMES))
    def somebody_acknowledges(self, by: str) -> None:
        self.world.happens(Acknowledged(by=by, via="test"))
        snoozed = self.since is None and self.world.incident.snoozed
        self.since = None
        if not snoozed:
            self.quiet_until = self.world.now + UNACK

    @rule(minutes=st.integers(-5, 90))
    def somebody_snoozes(self, minutes: int) -> None:
        until = self.world.now + minutes * MINUTE
        self.world.happens(Snoozed(by="ana", via="test", until=until))
        if minutes > 0:
            self.since, self.quiet_until = None, until

    @rule(to=st.sampled_from(["di", "ed"]), by=st.sampled_from(["ana", "di"]))
    def it_is_given_away(self, to: str, by: str) -> None:
        reach = Reach(who=to, contacts=(Contact(type="phone", user=to),))
        self.world.happens(Reassigned(by=by, via="test", to=reach))
        if to == by:
            self.since, self.quiet_until = None, self.world.now + UNACK
        else:
            self.told.append(to)
            self.since, self.quiet_until = self.world.now, None

    @rule(times=st.integers(1, 5))
    def the_alert_says_it_again(self, times: int) -> None:
        for _ in range(times):
            self.world.happens(AlertsSeen(alerts=(alert(),)))

    @rule(rung=st.integers(0, 7))
    def a_clock_of_before_comes_late(self, rung: int) -> None:
        if rung != self.rung:
            self.world.happens(TierSilent(rung=rung, due_at=self.world.now))

    # what must hold

    @invariant()
    def exactly_those_were_told_in_that_order(self) -> None:
        assert [one.target for one in self.world.sent.values()] == self.told

    @invariant()
    def both_agree_on_whether_somebody_has_it(self) -> None:
        assert bool(self.world.incident.acked_by) == (self.since is None)


Ladders.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLadders = Ladders.TestCase
