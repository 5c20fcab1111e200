"""What each vendor's post becomes, and which posts are not believed."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from adapters.posting import NOW, alerts, deliver
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from steadyhand.adapters.alerts.datadog import Datadog, DatadogSettings
from steadyhand.adapters.alerts.generic import GenericAlerts, GenericAlertSettings
from steadyhand.adapters.alerts.grafana import Grafana, GrafanaSettings
from steadyhand.adapters.alerts.opsgenie import Opsgenie, OpsgenieSettings
from steadyhand.adapters.alerts.pagerduty import PagerDuty, PagerDutySettings
from steadyhand.adapters.alerts.signing import StandardWebhooks
from steadyhand.adapters.alerts.webhook import WebhookAlerts, WebhookAlertSettings
from steadyhand.ports import AlertRefused, BadAlert, ConfigError, NotAuthentic, Post, Replayed

OLD, NEW = "old-signing-secret", "new-signing-secret"
LATER = NOW + timedelta(hours=3)


def hexed(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


# PagerDuty

PAGERDUTY = PagerDuty(
    PagerDutySettings(secrets_env=("A", "B"), services={"PIJ90N7": "shop"}), [SecretStr(NEW), SecretStr(OLD)]
)


def event(kind: str = "incident.triggered", **changes: object) -> bytes:
    data = {
        "id": "PGR0VU2",
        "type": "incident",
        "title": "A little bump in the road",
        "incident_key": "d3640fbd41094207a1c11e58e46b1662",
        "created_at": "2026-01-31T02:04:00Z",
        "urgency": "high",
        "priority": {"id": "PSO75BM", "summary": "P1"},
        "service": {"id": "PIJ90N7", "summary": "Checkout service"},
    } | changes
    whole = {
        "id": "5ac64822-4adc-4fda-ade0-410becf0de4f",
        "event_type": kind,
        "resource_type": "incident",
        "occurred_at": "2026-01-31T02:04:30.000Z",
        "agent": None,
        "data": data,
    }
    return json.dumps({"event": whole}).encode()


def paged(body: bytes, *secrets: str, at: datetime = NOW) -> dict[str, object]:
    signature = ",".join(f"v1={hexed(one, body)}" for one in secrets)
    return {"body": body, "at": at, "x_pagerduty_signature": signature, "x_webhook_id": "wh-1"}


def test_a_triggered_incident_of_pagerduty_fires() -> None:
    found = deliver(PAGERDUTY, **paged(event(), NEW))
    (alert,) = found.alerts
    assert (alert.name, alert.service, alert.status) == ("A little bump in the road", "shop", "firing")
    assert (alert.severity, alert.dedup_key) == ("critical", "d3640fbd41094207a1c11e58e46b1662")
    assert found.id == "wh-1"


@pytest.mark.parametrize(
    "kind", ["incident.acknowledged", "pagey.ping", "service.updated", "incident.new_kind"]
)
def test_an_event_that_is_no_alert_is_accepted_and_ignored(kind: str) -> None:
    found = deliver(PAGERDUTY, **paged(event(kind), NEW))
    assert found.alerts == ()
    assert kind in found.note


def test_resolved_ends_it_and_the_key_stays() -> None:
    (began,) = deliver(PAGERDUTY, **paged(event(), NEW)).alerts
    (ended,) = deliver(PAGERDUTY, **paged(event("incident.resolved"), NEW)).alerts
    assert (began.dedup_key, ended.status) == (ended.dedup_key, "resolved")


@pytest.mark.parametrize("secrets", [(NEW,), (OLD,), (OLD, NEW), ("other", OLD)])
def test_any_signature_of_the_list_is_enough_while_secrets_rotate(secrets: tuple[str, ...]) -> None:
    assert deliver(PAGERDUTY, **paged(event(), *secrets)).alerts


@pytest.mark.parametrize("secrets", [(), ("other",), ("other", "another")])
def test_without_a_signature_of_ours_nothing_is_believed(secrets: tuple[str, ...]) -> None:
    with pytest.raises(NotAuthentic):
        deliver(PAGERDUTY, **paged(event(), *secrets))


def test_the_raw_bytes_are_signed_not_what_they_mean() -> None:
    post = paged(event(), NEW) | {"body": json.dumps(json.loads(event()), indent=1).encode()}
    with pytest.raises(NotAuthentic):
        deliver(PAGERDUTY, **post)


def test_an_old_event_is_refused_though_it_is_signed() -> None:
    with pytest.raises(Replayed, match="occurred_at"):
        deliver(PAGERDUTY, **paged(event(), NEW, at=LATER))


def test_our_own_page_does_not_come_back_as_an_alert() -> None:
    found = deliver(PAGERDUTY, **paged(event(incident_key="steadyhand-inc-12"), NEW))
    assert (found.alerts, found.note) == ((), "our own page, come back")


# Opsgenie and Jira Service Management

OPSGENIE = Opsgenie(OpsgenieSettings())


def action(kind: str = "Create", **changes: object) -> dict[str, object]:
    alert = {
        "alertId": "44f717bf-44bd-11c9",
        "message": "checkout is slow",
        "alias": "checkout-slow",
        "tags": ["prod", "service:shop"],
        "details": {"region": "eu"},
        "entity": "checkout",
        "priority": "P2",
        "createdAt": 1769824800000,
    } | changes
    return {"action": kind, "alert": alert, "source": {"name": "web"}, "integrationName": "Steadyhand"}


def test_an_alert_of_opsgenie_fires_and_closes() -> None:
    (began,) = alerts(OPSGENIE, action())
    (ended,) = alerts(OPSGENIE, action("Close"))
    assert (began.name, began.service, began.severity) == ("checkout is slow", "shop", "error")
    assert began.starts_at == datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
    assert (began.dedup_key, ended.status) == (ended.dedup_key, "resolved")


@pytest.mark.parametrize(
    ("change", "service"), [({"tags": []}, "checkout"), ({"tags": [], "entity": None}, "unknown")]
)
def test_the_entity_stands_in_for_a_service(change: dict[str, object], service: str) -> None:
    (alert,) = alerts(OPSGENIE, action(**change))
    assert alert.service == service


def test_an_action_that_neither_begins_nor_ends_is_ignored() -> None:
    assert deliver(OPSGENIE, action("AddNote")).alerts == ()
    assert deliver(OPSGENIE, action(alias="steadyhand-inc-1")).alerts == ()


def test_the_same_form_serves_jira_service_management() -> None:
    source = Opsgenie(OpsgenieSettings(kind="jsm_operations", name="jsm"))
    (alert,) = alerts(source, action())
    assert alert.source == "jsm"


# Datadog

DATADOG = Datadog(DatadogSettings())


def dog(transition: str = "Triggered", **changes: object) -> dict[str, object]:
    return {
        "title": "[Triggered] checkout errors",
        "status": "trace.errors over service:shop was > 5",
        "transition": transition,
        "priority": "P1",
        "aggreg_key": "9bd4ac313a4d1e8fae2482df7b77628",
        "scope": "service:shop,host:a",
        "tags": "env:prod,service:shop",
        "query": "sum(last_5m):...",
        "id": "7",
    } | changes


def test_an_alert_of_datadog_fires_and_recovers() -> None:
    (began,) = alerts(DATADOG, dog())
    (ended,) = alerts(DATADOG, dog("Recovered"))
    assert (began.service, began.severity, began.labels["env"]) == ("shop", "critical", "prod")
    assert (began.dedup_key, ended.status) == (ended.dedup_key, "resolved")


def test_each_scope_of_one_monitor_is_an_alert_of_its_own() -> None:
    (one,), (two,) = alerts(DATADOG, dog()), alerts(DATADOG, dog(scope="service:shop,host:b"))
    assert one.dedup_key != two.dedup_key


def test_missing_data_fires_and_warns() -> None:
    (alert,) = alerts(DATADOG, dog("No Data"))
    assert (alert.status, alert.severity) == ("firing", "warning")


def test_a_payload_without_the_transition_is_refused_with_the_way_out() -> None:
    with pytest.raises(BadAlert, match="ALERT_TRANSITION"):
        alerts(DATADOG, dog("$ALERT_TRANSITION"))


# Grafana

STAMPED = Grafana(GrafanaSettings(secrets_env=("A",), timestamp_header="X-Stamp"), [SecretStr(NEW)])
PLAIN = Grafana(GrafanaSettings(secrets_env=("A",)), [SecretStr(NEW)])
OPEN = Grafana(GrafanaSettings())


def graph(**changes: object) -> bytes:
    alert = {
        "status": "firing",
        "labels": {"alertname": "High latency", "service": "shop", "grafana_folder": "x"},
        "annotations": {"summary": "p95 is 1.2 s"},
        "startsAt": "2026-01-31T02:04:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "values": {"B": 22.5, "C": 1},
        "valueString": "[ var='B' value=22.5 ]",
        "generatorURL": "https://play.test/alerting/1afz29v7z/edit",
        "fingerprint": "c6eadffa33fcdf37",
    } | changes
    return json.dumps(
        {"version": "1", "orgId": 1, "status": "firing", "state": "alerting", "alerts": [alert]}
    ).encode()


def test_an_alert_of_grafana_carries_its_value() -> None:
    (alert,) = alerts(OPEN, graph())
    assert (alert.name, alert.service, alert.value) == ("High latency", "shop", 22.5)
    (bare,) = alerts(OPEN, graph(values=None))
    assert bare.value is None


def test_a_signature_of_grafana_covers_the_body_and_the_time() -> None:
    now, stamp = graph(), str(int(NOW.timestamp()))
    assert alerts(PLAIN, now, x_grafana_alerting_signature=hexed(NEW, now))
    signed = hexed(NEW, stamp.encode() + b":" + now)
    assert alerts(STAMPED, now, x_stamp=stamp, x_grafana_alerting_signature=signed)
    with pytest.raises(Replayed):
        alerts(STAMPED, now, LATER, x_stamp=stamp, x_grafana_alerting_signature=signed)
    for wrong in ({}, {"x_stamp": stamp}, {"x_grafana_alerting_signature": hexed(NEW, now)}):
        with pytest.raises(NotAuthentic):
            alerts(STAMPED, now, **wrong)


# a tool whose JSON cannot be changed

ZABBIX = WebhookAlerts(
    WebhookAlertSettings.model_validate(
        {
            "name": "zabbix",
            "mapping": {
                "title": "event.name",
                "service": "host.tags.0.service",
                "severity": "event.severity",
                "status": "event.value",
                "dedup_key": ("event.id", "host.name"),
                "value": "item.value",
                "labels": {"host": "host.name", "gone": "not.there"},
            },
            "severities": {"5": "critical"},
        }
    )
)
TROUBLE = {
    "event": {"name": "Disk full", "severity": 5, "value": 1, "id": 812},
    "host": {"name": "db-1", "tags": [{"service": "postgres"}]},
    "item": {"value": "97.5"},
}


def test_the_configured_paths_say_where_things_stand() -> None:
    (alert,) = alerts(ZABBIX, TROUBLE)
    assert (alert.name, alert.service, alert.severity, alert.value) == (
        "Disk full",
        "postgres",
        "critical",
        97.5,
    )
    assert (alert.status, alert.labels) == ("firing", {"host": "db-1"})
    (ended,) = alerts(ZABBIX, TROUBLE | {"event": TROUBLE["event"] | {"value": 0}})
    assert (ended.status, ended.dedup_key) == ("resolved", alert.dedup_key)


def test_a_list_of_alerts_is_read_entry_by_entry() -> None:
    mapping = {"title": "t", "service": "$.from", "dedup_key": ("id",), "each": "problems"}
    source = WebhookAlerts(WebhookAlertSettings.model_validate({"name": "x", "mapping": mapping}))
    found = alerts(source, {"from": "shop", "problems": [{"t": "a", "id": "1"}, {"t": "b", "id": "2"}]})
    assert [(one.name, one.service, one.dedup_key) for one in found] == [
        ("a", "shop", "1"),
        ("b", "shop", "2"),
    ]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"{", "body"),
        (b"\xff", "body"),
        (b"[" * 100_000, "body"),
        ({"event": {}}, "event.name"),
        ({"event": {"name": {"deep": 1}}}, "event.name"),
        (TROUBLE | {"event": {"name": "x"}, "host": {}}, "event.id"),
    ],
)
def test_what_does_not_fit_the_mapping_is_refused_by_its_path(body: object, place: str) -> None:
    with pytest.raises(BadAlert, match=f"^{place}:"):
        alerts(ZABBIX, body)


# Standard Webhooks

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0cw=="
SIGNED = GenericAlerts(GenericAlertSettings(secrets_env=("A",)), [SecretStr(SECRET)])


@given(st.binary(max_size=200), st.binary(max_size=3), st.sampled_from([0, 1, 299, 301, 4000]))
def test_the_published_verifier_of_standard_webhooks_agrees(body: bytes, noise: bytes, age: int) -> None:
    now = datetime.now(UTC).replace(microsecond=0)  # theirs reads the clock
    oracle, ours = Webhook(SECRET), StandardWebhooks([SecretStr(SECRET)], timedelta(minutes=5))
    body = body.decode(errors="replace").encode()  # theirs reads text
    at = now - timedelta(seconds=age)
    signature = oracle.sign("msg_1", at, body.decode())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    sent = (body + noise).decode(errors="replace").encode()
    post = Post(headers=headers, body=sent, received_at=now)
    assert _passes(lambda: ours.check(post)) is _passes(lambda: oracle.verify(sent, headers))


def _passes(check: Callable[[], object]) -> bool:
    try:
        check()
    except (AlertRefused, WebhookVerificationError):
        return False
    except json.JSONDecodeError:  # theirs reads the body once it believes it
        return True
    return True


def test_a_signed_post_gives_its_id_so_that_a_second_try_is_known() -> None:
    body = b'{"title": "t", "service": "s"}'
    signature = Webhook(SECRET).sign("msg_7", NOW, body.decode())
    headers = {"webhook_id": "msg_7", "webhook_timestamp": str(int(NOW.timestamp()))}
    assert deliver(SIGNED, body, webhook_signature=f"v1,AAAA {signature}", **headers).id == "msg_7"


def test_a_secret_that_is_none_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="base64"):
        StandardWebhooks([SecretStr("whsec_***")], timedelta(minutes=5))


# whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@given(
    base=st.sampled_from([action(), dog(), json.loads(graph()), TROUBLE]),
    noise=st.dictionaries(
        st.sampled_from(["action", "alert", "title", "alerts", "event", "host", "scope"]), JSON
    ),
)
def test_any_field_may_be_anything_and_is_an_alert_or_refused(base: dict[str, object], noise: object) -> None:
    assert isinstance(noise, dict)
    for source in (OPSGENIE, DATADOG, OPEN, ZABBIX):
        try:
            found = deliver(source, base | noise)
        except AlertRefused:
            continue
        assert found.source == source.name
