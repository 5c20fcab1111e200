"""What a playbook says of symptoms and checks reaches the ranking: a start for reasoning, and no rule."""

import pytest
from journey.diagnosis.pages import (
    RULE,
    TOPOLOGY,
    busy_neighbour,
    change,
    growing_memory,
    leak,
    lock_queue,
    lost_cache,
    page,
    plain_errors,
    seen,
    silent_provider,
    slow_lookup,
    surge,
    told,
)

from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.mechanisms import MECHANISMS
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.diagnosis.playbook import Shelf, read
from steadyhand.journey.evidence.model import Bearing, Item
from steadyhand.wiring import playbooks

SHELF = playbooks()
FAR = {"between": 4.0, "alone": 4.0, "of_caller": 1.0, "of_callee": 1.0}
RELEASE = change("dep-2", -5)
ERRORS = seen("errors", "errors", "shop", 3, shape="step")


def _said(name: str, template: str, second: float = 3, entity: str = "shop") -> Item:
    return seen(name, "new_log", entity, second, direction="new", severity="ERROR", template=template)


def retries() -> list[Item]:
    calls = seen("calls", "traffic", "shop", 6, shape="step", target="payments")
    return [
        seen("slow", "latency", "shop", 1, shape="step", target="payments"),
        calls.model_copy(update={"normal": 20.0, "now": 70.0}),
        _said("again", "call failed, retrying, attempt <n>", 5),
        ERRORS,
    ]


CASES: dict[str, list[Item]] = {
    "bad-config": [*plain_errors(), change("r120", -4, "config")],
    "bad-release": [*plain_errors(), RELEASE],
    "cache-loss": lost_cache(),
    "certificate-expiry": [
        ERRORS,
        _said("tls", "x509: certificate has expired or is not yet valid: payments"),
        seen("calls", "traffic", "shop", 3, direction="gone", target="payments"),
    ],
    "connection-leak": [*leak(), RELEASE],
    "cpu-starvation": busy_neighbour(),
    "dependency-outage": [
        seen("alive", "up", "orders-db", 1, direction="gone", metric="up"),
        seen("refused", "errors", "shop", 2, shape="step", target="orders-db"),
        _said("gone", "connection refused by orders-db", 2),
        ERRORS,
    ],
    "disk-full": [
        seen("space", "resource", "orders-db", -90, shape="ramp", metric="node_filesystem_used_bytes"),
        _said("enospc", "could not extend file: No space left on device", 2, "orders-db"),
        ERRORS,
    ],
    "lock-queue": lock_queue(),
    "memory-leak": [*growing_memory(), RELEASE],
    "missing-index": [*slow_lookup(), RELEASE],
    "network-fault": [
        seen("calls", "latency", "shop", 2, shape="step", target="memo"),
        _said("reset", "call to memo: connection reset by peer", 3),
        ERRORS,
    ],
    "poison-pill": [
        _said("parse", "ValueError: unexpected value in message <n>, cannot decode", 2),
        seen("alive", "up", "shop", 3, direction="down", metric="up"),
        seen("lag", "waiting", "shop", 5, metric="partition_lag"),
    ],
    "queue-backlog": [
        seen("depth", "waiting", "shop", 2, shape="ramp", metric="queue_depth"),
        seen("done", "traffic", "shop", 2, direction="down", metric="messages_consumed_total"),
        _said("rebalance", "consumer rebalance: redelivering partition <n>"),
    ],
    "retry-storm": retries(),
    "third-party-timeout": silent_provider(),
    "traffic-surge": surge(),
}


def with_shelf(shelf: Shelf | None, items: list[Item]) -> Diagnosis:
    way = Bearing(entity="memo", caller="shop", figures=FAR if items is CASES["network-fault"] else {})
    shown = page(*items).model_copy(update={"arrows": (way,) if way.figures else ()})
    return diagnose(shown, TOPOLOGY, RULE, playbooks=shelf)


def test_there_is_a_small_case_for_every_playbook() -> None:
    assert sorted(CASES) == sorted(one.id for one in SHELF.playbooks)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_small_case_of_each_playbook_is_named_and_brings_the_checks_that_discriminate(name: str) -> None:
    playbook = next(one for one in SHELF.playbooks if one.id == name)
    first = with_shelf(SHELF, CASES[name]).best
    assert first is not None
    assert first.cause.fault_class == playbook.mechanism
    assert {one.name for one in playbook.checks} & {one.name for one in first.checks}
    assert all(one.tool for one in first.checks)


@pytest.mark.parametrize("name", sorted(CASES))
def test_without_playbooks_the_table_says_as_much_as_it_knows(name: str) -> None:
    known = {one.name for one in MECHANISMS}
    playbook = next(one for one in SHELF.playbooks if one.id == name)
    classes = {one.cause.fault_class for one in with_shelf(None, CASES[name]).hypotheses}
    assert (playbook.mechanism in classes) is (playbook.mechanism in known)


def test_a_playbook_is_no_rule_where_the_evidence_speaks_for_something_else() -> None:
    """The words of an expired certificate in a log, and a session that blocks all others."""
    words = _said("tls", "certificate rotated, handshake ok")
    assert (best := with_shelf(SHELF, [*lock_queue(), words]).best) is not None
    assert best.cause.fault_class == "lock_queue"


UNAVAILABLE = (
    seen("edge-errors", "errors", "edge", 4, shape="step"),
    _said("unavailable", "request failed: 503 unavailable", 5),
)


def test_a_dependency_that_is_down_by_its_user_alone_is_a_suspect() -> None:
    found = with_shelf(SHELF, [*UNAVAILABLE, ERRORS]).hypotheses
    assert ("dependency_outage", "shop") in {(one.cause.fault_class, one.cause.entity) for one in found}


def test_a_dependency_that_is_down_by_its_user_alone_yields_to_the_one_that_shows_it() -> None:
    found = with_shelf(SHELF, [*UNAVAILABLE, *silent_provider()]).hypotheses
    causes = [(one.cause.fault_class, one.cause.entity) for one in found]
    assert causes[0] == ("third_party_timeout", "payments")
    assert ("dependency_outage", "shop") not in causes


def test_a_look_alike_is_told_apart_in_the_words_of_the_playbook() -> None:
    best = with_shelf(SHELF, leak()).best
    assert best is not None
    assert any("wait" in one.why and "lock_queue" in one.what for one in best.ruled_out)


def test_a_teams_own_playbook_makes_a_suspect_of_what_no_table_knows() -> None:
    check = {"name": "{the} token", "tool": "query_logs", "look_at": "l", "expect_if_true": "t"}
    own = read(
        {
            "id": "licence-ended",
            "mechanism": "licence_ended",
            "symptoms": [
                {
                    "says": "The licence server {refuses}.",
                    "role": ["new_log"],
                    "words": ["licence"],
                    "worth": 3,
                },
                {"says": "It fails.", "role": ["errors"], "worth": 1},
            ],
            "checks": [check | {"expect_if_false": "f"}],
            "fixes": [{"fix": "Renew it.", "rollback": "None.", "remediation": "rotate_cert"}],
            "traps": ["none"],
        },
        "why",
    )
    best = with_shelf(SHELF.with_own([own]), [ERRORS, _said("ended", "licence refused")]).best
    assert best is not None
    assert (best.cause.fault_class, best.remediation) == ("licence_ended", "rotate_cert")
    assert best.checks[0].name == "{the} token"


def test_calls_that_rise_with_the_requests_of_their_caller_are_no_retry_storm() -> None:
    more = seen("requests", "traffic", "shop", 0, shape="step").model_copy(update={"normal": 10, "now": 36})
    assert (best := told(page(*retries(), more)).best) is None or best.cause.fault_class != "retry_storm"
    first = told(page(*retries())).hypotheses[0]
    assert (first.cause.entity, first.cause.facts["amplification"]) == ("payments", "3.5")
