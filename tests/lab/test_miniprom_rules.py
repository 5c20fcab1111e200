"""Rules, groups and notifications in virtual time."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from steadyhand.lab.miniprom.evaluate.engine import Evaluation
from steadyhand.lab.miniprom.evaluate.parse import parse_expr
from steadyhand.lab.miniprom.labels import NAME, fingerprint, labels_from, show
from steadyhand.lab.miniprom.notify import Notifier, Receiver
from steadyhand.lab.miniprom.rules import load_rules
from steadyhand.lab.miniprom.samples import Store
from steadyhand.lab.miniprom.settings import RulesFile, SettingsError
from steadyhand.lab.miniprom.watch import Watch, unix_ms

START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
HIGH = {
    "alert": "High",
    "expr": "load > 10",
    "for": "3s",
    "labels": {"severity": "warning", "on": "{{ $labels.instance }}"},
    "annotations": {"summary": "load is {{ $value }} on {{$labels.instance}}{{ $labels.absent }}"},
}


def rules_of(*rules: dict[str, Any]) -> list[Any]:
    return load_rules(RulesFile.model_validate({"groups": [{"name": "g", "rules": list(rules)}]}))


@dataclass
class Night:
    """A store, its rules and a receiver, one second at a time."""

    rules: list[Any] = field(default_factory=lambda: rules_of(HIGH))
    answers: Callable[[], httpx2.Response] = lambda: httpx2.Response(200)
    pauses: int = 0
    second: int = 0
    posts: list[tuple[int, httpx2.Request]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store()
        self.watch = Watch(self.rules, self.store)
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))
        receiver = Receiver("http://hook/alerts", "hidden", pauses=(timedelta(0),) * self.pauses)
        self.notifier = Notifier(receiver, http, "http://mini")

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.posts.append((self.second, request))
        return self.answers()

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.second)

    @property
    def told(self) -> list[tuple[int, str, list[str]]]:
        """Return when the receiver was told what: second, group status, status of each alert."""
        bodies = [(second, json.loads(request.content)) for second, request in self.posts]
        return [
            (second, body["status"], [one["status"] for one in body["alerts"]]) for second, body in bodies
        ]

    def pass_seconds(self, count: int, **loads: float) -> None:
        """Let time pass with these loads, by instance; an instance that is not named has no load."""
        for _ in range(count):
            self._measure(loads)
            self.notifier.receive(self.watch.turn(self.now), self.now)
            asyncio.run(self.notifier.tell(self.now))
            self.second += 1

    def _measure(self, loads: dict[str, float]) -> None:
        for instance in ("a", "b"):
            labels = labels_from({NAME: "load", "instance": instance, "service": "shop"})
            if instance in loads:
                self.store.append(labels, unix_ms(self.now), loads[instance])
            else:
                self.store.end(labels, unix_ms(self.now))

    def series(self, query: str) -> list[str]:
        found = Evaluation(self.store).at(parse_expr(query), unix_ms(self.now - timedelta(seconds=1)))
        assert not isinstance(found, float)
        return [show(one.labels) for one in found]


def test_an_alert_pends_then_fires_then_ends() -> None:
    night = Night()
    night.pass_seconds(3, a=11)
    assert [alert.state for alert in night.watch.alerts] == ["pending"]
    night.pass_seconds(1, a=12)
    [alert] = night.watch.alerts
    assert (alert.state, alert.active_at, alert.fired_at) == ("firing", START, START + timedelta(seconds=3))
    night.pass_seconds(1, a=1)
    assert night.watch.alerts == []


def test_an_alert_that_pauses_starts_to_pend_anew() -> None:
    night = Night()
    night.pass_seconds(3, a=11)
    night.pass_seconds(1, a=1)
    night.pass_seconds(3, a=11)
    assert [alert.state for alert in night.watch.alerts] == ["pending"]
    night.pass_seconds(30, a=1)
    assert night.told == []


def test_alerts_are_a_series_while_they_last() -> None:
    night = Night()
    own = 'alertname="High", alertstate="{}", instance="a", on="a", service="shop", severity="warning"'
    night.pass_seconds(1, a=11)
    assert night.series("ALERTS") == ['{__name__="ALERTS", ' + own.format("pending") + "}"]
    night.pass_seconds(3, a=11)
    assert night.series("ALERTS") == ['{__name__="ALERTS", ' + own.format("firing") + "}"]
    night.pass_seconds(1, a=1)
    assert night.series("ALERTS") == []


def test_a_group_waits_a_second_then_tells_and_tells_the_end() -> None:
    night = Night()
    night.pass_seconds(7, a=11)
    night.pass_seconds(6, a=1)
    assert night.told == [(4, "firing", ["firing"]), (9, "resolved", ["resolved"])]


def test_a_second_alert_of_the_group_is_told_at_its_next_turn_with_the_first() -> None:
    night = Night()
    night.pass_seconds(5, a=11)
    night.pass_seconds(10, a=11, b=20)
    assert night.told == [(4, "firing", ["firing"]), (9, "firing", ["firing", "firing"])]


def test_one_resolved_alert_is_told_once_within_a_firing_group() -> None:
    night = Night()
    night.pass_seconds(6, a=11, b=11)
    night.pass_seconds(20, a=11)
    assert night.told == [(4, "firing", ["firing", "firing"]), (9, "firing", ["firing", "resolved"])]


def test_a_firing_alert_is_repeated_every_minute() -> None:
    night = Night()
    night.pass_seconds(130, a=11)
    assert [second for second, _, _ in night.told] == [4, 64, 124]


def test_an_alert_that_ended_before_it_was_told_is_not_told() -> None:
    night = Night()
    night.pass_seconds(4, a=11)
    night.pass_seconds(10, a=1)
    assert night.told == []


def test_a_notification_has_alertmanagers_shape() -> None:
    night = Night()
    night.pass_seconds(6, a=11.5)
    [(_, request)] = night.posts
    assert request.headers["Authorization"] == "Bearer hidden"
    labels = {"alertname": "High", "instance": "a", "on": "a", "service": "shop", "severity": "warning"}
    annotations = {"summary": "load is 11.5 on a"}
    assert json.loads(request.content) == {
        "version": "4",
        "groupKey": '{}:{service="shop"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "steadyhand",
        "groupLabels": {"service": "shop"},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "http://mini",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": annotations,
                "startsAt": "2026-01-31T02:00:03Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://mini/graph?g0.expr=load+%3E+10&g0.tab=1",
                "fingerprint": fingerprint(labels_from(labels)),
            }
        ],
    }


def test_a_fingerprint_is_the_one_alertmanager_gives() -> None:
    labels = {"alertname": "High", "instance": "a:1", "service": "shop", "severity": "warning"}
    assert fingerprint(labels_from(labels)) == "2b1f714dc5411391"
    assert fingerprint(labels_from({"alertname": "NoService"})) == "84eeecfffa702970"


def refused() -> httpx2.Response:
    raise httpx2.ConnectError("refused")


@pytest.mark.parametrize("broken", [refused, lambda: httpx2.Response(500), lambda: httpx2.Response(401)])
def test_a_notification_is_kept_until_the_receiver_is_back(broken: Callable[[], httpx2.Response]) -> None:
    night = Night(answers=broken)
    night.pass_seconds(20, a=11)
    assert [second for second, _, _ in night.told] == [4, 9, 14, 19]
    night.answers = lambda: httpx2.Response(200)
    night.pass_seconds(20, a=11)
    assert [second for second, _, _ in night.told] == [4, 9, 14, 19, 24]


def test_an_end_that_could_not_be_told_is_told_later() -> None:
    night = Night()
    night.pass_seconds(6, a=11)
    night.answers = lambda: httpx2.Response(503)
    night.pass_seconds(5, a=1)
    night.answers = lambda: httpx2.Response(200)
    night.pass_seconds(10, a=1)
    assert [told for told in night.told if told[1] == "resolved"] == [
        (9, "resolved", ["resolved"]),
        (14, "resolved", ["resolved"]),
    ]


@pytest.mark.parametrize(("answer", "tries"), [(500, 3), (400, 1), (200, 1)])
def test_only_a_failure_that_may_pass_is_tried_again_at_once(answer: int, tries: int) -> None:
    night = Night(answers=lambda: httpx2.Response(answer), pauses=2)
    night.pass_seconds(6, a=11)
    assert len(night.posts) == tries


def test_the_token_stays_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    Night(answers=lambda: httpx2.Response(401)).pass_seconds(6, a=11)
    assert "HTTP 401" in caplog.text
    assert "hidden" not in caplog.text


def test_a_rule_that_cannot_be_evaluated_keeps_its_alerts_and_stops_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ambiguous = {"alert": "Ambiguous", "expr": "load * {service='shop',__name__!='ALERTS'} > 0", "for": "0s"}
    night = Night(rules=rules_of(ambiguous, HIGH))
    night.pass_seconds(1, a=11)
    assert [alert.rule.name for alert in night.watch.alerts] == ["Ambiguous", "High"]
    night.store.append(
        labels_from({NAME: "other", "instance": "a", "service": "shop"}), unix_ms(night.now), 1.0
    )
    night.pass_seconds(1, a=11)
    assert [alert.rule.name for alert in night.watch.alerts] == ["Ambiguous", "High"]
    assert "many-to-many" in caplog.text


def test_two_results_with_the_same_alert_labels_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    night = Night(rules=rules_of(HIGH | {"labels": {"instance": "all"}}))
    night.pass_seconds(1, a=11, b=11)
    assert night.watch.alerts == []
    assert "same labelset" in caplog.text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"expr": "absent(load)"}, "rule High: mini-prom does not cover the function"),
        ({"expr": "load >"}, "rule High: "),
        ({"expr": "load[5m]"}, "rule High: "),
        ({"annotations": {"summary": "{{ $value | humanize }}"}}, r"rule High: .*\$value \| humanize"),
        ({"annotations": {"summary": "{{ template }}"}}, "rule High: .*template"),
    ],
)
def test_a_rule_that_is_not_covered_is_refused_at_the_start(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        rules_of(HIGH | change)
