import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from adapters.posting import NOW, alerts
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.adapters.alerts.alertmanager import Alertmanager, AlertmanagerSettings
from steadyhand.adapters.alerts.generic import GenericAlerts, GenericAlertSettings
from steadyhand.ports import BadAlert

MANAGER = Alertmanager(AlertmanagerSettings())
GENERIC = GenericAlerts(GenericAlertSettings())

FIRING = {
    "status": "firing",
    "labels": {"alertname": "HighLatency", "service": "shop", "severity": "warning", "route": "/orders"},
    "annotations": {"summary": "p95 is 1.2 s", "value": "1.2"},
    "startsAt": "2026-01-31T02:04:00.123456789Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prom:9090/graph?g0.expr=max%28up%29+%3D%3D+0&g0.tab=1",
    "fingerprint": "a1b2c3d4e5f60718",
}


def post(*alerts: object, **changes: object) -> bytes:
    whole = {"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "x", "alerts": list(alerts)}
    return json.dumps(whole | changes).encode()


def changed(**changes: object) -> dict[str, object]:
    return FIRING | changes


def test_an_alert_carries_what_the_post_says() -> None:
    (alert,) = alerts(MANAGER, post(FIRING), NOW)
    assert (alert.name, alert.service, alert.severity) == ("HighLatency", "shop", "warning")
    assert alert.status == "firing"
    assert alert.starts_at == datetime(2026, 1, 31, 2, 4, 0, 123456, tzinfo=UTC)
    assert alert.value == 1.2
    assert alert.expression == "max(up) == 0"
    assert alert.labels["route"] == "/orders"


def test_each_alert_has_its_own_status_not_the_groups() -> None:
    found = alerts(MANAGER, post(FIRING, changed(status="resolved", fingerprint="ff")), NOW)
    assert [one.status for one in found] == ["firing", "resolved"]


def test_a_repeat_and_a_new_episode_have_the_same_dedup_key_and_another_start() -> None:
    again = changed(annotations={"value": "7"}, startsAt="2026-01-31T03:04:00.123456789+01:00")
    later = changed(startsAt="2026-01-31T02:05:00Z")
    first, second, third = alerts(MANAGER, post(FIRING, again, later), NOW)
    assert first.dedup_key == second.dedup_key == third.dedup_key
    assert first.starts_at == second.starts_at < third.starts_at


def test_without_a_fingerprint_the_labels_tell_alerts_apart() -> None:
    one, two = alerts(MANAGER, post(changed(fingerprint=""), changed(fingerprint="", labels={"a": "b"})), NOW)
    assert one.dedup_key != two.dedup_key


def test_the_service_label_is_configurable_and_a_missing_one_still_pages() -> None:
    reader = Alertmanager(AlertmanagerSettings(service_labels=("app", "job")))
    named, lost = alerts(reader, post(changed(labels={"job": "api"}), changed(labels={})), NOW)
    assert (named.service, lost.service) == ("api", "unknown")
    assert lost.name == "unnamed alert"


def test_an_alert_from_the_future_starts_now() -> None:
    (alert,) = alerts(MANAGER, post(changed(startsAt="2026-02-01T00:00:00Z")), NOW)
    assert alert.starts_at == NOW


@pytest.mark.parametrize("text", ["83 %", "", "NaN", "+Inf"])
def test_a_value_that_is_no_number_is_none(text: str) -> None:
    (alert,) = alerts(MANAGER, post(changed(annotations={"value": text})), NOW)
    assert alert.value is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"not json", "body"),
        (b"[]", "body"),
        (post(FIRING, version="3"), "version"),
        (post(changed(status="burning")), "alerts[0].status"),
        (post(FIRING, changed(startsAt="soon")), "alerts[1].startsAt"),
        (post(changed(startsAt="0001-01-01T00:00:00+14:00")), "alerts[0].startsAt"),
        (post(changed(startsAt="2026-01-31T02:04:00")), "alerts[0].startsAt"),
        (post(changed(labels={"service": 5})), "alerts[0].labels.service"),
        (post(*[FIRING] * 501), "alerts"),
        (b'{"version": "4", "alerts": [' + b" " * 2_000_000 + b"]}", "body"),
    ],
)
def test_garbage_is_refused_by_the_name_of_the_field(body: bytes, field: str) -> None:
    with pytest.raises(BadAlert) as caught:
        alerts(MANAGER, body, NOW)
    assert str(caught.value).startswith(f"{field}:")


def test_a_refusal_never_quotes_the_value() -> None:
    with pytest.raises(BadAlert) as caught:
        alerts(MANAGER, post(changed(status="hunter2-secret")), NOW)
    assert "hunter2" not in str(caught.value)


def test_the_generic_form_needs_only_a_title_and_a_service() -> None:
    (alert,) = alerts(GENERIC, b'{"title": "Checkout is slow", "service": "shop"}', NOW)
    assert (alert.name, alert.service, alert.status, alert.starts_at) == (
        "Checkout is slow",
        "shop",
        "firing",
        NOW,
    )


def test_the_generic_form_can_end_what_it_began() -> None:
    began, ended = (
        alerts(GENERIC, json.dumps({"title": "t", "service": "s", "status": status}).encode(), at)[0]
        for status, at in (("firing", NOW), ("resolved", NOW + timedelta(minutes=1)))
    )
    assert began.dedup_key == ended.dedup_key
    assert ended.status == "resolved"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"service": "shop"}, "title"),
        ({"title": " ", "service": "shop"}, "title"),
        ({"title": "t"}, "service"),
        ({"title": "t", "service": "s", "servce": "typo"}, "servce"),
        ({"title": "t", "service": "s", "starts_at": "yesterday"}, "starts_at"),
        ({"title": "t", "service": "s", "labels": {"n": 1}}, "labels.n"),
    ],
)
def test_the_generic_form_names_what_is_wrong(body: object, field: str) -> None:
    with pytest.raises(BadAlert) as caught:
        alerts(GENERIC, json.dumps(body).encode(), NOW)
    assert str(caught.value).startswith(f"{field}:")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [*FIRING, "version", "alerts", "title", "service", "starts_at", "summary", "dedup_key", "labels"]
NEARLY = st.dictionaries(st.sampled_from(FIELDS), JSON)
DATES = st.text(alphabet="0123456789-+:TZ.", max_size=30) | st.integers() | st.floats()


@given(st.binary() | JSON.map(json.dumps).map(str.encode) | NEARLY.map(json.dumps).map(str.encode))
def test_any_bytes_are_alerts_or_a_named_refusal(body: bytes) -> None:
    for reader in (MANAGER, GENERIC):
        with suppress(BadAlert):
            assert alerts(reader, body, NOW) is not None


@given(NEARLY, DATES, st.text(), st.text(), st.dictionaries(st.text(), st.text()))
def test_any_field_of_an_alert_may_be_anything(
    noise: dict[str, object], date: object, url: str, value: str, labels: dict[str, str]
) -> None:
    odd = FIRING | noise | {"startsAt": date}
    fine = changed(generatorURL=url, annotations={"value": value, "summary": value * 50}, labels=labels)
    for body in (post(odd), post(fine)):
        with suppress(BadAlert):
            assert len(alerts(MANAGER, body, NOW)) == 1
