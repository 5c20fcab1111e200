"""The compact form of escalation as somebody first writes it: it loads, and obeys each severity's rules."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from config.compact import COMPACT, FILLED

from steadyhand.cli import main
from steadyhand.config import load, parse
from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.readiness import timeline
from steadyhand.ports import ConfigError

NOW = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def told(text: str, severity: Severity) -> list[tuple[str, int, int]]:
    """Tier, minutes after the start, and minutes to answer; the first round."""
    policy = parse(text, "here").policy(severity, "shop")
    rows = timeline(policy.ladder, severity, NOW, escalates=policy.treatment.auto_escalate)
    return [(one.tier, (one.at - NOW) // MINUTE, one.within // MINUTE) for one in rows][:3]


@pytest.mark.parametrize("severity", ["SEV1", "SEV2"])
def test_a_grave_incident_climbs_the_tiers_at_their_own_times(severity: Severity) -> None:
    assert told(FILLED, severity) == [("on_call", 0, 15), ("team_lead", 30, 60), ("manager", 150, 30)]


@pytest.mark.parametrize(("severity", "hours"), [("SEV3", 4), ("SEV4", 24)])
def test_a_lesser_one_is_told_once_and_has_the_time_its_severity_gives(
    severity: Severity, hours: int
) -> None:
    assert told(FILLED, severity) == [("on_call", 0, hours * 60)]


def test_a_lesser_one_that_does_climb_climbs_no_faster_than_its_severity_says() -> None:
    climbs = FILLED.replace("SEV3: {auto_escalate: false", "SEV3: {auto_escalate: true")
    assert told(climbs, "SEV3") == [("on_call", 0, 240), ("team_lead", 480, 240), ("manager", 960, 240)]
    faster = climbs.replace("escalation:", "escalation:\n  at_least: {}", 1)
    assert told(faster, "SEV3")[1] == ("team_lead", 30, 60)


def test_an_assigned_policy_says_its_own_times() -> None:
    own = """
  policies:
    - name: calm
      tiers: [{name: crew, response_time_minutes: 5, contacts: [{type: slack, channel: "#c"}]}]
      last_resort: [{type: slack, channel: "#c"}]
  assign: [{policy: calm, severities: [SEV4]}]
severity_rules:"""
    assert told(FILLED.replace("\nseverity_rules:", own, 1), "SEV4") == [("crew", 0, 5)]


def test_it_loads_as_it_is_written_before_anybody_filled_its_variables_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STEADYHAND_HOME", str(tmp_path / "home"))
    path = tmp_path / "incident-config.yaml"
    path.write_text(COMPACT)
    assert [one.name for one in load(path).escalation.tiers] == ["on_call", "team_lead", "manager"]
    assert main(["config", "check", "--severity", "SEV1", "--config", str(path)]) == 1
    said = capsys.readouterr().out
    assert "after 30m: team_lead reaches nobody: an error, the next tier is told at once" in said
    assert "tier manager: email {{manager_email}} leads to nobody: write its name under variables" in said
    assert "after 2h: last_resort by slack #incidents, pagerduty primary" in said


def test_elsewhere_a_name_that_stands_for_nothing_is_still_an_error() -> None:
    for wrong in (
        'people: [{name: ana, contacts: [{type: sms, address: "{{number}}"}]}]',
        'escalation: {tiers: [{name: "{{tier}}", contacts: [{type: sms, address: "1"}]}]}',
    ):
        with pytest.raises(ConfigError, match="no such name under variables"):
            parse(wrong, "here")


def test_rounds_that_are_alike_are_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STEADYHAND_HOME", str(tmp_path / "home"))
    path = tmp_path / "incident-config.yaml"
    path.write_text(FILLED)
    main(["config", "check", "--severity", "SEV2", "--at", "2026-01-31T02:00Z", "--config", str(path)])
    lines = [one.strip() for one in capsys.readouterr().out.splitlines()[2:] if "PROBLEM" not in one]
    everybody = "slack #incidents, pagerduty primary, slack U1, email boss@example.org"
    assert lines == [
        "after 0s: on_call by slack #incidents, pagerduty primary (answer within 15m)",
        "after 30m: team_lead by slack U1 (answer within 1h)",
        "after 2h30m: manager by email boss@example.org (answer within 30m)",
        "after 3h30m: all of it again, 3 times",
        f"after 14h: last_resort by {everybody} (answer within 15m)",
        "then every 30m: last_resort again, until somebody answers",
    ]
