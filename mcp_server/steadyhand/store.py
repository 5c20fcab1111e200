"""What the store must offer. One transaction holds everything that must be true together."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar

from pydantic import Field

from steadyhand.journey.alert.heartbeat import Pulse
from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.audit.rule import Unsealed
from steadyhand.journey.commands import Act, Arm, Command, Record, Send, TimerKind
from steadyhand.journey.escalation.delivery import Receipt
from steadyhand.journey.escalation.handmade import ShiftChange
from steadyhand.journey.evidence.masking import Vault
from steadyhand.journey.evidence.model import Change, Window
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.memory.case import Case
from steadyhand.journey.rollout.state import Rollout
from steadyhand.journey.rule import Instant, Value
from steadyhand.store_alerts import Alerts, Backlog, Posts

DocumentKind = Literal["enrichment", "page", "diagnosis", "opinion", "plan", "report", "judgement"]
Arrival = Literal["delivered", "seen", "failed"]
Ending = Literal["failed", "unknown", "cancelled"]
Body = TypeVar("Body", bound=Value)
Way = tuple[str, str]
"""Channel and target."""


class Timer(Value):
    """A timer this process holds the lease of; `epoch` fences off a process that lost it.

    `incident` is "" for one that belongs to none.
    """

    key: str
    incident: str
    kind: TimerKind
    epoch: int
    due_at: Instant
    attempts: int
    payload: dict[str, str]


class Message(Value):
    """A message this process holds the lease of; `incident` is "" for one that belongs to none."""

    key: str
    incident: str
    channel: str
    target: str
    subject: str
    body: str
    attempts: int
    act: Act = "page"
    severity: str = ""
    thread: str = ""
    queued_at: Instant
    lost: bool = Field(default=False, description="Its incident knows that it comes too late.")
    error: str = Field(default="", description="What became of an earlier try, where one came to an end.")
    first: str = Field(default="", description="Receipt of the first of its thread to the same receiver.")


class Ring(Value):
    """A telephone rang, about these incidents; `message` is the first of those that left as one."""

    message: str
    attempt: int
    way: Way
    at: Instant
    incidents: frozenset[str]


class Cry(Value):
    """A call for help, as it is sent by one way."""

    key: str
    channel: str
    target: str
    incident: str
    queued_at: Instant
    lost: bool = Field(description="It woke nobody, or comes too late.")


class Person(Value):
    """Somebody who can sign in. The PIN is stored only as a salted hash."""

    name: str
    role: str
    pin_hash: str
    wrong: int = 0
    locked_until: Instant


class Figures(Value):
    """How well promises are kept: what the health door shows of the store."""

    overdue: timedelta
    dead_timers: int
    dead_messages: int
    processes: int
    backlog: Backlog = Backlog()


def told(action: str, message: Message, **more: str) -> Record:
    """The line of the trail about one try of a message: whom, by what, and what came of it."""
    tried = {"try": str(message.attempts), "subject": message.subject}
    whom = {"channel": message.channel, "target": message.target, "message": message.key}
    return Record(action=action, body={**whom, **tried, **more})


class Trail(Protocol):
    """The audit trail inside one transaction. Raises LedgerError."""

    def foresee(self, chains: Collection[str]) -> None:
        """Read at once where the chains of these incidents end: each will get a line."""
        ...

    def rows(self, chain: str | None = None, after: int | None = None) -> Iterator[Mapping[str, Any]]:
        """Rows as they were hashed, in their order: all of them or one chain, those after a number."""
        ...

    def people(self, tokens: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """The salt and the name behind each of these tokens; none for a person who was erased."""
        ...

    def erase(self, name: str, record: Record, now: datetime) -> bool:
        """Forget whose token is whose; False for a name that no row holds."""
        ...

    def unsealed(self) -> Unsealed: ...
    def joint(self) -> dict[str, Any] | None:
        """The newest joint."""
        ...

    def join(self, now: datetime, *also: str) -> dict[str, Any]:
        """Name the head of every chain that grew since the last joint, and of these; the joint."""
        ...


class Memory(Protocol):
    """The part of a transaction that is about remembered cases. Raises LedgerError."""

    def keep_case(self, case: Case) -> None: ...
    def case(self, wanted: str) -> Case | None: ...
    def cases(self, limit: int) -> Sequence[Case]:
        """The latest cases, newest first."""
        ...

    def forget_case(self, wanted: str) -> bool:
        """Delete a case; False when there is none."""
        ...

    def forget_cases(self, before: datetime) -> int:
        """Delete the cases of incidents that opened before this instant; returns how many."""
        ...


class Shifts(Protocol):
    """The part of a transaction that is about shifts changed by hand. Raises LedgerError."""

    def keep_shift_change(self, change: ShiftChange) -> None: ...
    def shift_change(self, wanted: str) -> ShiftChange | None: ...
    def shift_changes(self, since: datetime) -> Sequence[ShiftChange]:
        """Those that last, or are to come, later than this, in the order in which they were made."""
        ...

    def living(self, since: datetime) -> Sequence[Incident]:
        """Incidents that are open, or were resolved since then."""
        ...


class Transaction(Alerts, Posts, Memory, Shifts, Protocol):
    """Reads and writes that happen together or not at all. Raises LedgerError."""

    @property
    def audit(self) -> Trail: ...
    @property
    def vault(self) -> Vault: ...
    def incident(self, wanted: str) -> Incident | None: ...
    def foresee(self, wanted: Collection[str]) -> None:
        """Read these incidents at once: each will be asked for soon."""
        ...

    def incidents(self, limit: int, *, open_first: bool = False) -> Sequence[Incident]:
        """The latest, newest first; `open_first`: however old, before those that are over."""
        ...

    def save(self, incident: Incident, commands: Sequence[Command], now: datetime) -> Incident:
        """Write the incident (its version must be the stored one) and carry out the commands."""
        ...

    def arm(self, incident: str, arm: Arm) -> None:
        """Arm a timer, or move it; incident "" for one that belongs to none."""
        ...

    def disarm(self, key: str) -> None: ...
    def send(self, incident: str, message: Send, now: datetime) -> None:
        """Put a message into the outbox; incident "" for one that belongs to none."""
        ...

    def record(self, incident: str, record: Record, now: datetime) -> None: ...
    def put(self, kind: DocumentKind, key: str, incident: str, body: Value, now: datetime) -> None: ...
    def get(self, kind: DocumentKind, key: str, as_type: type[Body]) -> Body | None: ...
    def latest(self, kind: DocumentKind, incident: str, as_type: type[Body]) -> Body | None: ...
    def decide(self, incident: str, decision: Decision) -> Decision:
        """Store the decision, or return the one that was first."""
        ...

    def decision(self, plan: str) -> Decision | None: ...
    def use_decision(self, plan: str, now: datetime) -> bool:
        """Mark it used; False if it was used before."""
        ...

    def rollout(self, wanted: str) -> Rollout | None: ...
    def running_on(self, service: str) -> Rollout | None: ...
    def save_rollout(self, rollout: Rollout) -> None: ...
    def keep_change(self, change: Change) -> None: ...
    def change(self, wanted: str) -> Change | None: ...
    def changes(self, services: Sequence[str], window: Window) -> Sequence[Change]: ...
    def person(self, name: str) -> Person | None: ...
    def people(self) -> Sequence[Person]: ...
    def save_person(self, person: Person) -> None: ...
    def pulse(self, name: str) -> Pulse | None: ...
    def save_pulse(self, pulse: Pulse) -> None: ...
    def trail(self, incident: str = "") -> Sequence[Entry]: ...
    def receipts(self, incident: str) -> Sequence[Receipt]: ...
    def clocks(self, incident: str) -> Sequence[Arm]:
        """What it waits for, the earliest first."""
        ...

    def cries(self, prefix: str, since: datetime) -> Sequence[Cry]:
        """Messages written since then whose keys begin so."""
        ...

    def last_reached(self) -> datetime | None:
        """When the latest message that woke somebody, as far as is known, was written."""
        ...

    def foresee_ends(self, messages: Sequence[Message]) -> None:
        """Look at once which of these messages this process still holds: their ends are written next."""
        ...

    def sent(self, message: Message, receipt: str) -> bool:
        """The channel took it. False when somebody else has it by now: then nothing is written."""
        ...

    def unsent(
        self, message: Message, why: str, again_at: datetime | None, *, ending: Ending, lost: bool
    ) -> bool:
        """The channel did not take it: again at an instant, or it ends so. False as with `sent`."""
        ...

    def hold(self, message: Message, until: datetime) -> None:
        """It must wait until an instant, and this was no try. What was taken back meanwhile ends."""
        ...

    def rings(self, ways: Collection[Way], since: datetime) -> Sequence[Ring]:
        """What rang by these ways since then, in order, whichever process sent it."""
        ...

    def rang(self, rings: Sequence[Ring], since: datetime) -> None:
        """These leave now; what rang before `since` is forgotten."""
        ...

    def silent(self, message: Message) -> None:
        """It was refused: nothing rang."""
        ...

    def companions(self, message: Message) -> Sequence[Message]:
        """Other messages that left together with this one: they have its receipt."""
        ...

    def arrived(self, key: str, how: Arrival) -> Message | None:
        """Its receiver says what became of it. None when that is no news, or there is no such message."""
        ...

    def message(self, key: str) -> tuple[Message, str] | None:
        """A message and its state."""
        ...

    def take_due(self, now: datetime, most: int, kinds: Collection[TimerKind]) -> Sequence[Timer]:
        """Timers of these kinds that are due, earliest first, done with the end of this transaction.

        No lease is needed: until then nobody else gets them, and if it fails all of them are due as before.
        """
        ...

    def finish(self, *timers: Timer) -> None:
        """These timers are done. Raises LeaseLost when one was taken over, or armed anew."""
        ...

    def bury(self, timer: Timer) -> None:
        """Nobody will try this timer again. Raises LeaseLost."""
        ...

    def holds(self, timer: Timer) -> None:
        """Look before acting: raises LeaseLost when the timer was taken over, or armed anew."""
        ...

    def closed(self, before: datetime, most: int) -> Sequence[str]:
        """Incidents resolved before this instant for which nothing is left to be done, oldest first."""
        ...

    def rows_of(self, incident: str) -> dict[str, list[dict[str, Any]]]:
        """Every row of an incident by its table, those of its trail too."""
        ...

    def forget(self, incident: str) -> None:
        """Delete an incident with all that belongs to it; its trail stays."""
        ...

    def sweep(self, before: datetime) -> None:
        """Delete what belongs to no incident and was over before this instant."""
        ...


class Ledger(Protocol):
    """The store. All methods are safe to call from any thread."""

    def write(self, *, first: bool = False) -> AbstractContextManager[Transaction]:
        """A transaction that commits when the block ends well; `first` before those who wait already."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent look that writes nothing."""
        ...

    def claim_timers(
        self, owner: str, now: datetime, lease: timedelta, most: int, kinds: Collection[TimerKind] = ...
    ) -> Sequence[Timer]:
        """Lease timers of these kinds that are due, earliest first; none of a newer release's incident."""
        ...

    def extend(self, timer: Timer, until: datetime) -> None:
        """Hold a timer's lease for longer. Raises LeaseLost."""
        ...

    def release(self, timer: Timer, due_at: datetime) -> None:
        """Give a timer back for another try."""
        ...

    def claim_messages(self, owner: str, now: datetime, lease: timedelta, most: int) -> Sequence[Message]: ...
    def reclaim(self, now: datetime, *, all_owners: bool) -> int:
        """Take back what dead processes held; `all_owners` when no other process can be alive."""
        ...

    def next_due(self) -> datetime | None: ...
    def stranded(self, since: datetime) -> Sequence[str]:
        """What has been due since before this instant and only a newer release can do."""
        ...

    def figures(self, now: datetime) -> Figures: ...
    def skew(self, now: datetime) -> timedelta:
        """How far the clock of the store's host is from `now`; nothing for a file, which has none."""
        ...

    def sign_in(self, owner: str, host: str, now: datetime) -> None:
        """Say that this process works on the store; to be said again every ten seconds.

        Raises LedgerError when the store is a file and another host works on it.
        """
        ...

    def sign_out(self, owner: str) -> None: ...
    def take_over(self, now: datetime) -> int:
        """Take back what dead processes held, as soon as it is certain that they are dead."""
        ...
