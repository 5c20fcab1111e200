"""`steadyhand config check` names channels that contacts call and nobody configured."""

from pathlib import Path

import pytest
from config.compact import FILLED

from steadyhand.cli import main
from steadyhand.config import parse
from steadyhand.ports import ConfigError

CONFIG = """
connections:
  channels:
    - {kind: pagerduty, routing_key_envs: {primary: PD_KEY}}
    - {kind: slack, name: slack-eu, token_env: SLACK}
escalation:
  tiers:
    - name: on_call
      contacts:
        - {type: pagerduty, service: second}
        - {type: slack-eu, channel: "#incidents"}
        - {type: slack, channel: "#incidents"}
war_room: {channel: chat}
stakeholders: {contacts: [{type: email, address: board@example.org}]}
"""


def test_each_contact_without_a_channel_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PD_KEY", "SLACK"):
        monkeypatch.setenv(name, "secret")
    path = tmp_path / "incident-config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    assert main(["config", "check", "--config", str(path)]) == 1
    told = [one.strip() for one in capsys.readouterr().out.splitlines() if "PROBLEM" in one]
    assert told == [
        "PROBLEM: war_room.channel: connections.channels has no Slack channel 'chat'",
        "PROBLEM: stakeholders: connections.channels has no email",
        "PROBLEM: escalation: pagerduty has no routing key for 'second' in routing_key_envs",
    ]


def test_several_channels_of_one_kind_need_names_of_their_own() -> None:
    links = parse(CONFIG, "here").connections
    assert [one.called for one in links.channels] == ["pagerduty", "slack-eu"]
    twice = CONFIG.replace(
        "kind: pagerduty, routing_key_envs: {primary: PD_KEY}", "kind: slack, token_env: S"
    )
    same = twice.replace("kind: slack, token_env: S", "kind: slack, name: slack-eu, token_env: S")
    with pytest.raises(ConfigError, match="channels holds 'slack-eu' twice"):
        parse(same, "here")


def test_channels_that_lack_their_secret_are_told_and_block_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACK", raising=False)
    monkeypatch.setenv("PD_KEY", "0123456789abcdef0123456789abcdef")
    path = tmp_path / "incident-config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    assert main(["channels", "check", "--config", str(path)]) == 1
    out = capsys.readouterr().out
    assert "pagerduty: ready" in out
    assert "slack-eu: NOT READY" in out
    assert "SLACK is named in the configuration but not set" in out


def told(path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> str:
    path.write_text(text, encoding="utf-8")
    assert main(["config", "check", "--severity", "SEV1", "--config", str(path)]) == 1
    return capsys.readouterr().out


def test_a_secret_that_the_environment_does_not_hold_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STEADYHAND_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PD_KEY", "secret")
    monkeypatch.delenv("SLACK", raising=False)
    said = told(tmp_path / "c.yaml", f"{CONFIG}\nwatchdog: {{url_env: WD_NOPE}}\n", capsys)
    assert "PROBLEM: connections.channels slack-eu: token_env: the environment variable SLACK" in said
    assert "PROBLEM: watchdog: url_env: the environment variable WD_NOPE" in said
    assert "PD_KEY" not in said


def test_what_severity_rules_ask_for_and_nobody_is_named_for_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STEADYHAND_HOME", str(tmp_path / "home"))
    said = told(tmp_path / "c.yaml", FILLED, capsys)
    assert "PROBLEM: severity_rules.SEV1: create_war_room, but war_room.channel names none" in said
    assert "PROBLEM: severity_rules.SEV1: notify_stakeholders, but stakeholders.contacts names nobody" in said
    assert "severity_rules.SEV2" not in said
    more = "war_room: {channel: slack}\nstakeholders: {contacts: [{type: email, address: a@b.c}]}\n"
    said = told(tmp_path / "c.yaml", f"{FILLED}\n{more}", capsys)
    assert "severity_rules." not in said
    assert "after 0s: a war room by slack, with whoever is told by it" in said
    assert "after 0s, then every 30m: stakeholders by email a@b.c" in said
