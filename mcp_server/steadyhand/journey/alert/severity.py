"""How bad it is: rules on measured facts, first match wins, reason included."""

from typing import Literal

from pydantic import Field

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.rule import Rule
from steadyhand.journey.topology import Service

Severity = Literal["SEV1", "SEV2", "SEV3", "SEV4"]


class SeverityRule(Rule):
    """One line of the table: when all that is given matches, this is the severity."""

    severity: Severity
    alert_severity: tuple[str, ...] = Field(default=(), description="The source's words, e.g. critical.")
    max_tier: Literal[1, 2, 3] = Field(default=3, description="Services of this tier or a weightier one.")
    alert: str = Field(default="", description="Part of the alert's name.")
    min_value: float | None = Field(default=None, description="The alert's measured value, at least.")
    why: str

    def matches(self, alert: Alert, tier: int) -> bool:
        """Whether every given condition holds."""
        return (
            tier <= self.max_tier
            and self.alert.lower() in alert.name.lower()
            and (not self.alert_severity or alert.severity.lower() in self.alert_severity)
            and (self.min_value is None or (alert.value is not None and alert.value >= self.min_value))
        )


class SeverityRules(Rule):
    """The severity section of incident-config.yaml."""

    rules: tuple[SeverityRule, ...] = (
        SeverityRule(
            severity="SEV1",
            max_tier=1,
            alert="error",
            min_value=0.5,
            why="half or more of the answers of a tier-1 service fail: full outage",
        ),
        SeverityRule(
            severity="SEV2",
            max_tier=2,
            alert_severity=("critical", "page", "error"),
            why="a major feature is broken",
        ),
        SeverityRule(
            severity="SEV2",
            max_tier=1,
            alert_severity=("warning", "high"),
            why="a tier-1 service is strongly degraded",
        ),
        SeverityRule(
            severity="SEV4", alert_severity=("info", "low", "none"), why="the source calls it cosmetic"
        ),
    )
    otherwise: Severity = "SEV3"


def classify(alert: Alert, service: Service | None, rules: SeverityRules) -> tuple[Severity, str]:
    """The severity and the reason for it. An unknown service counts as tier 2."""
    tier = service.tier if service else 2
    for rule in rules.rules:
        if rule.matches(alert, tier):
            return rule.severity, rule.why
    return rules.otherwise, "no rule of the severity section matches"
