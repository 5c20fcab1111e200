"""What is known of one incident, and what can happen to it."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.approval.guardrails import GuardrailVerdict
from steadyhand.journey.approval.policy import ApprovalRule
from steadyhand.journey.commands import ActorKind, Command
from steadyhand.journey.escalation.audience import StakeholderRule, WarRoomRule
from steadyhand.journey.escalation.handmade import ShiftChange
from steadyhand.journey.escalation.ladder import Ladder, SeverityTreatment
from steadyhand.journey.escalation.people import PersonRule, Reach
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rule import Duration, Instant, Value

Status = Literal["investigating", "awaiting_approval", "rolling_out", "needs_human", "resolved"]
Milestone = Literal[
    "started",  # the earliest onset in the evidence, else the alert's own start
    "detected",
    "evidence_ready",
    "fix_ready",
    "decided",
    "rollout_started",
    "fully_out",
    "resolved",
]


class Policy(Value):
    """The rules as they were when the incident opened; an edited config never changes them."""

    ladder: Ladder
    treatment: SeverityTreatment
    approval: ApprovalRule
    relapse: Duration
    war_room: WarRoomRule = Field(default=WarRoomRule())
    stakeholders: StakeholderRule = Field(default=StakeholderRule())
    close_after: Duration = timedelta(minutes=15)


def _as_read(given: object, info: ValidationInfo) -> object:
    """The policy that was read apart, where its reader put none in its place."""
    return info.context if given is None else given


class Incident(Value):
    """One incident, whole."""

    id: str
    version: int = 0
    status: Status = "investigating"
    service: str
    title: str
    severity: Severity
    severity_why: str
    severity_by: ActorKind = Field(default="system", description="Whose word it is.")
    opened_at: Instant
    alerts: tuple[Alert, ...] = Field(default=(), description="The latest of each, firing ones first.")
    unlisted: int = Field(default=0, ge=0, description="Alerts that fire beside those listed.")
    joined: tuple[str, ...] = Field(default=(), description="Other services whose alerts belong to it.")
    grown_at: Instant | None = Field(default=None, description="When the latest new alert joined.")
    flapping: tuple[str, ...] = Field(default=(), description="Alerts that change too often; ends are held.")
    recovered_at: Instant | None = Field(default=None, description="Since when all its alerts are over.")
    episode: int = Field(default=0, ge=0, description="How often it came back after it was resolved.")
    repeats: int = Field(default=0, ge=0, description="Alerts that said again what was known.")
    rung: int = Field(default=0, ge=0, description="How far up the ladder people were told.")
    calls: int = Field(default=0, ge=0, description="How often a rung was called anew: after a snooze, say.")
    turn: int = Field(default=0, ge=0, description="Whose turn it is where a tier goes round.")
    called: tuple[Reach, ...] = Field(default=(), description="Whom the present rung told.")
    reserve: tuple[Reach, ...] = Field(default=(), description="Whom it tells when those stay silent.")
    lost: tuple[str, ...] = Field(default=(), description="Of those called, who cannot be reached at all.")
    failed: tuple[tuple[str, str], ...] = Field(
        default=(), description="Ways by which this call did not get through: channel and target."
    )
    answered: tuple[str, ...] = Field(default=(), description="Of those called, who did, while more must.")
    tried: dict[str, int] = Field(
        default={}, description="By how many of their ways; one where nothing is said."
    )
    told: tuple[Reach, ...] = Field(default=(), description="Everybody told so far.")
    acks: tuple[str, ...] = Field(default=(), description="Who said they have it, while more are needed.")
    acked_by: str = ""
    quiet_until: Instant | None = Field(default=None, description="A snooze, or an answer's time, ends then.")
    snoozed: bool = Field(default=False, description="Put off until then by somebody who has it.")
    plan: str = Field(default="", description="The plan in question now.")
    delegate: str = Field(default="", description="Whom an approver asked to answer it instead.")
    plans: tuple[str, ...] = Field(default=(), description="All plans proposed, best first.")
    rollout: str = ""
    room: str = Field(default="", description="The war room's name; empty while there is none.")
    updates: int = Field(default=0, ge=0, description="Updates that stakeholders got in this episode.")
    attempts: int = Field(default=0, ge=0)
    note: str = Field(default="", description="Why it stands where it stands, in one sentence.")
    milestones: dict[Milestone, Instant] = Field(default={})
    policy: Annotated[Policy, BeforeValidator(_as_read)]  # stays the last one: see `read_incident`

    @property
    def firing(self) -> bool:
        """Whether any of its alerts still fires."""
        return self.unlisted > 0 or any(one.status == "firing" for one in self.alerts)

    @property
    def services(self) -> tuple[str, ...]:
        """Its own service, then those that joined."""
        return self.service, *self.joined

    @property
    def grown(self) -> datetime:
        """When it opened, or its latest new alert joined."""
        return self.grown_at or self.opened_at


class AlertsSeen(Value):
    """Alerts of this incident came in: new, again, or resolved. One that flaps is passed on as firing."""

    alerts: tuple[Alert, ...] = ()
    repeats: int | None = Field(default=None, ge=0, description="How often they only said it again.")
    firing: int | None = Field(default=None, ge=0, description="How many fire, as the store counts.")
    flapping: tuple[str, ...] = Field(default=(), description="Names of those whose ends are held.")


class QuietLongEnough(Value):
    """All its alerts have been over for the time its policy asks for."""


class SeverityChanged(Value):
    """Somebody, or what was measured, says how bad it is by now; `policy` is the one of that severity."""

    severity: Severity
    why: str
    by: str
    kind: ActorKind
    via: str
    policy: Policy
    unheard: bool = Field(default=False, description="No page has left yet: it is as if it had opened so.")


class Acknowledged(Value):
    """Somebody has it."""

    by: str
    via: str


class TierSilent(Value):
    """Nobody acknowledged within the tier's time."""

    rung: int
    due_at: Instant


class Snoozed(Value):
    """Somebody has it, but not before a certain instant: then the same rung is told again."""

    by: str
    via: str
    until: Instant


class Reassigned(Value):
    """Somebody gives it to somebody else, who is told now."""

    by: str
    via: str
    to: Reach


class QuietOver(Value):
    """A snooze has ended, or nothing was heard of whoever acknowledged."""

    due_at: Instant


class Delegated(Value):
    """An approver hands the open question to another one; its deadline stays."""

    plan: str
    by: str
    via: str
    to: Reach


class ShiftsChanged(Value):
    """Somebody took, gave away or swapped a shift, or undid that; `changes` are all there are by now."""

    schedule: str
    changes: tuple[ShiftChange, ...]
    people: tuple[PersonRule, ...] = Field(description="How those who stand in are reached.")
    by: str
    via: str
    what: str


class ContactSilent(Value):
    """Somebody who was told did not answer by this many of their ways."""

    rung: int
    who: str
    tried: int
    due_at: Instant


class MessageFailed(Value):
    """A message failed for good, or nobody confirmed its delivery in time; `why` says which."""

    key: str
    channel: str
    target: str
    subject: str
    body: str
    why: str


class MessageArrived(Value):
    """A message got through after it was counted as lost, reached the device, or was looked at."""

    key: str
    channel: str
    target: str
    how: Literal["late", "delivered", "seen"]


class UpdateDue(Value):
    """It is time for the next word to stakeholders; `number` is that of the last one."""

    number: int
    due_at: Instant


class UpdateWritten(Value):
    """A person tells stakeholders how things stand, in their own words."""

    by: str
    via: str
    text: str


class Investigated(Value):
    """Evidence was read and hypotheses ranked; plans, if any, are stored."""

    evidence_at: Instant
    started_at: Instant | None
    headline: str
    plans: tuple[Plan, ...] = ()
    verdict: GuardrailVerdict | None = None


class InvestigationFailed(Value):
    """Evidence could not be read at all."""

    why: str


class PlanChosen(Value):
    """Another of the plans, or a new one, is the one in question now."""

    plan: Plan
    verdict: GuardrailVerdict
    by: str


class Decided(Value):
    """A human, or the policy, decided about the plan in question."""

    decision: Decision


class ApprovalSilent(Value):
    """Nobody answered the question within its time."""

    plan: str
    due_at: Instant


class RolloutStarted(Value):
    """The approval was used and the first step is on its way."""

    rollout: str


class RolloutMoved(Value):
    """The rollout reached its next phase."""

    rollout: str
    phase: str
    note: str


class RolloutEnded(Value):
    """The rollout is over."""

    rollout: str
    outcome: Literal["verified", "reverted", "stuck"]
    reason: str


class Escalated(Value):
    """Somebody asked for the next tier now."""

    by: str
    why: str


class ClosedByHuman(Value):
    """A human says it is over."""

    by: str
    via: str
    why: str


Event = (
    AlertsSeen
    | QuietLongEnough
    | SeverityChanged
    | Acknowledged
    | TierSilent
    | Snoozed
    | Reassigned
    | QuietOver
    | Delegated
    | ShiftsChanged
    | ContactSilent
    | MessageFailed
    | MessageArrived
    | UpdateDue
    | UpdateWritten
    | Investigated
    | InvestigationFailed
    | PlanChosen
    | Decided
    | ApprovalSilent
    | RolloutStarted
    | RolloutMoved
    | RolloutEnded
    | Escalated
    | ClosedByHuman
)
Outcome = tuple[Incident, tuple[Command, ...]]
