"""Quiet hours in both nights in which the clocks change, with answers in any order, against single minutes.

The model reads a clock on a wall in Berlin, minute by minute, and knows which minutes are quiet. What may
wait rings when they end, and its times begin then; what may not wait rings at once.
"""

from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from journey.incident_case import alert

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.contact import Contact, NamedPerson
from steadyhand.journey.escalation.hours import QuietHours
from steadyhand.journey.escalation.ladder import Ladder, Tier
from steadyhand.journey.escalation.people import PersonRule
from steadyhand.journey.incident.state import Acknowledged, AlertsSeen, SeverityChanged, Snoozed
from stories.paged_world import MINUTE, World, policy

BERLIN = ZoneInfo("Europe/Berlin")
STARTS = time(22)
ENDS = (time(7), time(2, 30))  # spring leaves out the second, autumn gives it twice
NIGHTS = (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC))
WAITS, PATIENCE, REMIND = (50, 35), 20, 45
NAMES = ("ana", "bo")
WAYS = ("phone", "sms")


@cache
def heard(noon: datetime, ends: time) -> tuple[datetime, ...]:
    """For each minute of four days from a noon on: when a message of then may be heard."""
    quiet, silent = False, []
    for number in range(4 * 24 * 60):
        on_the_wall = (noon + number * MINUTE).astimezone(BERLIN).time()
        quiet = on_the_wall >= STARTS or (quiet and on_the_wall < ends)
        silent.append(quiet)
    found, loud = [], noon + len(silent) * MINUTE
    for number in reversed(range(len(silent))):
        loud = loud if silent[number] else noon + number * MINUTE
        found.append(loud)
    return tuple(reversed(found))


def ladder(ends: time) -> Ladder:
    return Ladder(
        tiers=tuple(
            Tier(name=name, contacts=(NamedPerson(person=name),), escalate_after=wait * MINUTE)
            for name, wait in zip(NAMES, WAITS, strict=True)
        ),
        repeat=0,
        last_resort=(NamedPerson(person="bo"),),
        people=tuple(
            PersonRule(
                name=name,
                contacts=tuple(Contact(type=way, user=name) for way in WAYS),
                next_after=PATIENCE * MINUTE,
            )
            for name in NAMES
        ),
        remind_every=REMIND * MINUTE,
        quiet_hours=QuietHours(time_zone="Europe/Berlin", starts=STARTS, ends=ends),
    )


class QuietNights(RuleBasedStateMachine):
    """What the world does beside what the model says it should."""

    @initialize(
        noon=st.sampled_from(NIGHTS),
        hours=st.sampled_from([3, 9, 11, 12, 13, 14, 18]),
        ends=st.sampled_from(ENDS),
        severity=st.sampled_from(["SEV4", "SEV3", "SEV2"]),
        grave=st.booleans(),
    )
    def it_fires(self, noon: datetime, hours: int, ends: time, severity: Severity, grave: bool) -> None:  # noqa: FBT001 - drawn
        self.noon, self.ends, self.severity = noon, ends, severity
        self.now = noon + timedelta(hours=hours)
        self.world = World(self.now, ladder(ends), severity)
        self.rang: list[tuple[datetime, str]] = []
        self.waits: list[tuple[datetime, str]] = []  # written, and not heard yet
        self.clocks: dict[str, datetime] = {}
        self.rung, self.had = 0, False
        self.call()
        if grave:
            self.a_person_says_that_it_is_grave()

    # the model

    @property
    def lenient(self) -> bool:
        return self.severity in ("SEV3", "SEV4")

    def audible(self) -> datetime:
        minute = (self.now - self.noon) // MINUTE
        return heard(self.noon, self.ends)[minute] if self.lenient else self.now

    def ring(self, way: str) -> None:
        self.waits.append((self.audible(), f"{way} {self.who}"))

    @property
    def who(self) -> str:
        return (*NAMES, "bo")[self.rung]

    def call(self) -> None:
        """This rung by the first way; then its own time runs, and that of the first way, once it is heard."""
        self.ring("phone")
        last = self.rung == len(NAMES)
        wait = (REMIND if not self.lenient else 0) if last else WAITS[self.rung]
        self.clocks = {"way": self.audible() + PATIENCE * MINUTE}
        if wait:
            self.clocks["rung"] = self.audible() + wait * MINUTE

    def runs_out(self, which: str) -> None:
        del self.clocks[which]
        if which == "way":
            self.ring("sms")
            return
        self.had = False
        self.rung = min(self.rung + (which == "rung"), len(NAMES))
        self.call()

    def leave(self, until: datetime) -> None:
        self.rang += [(at, way) for at, way in self.waits if at <= until]
        self.waits = [(at, way) for at, way in self.waits if at > until]

    # what may happen

    @rule(minutes=st.sampled_from([0, 1, 10, 20, 35, 50]))
    def a_while_passes(self, minutes: int) -> None:
        self.passes(minutes * MINUTE)

    @rule(hours=st.sampled_from([1, 3, 5, 10]))
    def hours_pass(self, hours: int) -> None:
        self.passes(timedelta(hours=hours))

    def passes(self, span: timedelta) -> None:
        end = min(self.now + span, self.noon + timedelta(hours=60))
        self.world.passes(end - self.world.now)
        while self.clocks and min(self.clocks.values()) <= end:
            which = min(self.clocks, key=lambda one: (self.clocks[one], one))
            self.now = self.clocks[which]
            self.runs_out(which)
        self.now = end
        self.leave(end)

    @rule(by=st.sampled_from([*NAMES, "zed"]), twice=st.booleans())
    def somebody_acknowledges(self, by: str, twice: bool) -> None:  # noqa: FBT001 - drawn
        for _ in range(1 + twice):
            self.world.happens(Acknowledged(by=by, via="test"))
        self.leave(self.now)
        if not self.had:
            self.had, self.clocks, self.waits = True, {}, []

    @rule(minutes=st.sampled_from([5, 60, 400]))
    def somebody_puts_it_off(self, minutes: int) -> None:
        until = self.now + minutes * MINUTE
        self.world.happens(Snoozed(by="ana", via="test", until=until))
        self.leave(self.now)
        self.had, self.clocks, self.waits = True, {"snooze": until}, []

    @rule(times=st.integers(1, 3))
    def the_alert_says_it_again(self, times: int) -> None:
        for _ in range(times):
            self.world.happens(AlertsSeen(alerts=(alert(),)))

    @rule()
    def a_person_says_that_it_is_grave(self) -> None:
        """Whoever has it keeps it; else it begins anew, and rings through the quiet."""
        self.leave(self.now)
        grave = SeverityChanged(
            severity="SEV1", why="data", by="di", kind="human", via="test", policy=policy(ladder(self.ends))
        )
        self.world.happens(grave)
        if self.severity != "SEV1":
            self.severity, self.rung = "SEV1", 0
            if not self.had:
                self.waits = []
                self.call()
                self.leave(self.now)

    @invariant()
    def exactly_those_rang_at_those_instants(self) -> None:
        self.leave(self.now)
        assert self.world.rang == self.rang


QuietNights.TestCase.settings = settings(max_examples=200, stateful_step_count=12, deadline=None)
TestQuietNights = QuietNights.TestCase
