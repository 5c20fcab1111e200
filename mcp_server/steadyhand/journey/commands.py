"""What a decision asks for: rows to be written in the same transaction as the new state."""

from typing import Literal

from pydantic import Field

from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.rule import Instant, Value

TimerKind = Literal[
    "investigate",
    "enrich",
    "close",
    "calm",
    "unsilence",
    "escalate",
    "reach",
    "help",
    "resume",
    "approval",
    "rollout",
    "handoff",
    "update",
    "receipt",
    "heartbeat",
]


class Arm(Value):
    """Wake up at an instant. The same key armed again moves the timer."""

    kind: TimerKind
    key: str
    due_at: Instant
    payload: dict[str, str] = Field(default={})


class Disarm(Value):
    """Do not wake up any more for these kinds."""

    kinds: tuple[TimerKind, ...]


class Unsend(Value):
    """Take back pages that have not left yet: somebody has it."""

    ways: tuple[tuple[str, str], ...] = Field(
        default=(), description="Only those by these channels and targets; empty: all."
    )


class LookedAt(Value):
    """Whoever can be reached by these ways answered: what reached them by one of them was seen."""

    ways: tuple[tuple[str, str], ...] = Field(description="Channel and target of each.")


Act = Literal["page", "ask", "note", "acknowledged", "resolved", "room", "invite", "topic", "pin"]
"""What a message is for: wake somebody, ask for a yes or no, tell what goes on, say that somebody has it or
that it is over; and the steps of a war room: open it, invite one person, set its topic, pin the summary."""


TALK: frozenset[Act] = frozenset({"page", "ask", "note", "acknowledged", "resolved"})
ROOM_STEPS: frozenset[Act] = frozenset({"room", "invite", "topic", "pin"})


class Send(Value):
    """Tell somebody. `key` makes the message one message, however often it is tried."""

    key: str
    channel: str
    target: str
    subject: str
    body: str
    not_before: Instant | None = Field(default=None, description="Quiet hours end then, or more is known.")
    act: Act = "page"
    severity: str = Field(default="", description="SEV1 to SEV4; empty where it concerns no incident.")
    thread: str = Field(default="", description="What belongs together, e.g. one episode of one incident.")


class FollowUp(Value):
    """Tell everybody who was woken in this thread what became of it. An ending takes back what waits."""

    act: Act
    thread: str
    step: str = Field(description="Makes it one message for each of them.")
    subject: str
    body: str
    severity: str = ""


class Consent(Value):
    """The policy itself consents: keep its decision where the fence before the rollout looks."""

    decision: Decision


ActorKind = Literal["human", "agent", "system"]


class Record(Value):
    """A line of the audit trail."""

    action: str
    body: dict[str, str] = Field(default={})
    actor: str = "steadyhand"
    actor_kind: ActorKind = "system"
    via: str = "service"
    object: str = Field(default="", description="What it is about, e.g. plan:plan-1; the store names it.")
    before_hash: str = Field(default="", description="SHA-256 of the incident's state before, in hex.")
    after_hash: str = Field(default="", description="And after; both empty where no state changed.")


Command = Arm | Disarm | Send | FollowUp | Unsend | LookedAt | Consent | Record
