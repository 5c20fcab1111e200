"""How bad it is: the first rule whose conditions all hold, with its reason."""

from typing import Any

import pytest
from journey.incident_case import alert

from steadyhand.journey.alert.impact import Impact, impact
from steadyhand.journey.alert.severity import MEANING, Severity, SeverityRules, classify
from steadyhand.journey.recovery.model import Goal, Reading
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
        ({"severity": "SEV1"}, 3, "SEV1"),
        ({"severity": "SEV2"}, 3, "SEV2"),
        ({"severity": "sev3"}, 1, "SEV3"),
        ({"severity": "SEV4"}, 1, "SEV4"),
        ({"severity": "fatal"}, 2, "SEV2"),
    ],
)
def test_the_shipped_table(given: dict[str, Any], tier: int, expected: Severity) -> None:
    service = Service.model_validate({"name": "shop", "tier": tier})
    assert classify(alert(**given), service, RULES)[0] == expected


def test_an_unknown_service_counts_as_tier_two_and_the_reason_is_given() -> None:
    why = "a major feature is broken, by the source's word"
    assert classify(alert(severity="critical"), None, RULES) == ("SEV2", why)
    assert classify(alert(), None, RULES)[1] == "no rule of the severity section matches"


def test_a_measured_condition_needs_a_measurement() -> None:
    service = Service(name="shop", tier=1)
    assert classify(alert(value=None, severity="page"), service, RULES)[0] == "SEV2"


# measured impact first, the source's word second


@pytest.mark.parametrize(
    ("seen", "said", "tier", "expected"),
    [
        ({"failed": 0.5}, "info", 1, "SEV1"),
        ({"failed": 0.5}, "info", 2, "SEV2"),
        ({"failed": 0.05}, "warning", 2, "SEV2"),
        ({"failed": 0.049, "missed": ("errors",)}, "info", 2, "SEV3"),
        ({"slow": 3.0}, "info", 2, "SEV2"),
        ({"slow": 3.0, "missed": ("p95",)}, "info", 3, "SEV3"),
        ({"complete": True}, "warning", 1, "SEV3"),
        ({"complete": True}, "critical", 1, "SEV2"),
        ({"complete": False}, "warning", 1, "SEV2"),
        ({"complete": True}, "info", 1, "SEV4"),
    ],
)
def test_what_users_feel_decides_before_the_source_does(
    seen: dict[str, Any], said: str, tier: int, expected: Severity
) -> None:
    service = Service.model_validate({"name": "shop", "tier": tier})
    found, why = classify(alert(severity=said), service, RULES, Impact.model_validate(seen))
    assert found == expected
    assert "of answers fail" in why or "failed" not in seen


@pytest.mark.parametrize("name", ["Data loss in orders", "SecurityBreach", "Intrusion seen by the gateway"])
def test_data_loss_and_a_breach_are_the_gravest_whatever_is_measured(name: str) -> None:
    assert classify(alert(name, severity="info"), Service(name="shop", tier=3), RULES)[0] == "SEV1"


def test_the_shipped_rules_use_every_severity_and_each_has_a_meaning() -> None:
    assert {one.severity for one in RULES.rules} == set(MEANING)


GOALS = (
    Goal(name="errors", kind="errors", expression="e", bound=0.02),
    Goal(name="p95", kind="latency", expression="l", bound=0.4, unit="s"),
)


def test_impact_is_the_worst_of_each_kind_against_its_bound() -> None:
    seen = impact(GOALS, [Reading(name="errors", value=0.3), Reading(name="p95", value=0.2)])
    assert (seen.failed, seen.slow, seen.missed, seen.complete) == (0.3, 0.5, ("errors",), True)
    assert seen.words == "0.3 of answers fail; latency is 0.5 times its bound; missed: errors"


def test_what_was_not_measured_is_neither_health_nor_harm() -> None:
    assert impact(GOALS, []) == Impact()
    assert impact((), []) == Impact()
    half = impact(GOALS, [Reading(name="errors", value=0.0), Reading(name="p95", value=None)])
    assert (half.failed, half.complete, half.missed) == (0.0, False, ())
    assert impact(GOALS, [Reading(name="errors", value=1.7)]).failed == 1.0
