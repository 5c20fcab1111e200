"""The rules the responder obeys: each typed beside the code that obeys it, put together here."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field, model_validator

from steadyhand.journey.alert.heartbeat import Heartbeats
from steadyhand.journey.alert.rule import AlertRule, EnrichmentRule
from steadyhand.journey.alert.severity import Severity, SeverityRules
from steadyhand.journey.approval.policy import ApprovalRule, AutonomyRule, GuardrailRule
from steadyhand.journey.audit.rule import AuditRule
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.escalation.audience import StakeholderRule, WarRoomRule
from steadyhand.journey.escalation.delivery import DeliveryRule
from steadyhand.journey.escalation.handmade import CoveredSchedule, ShiftChange, covered
from steadyhand.journey.escalation.ladder import SeverityTreatment
from steadyhand.journey.escalation.people import People
from steadyhand.journey.escalation.policy import DEFAULT_TREATMENT, EscalationRule
from steadyhand.journey.escalation.roster import staffed, unknown_names
from steadyhand.journey.escalation.schedule import Schedules
from steadyhand.journey.escalation.throttle import ThrottleRule
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.incident.retention import RetentionRule
from steadyhand.journey.incident.state import Policy
from steadyhand.journey.memory.rule import MemoryRule
from steadyhand.journey.recovery.model import RecoveryRule
from steadyhand.journey.remedy.goals import GoalRule
from steadyhand.journey.remedy.rule import RemedyRule
from steadyhand.journey.rollout.gauges import GaugeRule
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rule import Rule
from steadyhand.journey.topology import Services, Topology


class Rules(Rule):
    """Every section of incident-config.yaml but the connections to the outside."""

    services: Services = ()
    severity: SeverityRules = Field(default=SeverityRules())
    alerts: AlertRule = Field(default=AlertRule())
    enrichment: EnrichmentRule = Field(default=EnrichmentRule())
    escalation: EscalationRule = Field(default=EscalationRule())
    people: People = Field(default=(), description="How each person is reached.")
    schedules: Schedules = Field(default=(), description="Who is on call when.")
    severity_rules: dict[Severity, SeverityTreatment] = Field(default=DEFAULT_TREATMENT)
    war_room: WarRoomRule = Field(default=WarRoomRule())
    stakeholders: StakeholderRule = Field(default=StakeholderRule())
    delivery: DeliveryRule = Field(default=DeliveryRule())
    throttle: ThrottleRule = Field(default=ThrottleRule())
    heartbeats: Heartbeats = Field(default=(), description="Monitors that must report to us.")
    evidence: EvidenceRule = Field(default=EvidenceRule())
    diagnosis: DiagnosisRule = Field(default=DiagnosisRule())
    remedy: RemedyRule = Field(default=RemedyRule())
    guardrails: GuardrailRule = Field(default=GuardrailRule())
    autonomy: AutonomyRule = Field(default=AutonomyRule())
    approval: ApprovalRule = Field(default=ApprovalRule())
    canary: CanaryRule = Field(default=CanaryRule())
    recovery: RecoveryRule = Field(default=RecoveryRule())
    memory: MemoryRule = Field(default=MemoryRule())
    retention: RetentionRule = Field(default=RetentionRule())
    audit: AuditRule = Field(default=AuditRule())
    goals: dict[str, tuple[GoalRule, ...]] = Field(
        default={}, description="For each service: the numbers its users feel, with their bounds."
    )
    saturation: dict[str, tuple[GaugeRule, ...]] = Field(
        default={}, description="For each service: what the fix's arm may run out of, with limits."
    )

    @model_validator(mode="after")
    def _everybody_known(self) -> Self:
        """A name that stands for nobody would be a page to nobody."""
        known = {one.name for one in self.people}
        for schedule in self.schedules:
            lost = next((one for one in schedule.people if one not in known), None)
            if lost is not None:
                raise ValueError(f"schedules.{schedule.name} names {lost!r}, who is not under people")
        for ladder in self.escalation.ladders:
            lost = next(iter(unknown_names(ladder, self.people, self.schedules)), None)
            if lost is not None:
                raise ValueError(f"escalation: {ladder.name}: {lost}")
        return self

    @property
    def topology(self) -> Topology:
        """The services as a graph."""
        return Topology(services=self.services)

    def on_call(self, changes: Sequence[ShiftChange] = ()) -> tuple[CoveredSchedule, ...]:
        """The schedules with what people changed by hand on top."""
        return covered(self.schedules, changes, {one.name for one in self.people})

    def policy(self, severity: Severity, service: str = "", changes: Sequence[ShiftChange] = ()) -> Policy:
        """What is frozen into an incident of this severity and service when it opens."""
        ladder = self.escalation.ladder(service, severity)
        return Policy(
            ladder=staffed(ladder, self.people, self.on_call(changes)),
            treatment=self.severity_rules.get(severity, DEFAULT_TREATMENT[severity]),
            approval=self.approval,
            relapse=self.recovery.relapse,
            war_room=self.war_room,
            stakeholders=self.stakeholders,
            close_after=self.alerts.close_after,
        )
