"""An incident moved by events, with what each event asked for."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from stories.night import ROLL_BACK, RULES, TIERS

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.approval.guardrails import AskHuman, GuardrailVerdict
from steadyhand.journey.commands import Arm, Command, Record, Send
from steadyhand.journey.escalation.ladder import Ladder, SeverityTreatment
from steadyhand.journey.incident.open import open_incident
from steadyhand.journey.incident.reduce import reduce
from steadyhand.journey.incident.state import Event, Incident, Investigated, Policy
from steadyhand.journey.recovery.model import Goal, RecoveryRule
from steadyhand.journey.remedy.model import Fix
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.testing.clock import START

NOW = START
LADDER = Ladder(tiers=TIERS, repeat=1)
ASK = AskHuman(reasons=("autonomy is approve: a human decides every fix",))
_Kind = TypeVar("_Kind", bound=Command)


def plan(fix: Fix = ROLL_BACK, **changes: Any) -> Plan:
    given = {
        "id": "plan-1",
        "incident": "inc-1",
        "hypothesis": "h1",
        "service": "shop",
        "fix": fix,
        "confidence": 0.9,
        "calibrated": True,
        "canary": CanaryRule(),
        "recovery": RecoveryRule(),
        "goals": (Goal(name="errors", expression="e", bound=0.02),),
        "created_at": NOW,
        "expires_at": NOW + timedelta(minutes=15),
    }
    return Plan.model_validate(given | changes)


def said_yes(to: Plan, **changes: Any) -> Decision:
    given = {"plan": to.id, "digest": to.digest, "answer": "approve", "by": "ana", "via": "test", "at": NOW}
    return Decision.model_validate(given | changes)


def alert(name: str = "HighErrorRate", **changes: Any) -> Alert:
    given = {
        "source": "test",
        "dedup_key": f"shop:{name}",
        "name": name,
        "service": "shop",
        "status": "firing",
        "starts_at": NOW,
    }
    return Alert.model_validate(given | changes)


def investigated(*plans: Plan, verdict: GuardrailVerdict | None = ASK, **changes: Any) -> Investigated:
    given = {"evidence_at": NOW, "started_at": None, "headline": "A bad release.", "plans": plans}
    return Investigated.model_validate(given | {"verdict": verdict if plans else None} | changes)


@dataclass
class Case:
    """One incident; `after` lets an event happen, and `asked` holds what the last one asked for."""

    now: datetime = NOW
    escalates: bool = True
    ladder: Ladder = LADDER
    severity: Severity = "SEV2"
    turn: int = 0
    rules: dict[str, Any] = field(default_factory=dict)
    treatment: dict[str, bool] = field(default_factory=dict)
    incident: Incident = field(init=False)
    asked: tuple[Command, ...] = field(init=False)

    def __post_init__(self) -> None:
        policy = Policy(
            ladder=self.ladder,
            treatment=SeverityTreatment(auto_escalate=self.escalates, **self.treatment),
            approval=RULES.approval,
            relapse=RULES.recovery.relapse,
            **self.rules,
        )
        self.incident, self.asked = open_incident(
            "inc-1", alert(), (self.severity, "test"), policy, self.now, self.turn
        )

    def after(self, event: Event, **later: float) -> "Case":
        self.now += timedelta(**later)
        self.incident, self.asked = reduce(self.incident, event, self.now)
        return self

    def of(self, kind: type[_Kind]) -> list[_Kind]:
        return [one for one in self.asked if isinstance(one, kind)]

    @property
    def actions(self) -> list[str]:
        return [one.action for one in self.of(Record) if one.action != "incident.moved"]

    @property
    def told(self) -> list[str]:
        return [one.target for one in self.of(Send)]

    @property
    def pages(self) -> list[str]:
        return [one.target for one in self.of(Send) if ":page:" in one.key]

    @property
    def armed(self) -> dict[str, datetime]:
        return {one.kind: one.due_at for one in self.of(Arm)}
