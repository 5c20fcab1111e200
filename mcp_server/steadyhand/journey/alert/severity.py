"""How bad it is: what was measured first, the source's own word second. The first rule that holds wins."""

from typing import Literal

from pydantic import Field

from steadyhand.journey.alert.impact import Impact
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.rule import Rule, Share
from steadyhand.journey.topology import Service

Severity = Literal["SEV1", "SEV2", "SEV3", "SEV4"]  # of two, the lesser text is the worse
MEANING: dict[Severity, str] = {
    "SEV1": "full outage, data loss or a security breach",
    "SEV2": "a major feature is broken, or strongly degraded",
    "SEV3": "minor; there is a way around it",
    "SEV4": "cosmetic",
}
_NOTHING = Impact()


class SeverityRule(Rule):
    """One line of the table: when all that is given matches, this is the severity."""

    severity: Severity
    max_tier: Literal[1, 2, 3] = Field(default=3, description="Services of this tier or a weightier one.")
    min_failed: Share | None = Field(default=None, description="Measured share of failed answers, at least.")
    min_slow: float | None = Field(
        default=None, gt=0, description="Measured latency in multiples of its goal's bound, at least."
    )
    goals: Literal["missed", "met"] | None = Field(
        default=None, description="missed: a measured goal is not met; met: all were measured and are."
    )
    alert: str = Field(default="", description="Part of the alert's name.")
    min_value: float | None = Field(default=None, description="The alert's measured value, at least.")
    words: tuple[str, ...] = Field(default=(), description="One of them stands in its name or summary.")
    alert_severity: tuple[str, ...] = Field(default=(), description="The source's words, e.g. critical.")
    why: str

    def matches(self, alert: Alert, tier: int, seen: Impact) -> bool:
        """Whether every given condition holds. One that needs a number does not hold without it."""
        return tier <= self.max_tier and self._measured(seen) and self._said(alert)

    def _measured(self, seen: Impact) -> bool:
        state = {"missed": bool(seen.missed), "met": seen.complete and not seen.missed}
        return (
            _at_least(seen.failed, self.min_failed)
            and _at_least(seen.slow, self.min_slow)
            and (self.goals is None or state[self.goals])
        )

    def _said(self, alert: Alert) -> bool:
        text = f"{alert.name} {alert.summary}".lower()
        return (
            self.alert.lower() in alert.name.lower()
            and _at_least(alert.value, self.min_value)
            and (not self.words or any(one.lower() in text for one in self.words))
            and (not self.alert_severity or alert.severity.lower() in self.alert_severity)
        )


def _at_least(value: float | None, least: float | None) -> bool:
    return least is None or (value is not None and value >= least)


class SeverityRules(Rule):
    """The severity section of incident-config.yaml."""

    rules: tuple[SeverityRule, ...] = (
        SeverityRule(
            severity="SEV1",
            max_tier=1,
            min_failed=0.5,
            why="full outage: half or more of the answers of a tier-1 service fail",
        ),
        SeverityRule(
            severity="SEV1",
            max_tier=1,
            alert="error",
            min_value=0.5,
            why="full outage: the alert measures errors in half or more of a tier-1 service's answers",
        ),
        SeverityRule(
            severity="SEV1",
            words=("data loss", "data corruption", "dataloss", "datacorruption"),
            why="data may be lost",
        ),
        SeverityRule(
            severity="SEV1",
            words=("security breach", "data breach", "securitybreach", "databreach", "intrusion"),
            why="security may be breached",
        ),
        SeverityRule(severity="SEV1", alert_severity=("sev1",), why="by the word of whoever opened it"),
        SeverityRule(
            severity="SEV2", max_tier=2, min_failed=0.05, why="strongly degraded: one answer in twenty fails"
        ),
        SeverityRule(
            severity="SEV2", max_tier=2, min_slow=3.0, why="strongly degraded: three times too slow, or worse"
        ),
        SeverityRule(severity="SEV2", alert_severity=("sev2",), why="by the word of whoever opened it"),
        SeverityRule(
            severity="SEV2",
            max_tier=2,
            alert_severity=("critical", "page", "error", "fatal", "emergency"),
            why="a major feature is broken, by the source's word",
        ),
        SeverityRule(
            severity="SEV3",
            goals="met",
            alert_severity=("warning", "high"),
            why="the source warns, and its users feel nothing yet",
        ),
        SeverityRule(
            severity="SEV2",
            max_tier=1,
            alert_severity=("warning", "high"),
            why="a tier-1 service is strongly degraded, by the source's word",
        ),
        SeverityRule(severity="SEV3", alert_severity=("sev3",), why="by the word of whoever opened it"),
        SeverityRule(severity="SEV3", goals="missed", why="minor: a goal is missed, most users get by"),
        SeverityRule(
            severity="SEV4",
            alert_severity=("info", "low", "none", "sev4"),
            why="cosmetic, by the source's word",
        ),
    )
    otherwise: Severity = "SEV3"


def classify(
    alert: Alert, service: Service | None, rules: SeverityRules, seen: Impact = _NOTHING
) -> tuple[Severity, str]:
    """The severity and the reason for it, figures included. An unknown service counts as tier 2."""
    tier = service.tier if service else 2
    figures = f" ({seen.words})" if seen.words else ""
    for rule in rules.rules:
        if rule.matches(alert, tier, seen):
            return rule.severity, f"{rule.why}{figures}"
    return rules.otherwise, f"no rule of the severity section matches{figures}"


def worse(one: Severity, other: Severity) -> bool:
    """Whether the first is the graver of the two."""
    return one < other
