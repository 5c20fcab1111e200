"""incident-config.yaml: what is wrong is named by its key, and nothing is guessed."""

from datetime import timedelta
from pathlib import Path

import pytest
from config.compact import FILLED

from steadyhand.adapters.machine import secret
from steadyhand.config import IncidentConfig, load, parse
from steadyhand.ports import ConfigError


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "x.yaml")
    return str(caught.value)


def test_an_empty_file_is_all_defaults() -> None:
    assert parse("", "x.yaml") == IncidentConfig()
    assert parse("# only words", "x.yaml") == IncidentConfig()


def test_the_shipped_file_says_the_defaults() -> None:
    shipped = Path(__file__).parents[2] / "incident-config.yaml"
    assert load(shipped).escalation.policies


def test_the_compact_escalation_loads_as_it_is_written() -> None:
    config = parse(FILLED, "x.yaml")
    tiers = config.escalation.tiers
    assert [one.name for one in tiers] == ["on_call", "team_lead", "manager"]
    assert [one.escalate_after for one in tiers] == [timedelta(minutes=n) for n in (30, 120, 60)]
    assert [one.response_time_minutes for one in tiers] == [timedelta(minutes=n) for n in (15, 60, 30)]
    assert [(one.type, one.whom) for tier in tiers for one in tier.contacts] == [
        ("slack", "#incidents"),
        ("pagerduty", "primary"),
        ("slack", "U1"),
        ("email", "boss@example.org"),
    ]
    assert config.policy("SEV1").treatment.create_war_room
    assert not config.policy("SEV3").treatment.auto_escalate


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("escalations: {}", "escalations"),
        ("escalation: {tier: []}", "escalation.tier"),
        ("services: [{name: shop, dependson: []}]", "services.0.dependson"),
        (
            "escalation: {tiers: [{name: a, contacts: [{type: sms, usr: b}]}]}",
            "escalation.tiers.0.contacts.0.usr",
        ),
        ("connections: {logs: [{kind: files, fils: {}}]}", "fils"),
        ("approval: {answer_within_minutes: 5}", "approval.answer_within_minutes"),
    ],
)
def test_an_unknown_key_is_named_with_its_path(text: str, key: str) -> None:
    found = refused(text)
    assert f"{key}: no such key" in found
    assert found.startswith("x.yaml: ")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("canary: {share: 2}", "canary.share"),
        ("canary: {soak: soon}", "canary.soak"),
        ("canary: {soak: -5}", "canary.soak"),
        ("escalation: {tiers: []}", "escalation: tiers or policies must name somebody"),
        ("escalation: {tiers: [{name: a, contacts: [], escalate_after: 5}]}", "escalation.tiers.0.contacts"),
        ("escalation: {tiers: [{name: a, contacts: [{type: sms}], escalate_after: .inf}]}", "escalate_after"),
        ("severity_rules: {SEV9: {}}", "severity_rules.SEV9"),
        ("listen: {port: 0}", "listen.port"),
        ("autonomy: {level: yolo}", "autonomy.level"),
        ("services: [{name: shop, depends_on: [nowhere]}]", "services.shop.depends_on names 'nowhere'"),
        ("services: [{name: shop}, {name: shop}]", "two services are named 'shop'"),
        ("variables: {lead: 7}", "variables.lead"),
        ("people: [{name: a}, {name: a}]", "two people are named 'a'"),
        (
            "escalation: {tiers: [{name: a, contacts: [{person: zed}]}]}",
            "a names 'zed', who is not under people",
        ),
        ("escalation: {tiers: [{name: a, contacts: [{schedule: s}]}]}", "'s', which is not under schedules"),
        (
            "schedules: [{name: s, time_zone: UTC, layers: [{people: [zed], starts: 2026-01-05T09:00}]}]",
            "schedules.s names 'zed', who is not under people",
        ),
        ("escalation: {policies: [{name: p, tiers: [{name: a, contacts: [{type: sms}]}]}]}", "last_resort"),
        (
            "escalation: {tiers: [{name: a, contacts: [{type: sms}]}, {name: a, contacts: [{type: sms}]}]}",
            "tiers holds 'a' twice",
        ),
        (
            "escalation: {policies: [{name: p, tiers: [{name: a, contacts: []}], last_resort: []}]}",
            "escalation.policies.0.last_resort",
        ),
        ("escalation: {assign: [{policy: night}]}", "assign names 'night', which is no policy here"),
        ("escalation: {quiet_hours: {time_zone: Mars, starts: 22:00, ends: 07:00}}", "quiet_hours.time_zone"),
        ("variables: []", "variables"),
    ],
)
def test_a_wrong_value_is_named_with_its_path_when_the_file_is_read(text: str, key: str) -> None:
    assert key in refused(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "escalation: {tiers: [{name: a, contacts: []}]}",
            ["escalation.tiers.0.contacts: it must hold at least 1 entry"],
        ),
        ("services: [{tier: 1}]", ["services.0.name: it must be given"]),
        (
            "schedules: [{name: s, time_zone: UTC, layers: [{people: [], starts: 2026-01-05T09:00}]}]",
            ["schedules.0.layers.0.people: it must hold at least 1 entry"],
        ),
    ],
)
def test_what_is_missing_is_told_once_and_in_words_of_the_file(text: str, told: list[str]) -> None:
    assert refused(text).splitlines() == [f"x.yaml: {one}" for one in told]


def test_every_problem_is_told_at_once() -> None:
    assert len(refused("canary: {share: 2}\nfoo: 1\nlisten: {port: 0}").splitlines()) == 3


@pytest.mark.parametrize("text", ["a: [", "\tx: 1", "a: b: c", "a: !!python/object:os.system x"])
def test_bad_yaml_is_told_with_its_place(text: str) -> None:
    assert "x.yaml is not YAML" in refused(text)


@pytest.mark.parametrize("text", ["- a", "words", "7"])
def test_a_file_that_holds_no_sections_is_told_so(text: str) -> None:
    assert "must hold sections" in refused(text)


def test_a_file_that_is_missing_or_no_text_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "nowhere.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(tmp_path / "bytes.yaml")


# variables


def address(variables: str, value: str) -> str:
    tier = f"{{name: a, contacts: [{{type: email, address: {value}}}]}}"
    text = f"variables: {variables}\nescalation: {{tiers: [{tier}]}}"
    return parse(text, "x.yaml").escalation.tiers[0].contacts[0].address


@pytest.mark.parametrize("spelled", ['"{{who}}"', '"{{ who }}"', '"{{  who}}"'])
def test_a_variable_is_put_in_where_it_stands(spelled: str) -> None:
    assert address("{who: bo@example.org}", spelled) == "bo@example.org"


def test_a_variable_is_put_in_within_a_longer_text_and_more_than_once() -> None:
    assert address("{who: bo, where: example.org}", '"{{who}}+{{who}}@{{where}}"') == "bo+bo@example.org"


@pytest.mark.parametrize("value", ['"x {{who}} y"', '"{{}}"', '"{{ a b }}"', '"{{who"'])
def test_a_variable_that_is_not_set_is_never_taken_for_its_own_name(value: str) -> None:
    with pytest.raises(ConfigError, match=r"\{\{"):
        address("{other: x}", value)


def test_a_variable_holds_a_value_and_no_other_variable() -> None:
    with pytest.raises(ConfigError, match=r"variables\.a"):
        address('{a: "{{b}}", b: x}', '"{{a}}"')


# secrets


def test_a_secret_that_is_named_and_not_set_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_DSN", raising=False)
    with pytest.raises(ConfigError, match=r"environment variable SHOP_DSN .* not set"):
        secret("SHOP_DSN")
    monkeypatch.setenv("SHOP_DSN", "")
    with pytest.raises(ConfigError, match="SHOP_DSN"):
        secret("SHOP_DSN")


def test_a_secret_does_not_show_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DSN", "postgres://u:hunter2@h/d")
    found = secret("SHOP_DSN")
    assert "hunter2" not in f"{found!r} {found}"
    assert secret("") is None


# connections


@pytest.mark.parametrize(
    "text",
    [
        "channels: [{kind: terminal}, {kind: terminal, path: /dev/null}]",
        "databases: [{kind: postgres, name: a, dsn_env: A}, {kind: postgres, name: a, dsn_env: B}]",
        "hands: [{kind: postgres, name: a, dsn_env: A}, {kind: postgres, name: a, dsn_env: B}]",
    ],
)
def test_two_connections_of_one_name_are_refused_for_one_would_be_lost(text: str) -> None:
    assert "twice" in refused(f"connections: {{{text}}}")


def test_a_source_without_a_kind_is_of_the_kind_that_once_was_the_only_one() -> None:
    text = "connections: {logs: [{files: {shop: [/x.log]}}], metrics: [{url: 'http://prometheus:9090'}]}"
    found = parse(text, "x.yaml").connections
    assert [one.kind for one in (*found.logs, *found.metrics)] == ["files", "prometheus"]
