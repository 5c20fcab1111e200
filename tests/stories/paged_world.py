"""One incident with its clocks and its mail, as pure code sees them: for models of who must be rung when."""

from datetime import datetime, timedelta

from journey.incident_case import alert

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.commands import Arm, Command, Disarm, Send, Unsend
from steadyhand.journey.escalation.ladder import Ladder, SeverityTreatment
from steadyhand.journey.incident.clocks import run_out
from steadyhand.journey.incident.open import open_incident
from steadyhand.journey.incident.reduce import reduce
from steadyhand.journey.incident.state import Event, MessageFailed, Policy
from steadyhand.responder.rules import Rules

MINUTE = timedelta(minutes=1)
_OURS = ("escalate", "resume", "reach")


def policy(ladder: Ladder) -> Policy:
    """This ladder, climbed by itself; all else as shipped."""
    rules = Rules()
    return Policy(
        ladder=ladder,
        treatment=SeverityTreatment(auto_escalate=True),
        approval=rules.approval,
        relapse=rules.recovery.relapse,
    )


class World:
    """A timer fires at its instant; a message leaves at once, or when quiet hours and its channel let it."""

    def __init__(self, now: datetime, ladder: Ladder, severity: Severity = "SEV2") -> None:
        self.now = now
        self.timers: dict[str, Arm] = {}
        self.known: set[str] = set()  # keys, of what was taken back too
        self.waiting: dict[str, Send] = {}
        self.sent: dict[str, Send] = {}
        self.left: dict[str, datetime] = {}
        self.down: set[str] = set()  # channels that take nothing for now
        self.incident, asked = open_incident("inc-1", alert(), (severity, "test"), policy(ladder), now)
        self._obey(asked)

    def happens(self, event: Event) -> None:
        self.incident, asked = reduce(self.incident, event, self.now)
        self._obey(asked)

    def fails(self, key: str) -> None:
        """The channel says of a message that left that it will not arrive."""
        one = self.sent[key]
        words = one.model_dump(include={"key", "channel", "target", "subject", "body"})
        self.happens(MessageFailed(**words, why="no such number"))

    @property
    def rang(self) -> list[tuple[datetime, str]]:
        """When which way rang, in order: pages, and nothing else that was sent."""
        pages = (self.sent[key] for key in self.sent if ":page:" in key)
        return [(self.left[one.key], f"{one.channel} {one.target}") for one in pages]

    def breaks(self, channel: str) -> None:
        """What is sent by it waits, until it works again."""
        self.down ^= {channel}
        self._deliver()

    def _obey(self, asked: tuple[Command, ...]) -> None:
        for one in asked:
            match one:
                case Arm():
                    self.timers[one.key] = one
                case Disarm():
                    self.timers = {k: t for k, t in self.timers.items() if t.kind not in one.kinds}
                case Send() if one.key not in self.known:  # a known key is there already
                    self.known.add(one.key)
                    self.waiting[one.key] = one
                case Unsend():
                    back = {k for k, m in self.waiting.items() if ":page:" in k and _meant(one, m)}
                    self.waiting = {k: m for k, m in self.waiting.items() if k not in back}
                case _:
                    pass
        self._deliver()

    def _deliver(self) -> None:
        for key, one in [*self.waiting.items()]:
            if one.channel not in self.down and (one.not_before or self.now) <= self.now:
                del self.waiting[key]
                self.sent[key] = one
                self.left[key] = self.now

    def passes(self, span: timedelta, *, asleep: bool = False) -> None:
        """Each timer fires at its instant; after a sleep, late, all at the end."""
        end = self.now + span
        if asleep:
            self.now = end
            self._deliver()
        while (at := self._next()) is not None and at <= end:
            self.now = max(self.now, at)
            self._deliver()
            self._fire()
        self.now = end
        self._deliver()

    def _next(self) -> datetime | None:
        up = (one for one in self.waiting.values() if one.channel not in self.down)
        leaving = (one.not_before for one in up if one.not_before is not None)
        return min((*(one.due_at for one in self._clocks()), *leaving), default=None)

    def _fire(self) -> None:
        due = [one for one in self._clocks() if one.due_at <= self.now]
        if due:
            timer = min(due, key=lambda one: (one.due_at, one.key))
            del self.timers[timer.key]
            event = run_out(timer.kind, timer.payload, timer.due_at)
            assert event is not None
            self.happens(event)

    def _clocks(self) -> list[Arm]:
        return [one for one in self.timers.values() if one.kind in _OURS]


def _meant(command: Unsend, message: Send) -> bool:
    return not command.ways or (message.channel, message.target) in command.ways
