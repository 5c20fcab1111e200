"""How bad it is: the first rule whose conditions all hold, with its reason."""

from typing import Any

import pytest
from journey.incident_case import alert

from steadyhand.journey.alert.severity import Severity, SeverityRules, classify
from steadyhand.journey.topology import Service

RULES = SeverityRules()


@pytest.mark.parametrize(
    ("given", "tier", "expected"),
    [
        ({"value": 0.5, "severity": "critical"}, 1, "SEV1"),
        ({"value": 0.49, "severity": "critical"}, 1, "SEV2"),
        ({"severity": "CRITICAL"}, 2, "SEV2"),
        ({"severity": "critical"}, 3, "SEV3"),
        ({"severity": "warning"}, 1, "SEV2"),
        ({"severity": "warning"}, 2, "SEV3"),
        ({"severity": "info"}, 1, "SEV4"),
        ({}, 1, "SEV3"),
    ],
)
def test_the_shipped_table(given: dict[str, Any], tier: int, expected: Severity) -> None:
    service = Service.model_validate({"name": "shop", "tier": tier})
    assert classify(alert(**given), service, RULES)[0] == expected


def test_an_unknown_service_counts_as_tier_two_and_the_reason_is_given() -> None:
    assert classify(alert(severity="critical"), None, RULES) == ("SEV2", "a major feature is broken")
    assert classify(alert(), None, RULES)[1] == "no rule of the severity section matches"


def test_a_measured_condition_needs_a_measurement() -> None:
    service = Service(name="shop", tier=1)
    assert classify(alert(value=None, severity="page"), service, RULES)[0] == "SEV2"
