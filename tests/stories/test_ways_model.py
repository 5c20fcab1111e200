"""Steps that want two answers, people with several ways, ways that fail: any order, against a simple model.

The model keeps a sheet for each person of the present step: which of their ways comes next and when, whether
they answered, whether no way is left. Held after every event: exactly the ways it says rang, at its instants.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from journey.incident_case import NOW, alert

from steadyhand.journey.escalation.contact import Contact, NamedPerson
from steadyhand.journey.escalation.ladder import Ladder, Tier
from steadyhand.journey.escalation.people import PersonRule
from steadyhand.journey.incident.state import Acknowledged, AlertsSeen, ContactSilent
from stories.paged_world import MINUTE, World

WAYS = {"ana": ("phone", "sms", "mail"), "bo": ("sms", "phone"), "cy": ("phone",), "lead": ("phone", "sms")}
PATIENCE = {"ana": 3, "bo": 4, "cy": 2, "lead": 6}
Steps = tuple[tuple[Literal["all", "any"], tuple[str, ...], int, int], ...]
STEPS: Steps = (
    ("all", ("ana", "bo", "cy"), 2, 23),
    ("any", ("bo", "ana"), 2, 17),
    ("any", ("cy", "lead"), 1, 11),
)
LAST, UNACK, REMIND = ("lead", "ana"), 45, 41
ROUNDS = len(STEPS) * 2


def _named(*names: str) -> tuple[NamedPerson, ...]:
    return tuple(NamedPerson(person=one) for one in names)


def ladder(steps: Steps) -> Ladder:
    return Ladder(
        tiers=tuple(
            Tier(
                name=f"step {number}",
                notify=notify,
                contacts=_named(*names),
                acknowledgements=needed,
                escalate_after=after * MINUTE,
            )
            for number, (notify, names, needed, after) in enumerate(steps)
        ),
        repeat=1,
        last_resort=_named(*LAST),
        people=tuple(
            PersonRule(
                name=name,
                contacts=tuple(Contact(type=way, user=name) for way in ways),
                next_after=PATIENCE[name] * MINUTE,
            )
            for name, ways in WAYS.items()
        ),
        unack_after=UNACK * MINUTE,
        remind_every=REMIND * MINUTE,
    )


@dataclass
class Sheet:
    """One person of the present step."""

    rung: list[str] = field(default_factory=list)  # ways that were tried, in order
    failed: set[str] = field(default_factory=set)  # of them, those that did not get through
    due: datetime | None = None
    done: bool = False  # answered, or no way is left


@dataclass
class Model:
    """Who must be rung: nothing here is known of timers, keys or commands."""

    now: datetime
    steps: Steps
    step: int = 0
    call: int = 0  # each calling of a step has its own messages
    sheets: dict[str, Sheet] = field(default_factory=dict)
    reserve: list[str] = field(default_factory=list)
    answers: set[str] = field(default_factory=set)
    since: datetime = NOW
    held_until: datetime | None = None  # somebody has it until then
    rang: list[tuple[datetime, str]] = field(default_factory=list)
    sent: list[tuple[int, str, str]] = field(default_factory=list)  # call, person, way
    left: list[tuple[int, str, str]] = field(default_factory=list)  # in the order in which they rang
    waits: list[tuple[int, str, str]] = field(default_factory=list)
    down: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Call the present step."""
        notify, names, _, _ = self.rule
        self.call, self.since, self.sheets = self.call + 1, self.now, {}
        first = names if notify == "all" else names[:1]
        self.reserve = [one for one in names if one not in first]
        for one in first:
            self.ring(one)

    @property
    def rule(self) -> tuple[str, tuple[str, ...], int, int]:
        return self.steps[self.step % len(STEPS)] if self.step < ROUNDS else ("all", LAST, 1, REMIND)

    def ring(self, who: str) -> None:
        """By their next way; then their time runs, if anything would follow it."""
        sheet = self.sheets.setdefault(who, Sheet())
        self.leave(self.call, who, WAYS[who][len(sheet.rung)])
        sheet.rung.append(WAYS[who][len(sheet.rung)])
        follows = len(sheet.rung) < len(WAYS[who]) or self.reserve
        sheet.due = self.now + PATIENCE[who] * MINUTE if follows else None

    def leave(self, call: int, who: str, way: str) -> None:
        if (call, who, way) not in self.sent:
            self.sent.append((call, who, way))
            self.waits.append((call, who, way))
            self.deliver()

    def deliver(self) -> None:
        ready = [one for one in self.waits if one[2] not in self.down]
        self.waits = [one for one in self.waits if one not in ready]
        self.left += ready
        self.rang += [(self.now, f"{way} {who}") for _, who, way in ready]

    def next_due(self) -> tuple[datetime, str] | None:
        """What runs out next; before people's times that of the step, which ends them."""
        if self.held_until is not None:
            return self.held_until, ""
        over = self.since + self.rule[3] * MINUTE
        people = ((one.due, who) for who, one in self.sheets.items() if one.due and not one.done)
        return min([(over, ""), *people])

    def runs_out(self, who: str) -> None:
        if self.held_until is not None:
            self.held_until, self.answers = None, set()
            self.begin()
        elif not who:
            self.climb()
        else:
            self.sheets[who].due = None
            if len(self.sheets[who].rung) < len(WAYS[who]):
                self.ring(who)
            else:
                self.somebody_else()

    def climb(self) -> None:
        self.step = min(self.step + 1, ROUNDS)
        self.begin()

    def somebody_else(self) -> None:
        """Whoever stands in; where there is nobody and nobody is left to answer, the next step."""
        if self.reserve:
            self.ring(self.reserve.pop(0))
        elif all(one.done for one in self.sheets.values()) and self.step < ROUNDS:
            self.climb()

    def acknowledges(self, who: str) -> None:
        if self.held_until is None:
            self.answers.add(who)
            self.waits = [one for one in self.waits if one[1] != who]
            if len(self.answers) < self.rule[2]:
                if who in self.sheets and not self.sheets[who].done:
                    self.sheets[who].done = True
                    if all(one.done for one in self.sheets.values()):
                        self.somebody_else()
                return
            self.waits = []
        self.held_until = self.now + UNACK * MINUTE

    def fails(self, call: int, who: str, way: str) -> None:
        """At once by the way after it. Of a step that is over, by that person's own ways only."""
        later = WAYS[who][WAYS[who].index(way) + 1 :]
        sheet = self.sheets.get(who) if call == self.call else None
        if self.held_until is not None or (sheet and sheet.done):
            return
        if sheet is None:
            self.leave(call, who, later[0]) if later else None
            return
        sheet.failed.add(way)
        if later and later[0] not in sheet.rung:
            self.ring(who)
        elif sheet.failed == {*WAYS[who]}:
            sheet.done = True
            if self.reserve or all(one.done for one in self.sheets.values()):
                self.somebody_else()


class Ways(RuleBasedStateMachine):
    """What the world does beside what the model says it should."""

    @initialize(first=st.sampled_from(range(len(STEPS))))
    def it_fires(self, first: int) -> None:
        steps = (*STEPS[first:], *STEPS[:first])
        self.world, self.model = World(NOW, ladder(steps)), Model(NOW, steps)
        self.model.begin()
        self.failed: set[str] = set()

    @rule(minutes=st.sampled_from([1, 2, 3, 4, 7, 11, 23, 200]), asleep=st.booleans())
    def time_passes(self, minutes: int, asleep: bool) -> None:  # noqa: FBT001 - drawn
        end = self.world.now + minutes * MINUTE
        self.world.passes(minutes * MINUTE, asleep=asleep)
        while (found := self.model.next_due()) is not None and found[0] <= end:
            self.model.now = end if asleep else max(self.model.now, found[0])
            self.model.runs_out(found[1])
        self.model.now = end

    @rule(minutes=st.sampled_from([1, 5, 30]))
    def the_clock_is_set_back(self, minutes: int) -> None:
        self.world.now -= minutes * MINUTE
        self.model.now = self.world.now

    @rule(who=st.sampled_from([*WAYS, "zed"]), twice=st.booleans())
    def somebody_acknowledges(self, who: str, twice: bool) -> None:  # noqa: FBT001 - drawn
        for _ in range(1 + twice):
            self.world.happens(Acknowledged(by=who, via="test"))
            self.model.acknowledges(who)

    @precondition(lambda self: self.failed != set(self.world.sent))
    @rule(back=st.integers(1, 4), twice=st.booleans())
    def a_message_turns_out_not_to_arrive(self, back: int, twice: bool) -> None:  # noqa: FBT001 - drawn
        open_ = [one for one in self.world.sent if one not in self.failed]
        key = open_[-min(back, len(open_))]
        self.failed.add(key)
        for _ in range(1 + twice):
            self.world.fails(key)
        self.model.fails(*self.model.left[list(self.world.sent).index(key)])

    @rule(channel=st.sampled_from(WAYS["ana"]))
    def a_channel_breaks_or_works_again(self, channel: str) -> None:
        self.world.breaks(channel)
        self.model.down ^= {channel}
        self.model.deliver()

    @rule(step=st.integers(0, ROUNDS), who=st.sampled_from([*WAYS]))
    def the_alert_says_it_again_and_a_clock_of_another_step_comes_late(self, step: int, who: str) -> None:
        self.world.happens(AlertsSeen(alerts=(alert(), alert())))
        if step != self.model.step:
            self.world.happens(ContactSilent(rung=step, who=who, tried=1, due_at=self.world.now))

    @invariant()
    def exactly_those_rang_at_those_instants(self) -> None:
        assert self.world.rang == self.model.rang

    @invariant()
    def both_agree_on_whether_somebody_has_it(self) -> None:
        assert bool(self.world.incident.acked_by) == (self.model.held_until is not None)


Ways.TestCase.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)
TestWays = Ways.TestCase
