"""Which ladder an incident climbs: the escalation and severity_rules sections of incident-config.yaml."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.contact import Contact, Target
from steadyhand.journey.escalation.hours import BusinessHours, QuietHours
from steadyhand.journey.escalation.ladder import Ladder, Minutes, SeverityTreatment, Tier
from steadyhand.journey.rule import Duration, Rule

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


class EscalationPolicy(Rule):
    """The longer form: named tiers, what follows them, and a last resort that is never empty."""

    name: str
    tiers: tuple[Tier, ...] = Field(min_length=1)
    repeat: int = Field(default=3, ge=0, description="How often all tiers are told again.")
    last_resort: tuple[Target, ...] = Field(min_length=1, description="Told when nobody has answered.")


class Assignment(Rule):
    """Which incidents climb which policy; what is left empty fits every incident."""

    policy: str
    services: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()

    def fits(self, service: str, severity: Severity) -> bool:
        """Whether an incident of this service and severity is meant."""
        return (not self.services or service in self.services) and (
            not self.severities or severity in self.severities
        )


def _shipped(
    name: Severity, whom: tuple[str, ...], response: timedelta, escalate: timedelta
) -> EscalationPolicy:
    contacts = tuple(Contact(type="console", target=one) for one in whom)
    tier = Tier(
        name=" and ".join(whom), contacts=contacts, response_time_minutes=response, escalate_after=escalate
    )
    everybody = tuple(Contact(type="console", target=one) for one in ("on-call", "team-lead", "manager"))
    return EscalationPolicy(name=name.lower(), tiers=(tier,), last_resort=everybody)


SHIPPED = (
    _shipped("SEV1", ("on-call", "manager"), 15 * _MINUTE, 30 * _MINUTE),
    _shipped("SEV2", ("team-lead",), 1 * _HOUR, 2 * _HOUR),
    _shipped("SEV3", ("team-channel",), 4 * _HOUR, 8 * _HOUR),
    _shipped("SEV4", ("ticket-queue",), 24 * _HOUR, 48 * _HOUR),
)
SEVERITIES: tuple[Severity, ...] = ("SEV1", "SEV2", "SEV3", "SEV4")
ASSIGNED = tuple(Assignment(policy=one.lower(), severities=(one,)) for one in SEVERITIES)

DEFAULT_TREATMENT: dict[Severity, SeverityTreatment] = {
    "SEV1": SeverityTreatment(auto_escalate=True, create_war_room=True, notify_stakeholders=True),
    "SEV2": SeverityTreatment(auto_escalate=True),
    "SEV3": SeverityTreatment(auto_escalate=False),
    "SEV4": SeverityTreatment(auto_escalate=False),
}


class Patience(Rule):
    """The least time that a severity gives, whatever a tier of the compact form says."""

    response_time_minutes: Minutes
    escalate_after: Minutes

    def over(self, tier: Tier) -> Tier:
        """The tier with at least this much time."""
        response = max(tier.response_time_minutes, self.response_time_minutes)
        after = max(tier.escalate_after, self.escalate_after)
        return tier.model_copy(update={"response_time_minutes": response, "escalate_after": after})


PATIENCE: dict[Severity, Patience] = {
    "SEV3": Patience(response_time_minutes=4 * _HOUR, escalate_after=8 * _HOUR),
    "SEV4": Patience(response_time_minutes=24 * _HOUR, escalate_after=48 * _HOUR),
}


class EscalationRule(Rule):
    """Tiers for every incident, or policies for some of them.

    Written tiers replace the shipped policies; where both are written, tiers are for what no row assigns.
    """

    tiers: tuple[Tier, ...] = Field(default=(), description="The compact form: one ladder.")
    repeat: int = Field(default=3, ge=0, description="How often all tiers are told again.")
    at_least: dict[Severity, Patience] = Field(
        default=PATIENCE, description="Of the compact form: the least time that a severity gives."
    )
    policies: tuple[EscalationPolicy, ...] = Field(default=SHIPPED, description="The longer form.")
    assign: tuple[Assignment, ...] = Field(
        default=ASSIGNED, description="Who climbs which policy: the first row that fits."
    )

    remind_every: Annotated[Minutes, Field(ge=_MINUTE)] | None = Field(
        default=30 * _MINUTE,
        description="After the last resort, it hears of a SEV1 or SEV2 again this often, until an answer.",
    )
    unack_after: Duration | None = Field(
        default=None, description="Nothing heard of whoever has it for this long: back to the same rung."
    )
    quiet_hours: QuietHours | None = Field(default=None, description="When a SEV3 or SEV4 wakes nobody.")
    business_hours: BusinessHours | None = Field(
        default=None, description="In which the deadlines of a SEV3 or SEV4 are counted."
    )

    @model_validator(mode="before")
    @classmethod
    def _shipped_unless_written(cls, given: object) -> object:
        """What somebody wrote is meant whole: no shipped policy stands beside it."""
        if not isinstance(given, dict) or not {"tiers", "policies"} & set(given):
            return given
        return {"policies": (), "assign": ()} | given

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _once("policies", (one.name for one in self.policies))
        _once("tiers", (one.name for one in self.tiers))
        for policy in self.policies:
            _once(f"tiers of the policy {policy.name}", (one.name for one in policy.tiers))
        if not self.tiers and not self.policies:
            raise ValueError("tiers or policies must name somebody to tell")
        known = {one.name for one in self.policies}
        lost = next((one.policy for one in self.assign if one.policy not in known), None)
        if lost is not None:
            raise ValueError(f"assign names {lost!r}, which is no policy here")
        return self

    def ladder(self, service: str, severity: Severity) -> Ladder:
        """The ladder of such an incident: an assigned policy, else the tiers, else the first policy."""
        wanted = next((one.policy for one in self.assign if one.fits(service, severity)), "")
        found = next((one for one in self.ladders if one.name == wanted), None)
        if found is not None or not self.tiers:
            return found or self.ladders[0]
        compact, patience = self.ladders[0], self.at_least.get(severity)
        tiers = tuple(patience.over(one) for one in compact.tiers) if patience else compact.tiers
        return compact.model_copy(update={"tiers": tiers})

    @property
    def ladders(self) -> tuple[Ladder, ...]:
        """All there are: that of the tiers first, then one for each policy."""
        own = (Ladder(tiers=self.tiers, repeat=self.repeat),) if self.tiers else ()
        update = {
            "remind_every": self.remind_every,
            "unack_after": self.unack_after,
            "quiet_hours": self.quiet_hours,
            "business_hours": self.business_hours,
        }
        return tuple(one.model_copy(update=update) for one in (*own, *map(_ladder, self.policies)))


def _ladder(policy: EscalationPolicy) -> Ladder:
    return Ladder(name=policy.name, tiers=policy.tiers, repeat=policy.repeat, last_resort=policy.last_resort)


def _once(key: str, names: Iterable[str]) -> None:
    known: set[str] = set()
    for name in names:
        if name in known:
            raise ValueError(f"{key} holds {name!r} twice")
        known.add(name)
