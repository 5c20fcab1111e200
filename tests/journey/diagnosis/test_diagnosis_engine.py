"""The engine tells faults apart by what the evidence shows, and blames no bystander."""

import pytest
from journey.diagnosis.pages import (
    CONNECTIONS,
    STANDING_SCAN,
    TOPOLOGY,
    at,
    busy_neighbour,
    change,
    growing_memory,
    hanging_provider,
    idle,
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

from steadyhand.journey.diagnosis.model import Hypothesis
from steadyhand.journey.evidence.model import Item, Onset
from steadyhand.journey.topology import Service, Topology

RELEASE = change("dep-2", -5)
COPY_EDIT = change("dep-9", -30, diff="-  Buy now\n+  Order now", summary="one line of copy")


def best(*items: Item) -> Hypothesis:
    found = told(page(*items)).best
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("items", "fault_class", "entity"),
    [
        ([*leak(), RELEASE], "connection_leak", "shop"),
        ([*slow_lookup(), RELEASE], "missing_index", "orders-db"),
        (silent_provider(), "third_party_timeout", "payments"),
        (hanging_provider(), "third_party_timeout", "payments"),
        (lock_queue(), "lock_queue", "orders-db"),
        (lost_cache(), "cache_loss", "memo"),
        (busy_neighbour(), "cpu_starvation", "recompress"),
        ([*growing_memory(), RELEASE], "memory_leak", "shop"),
        (surge(), "traffic_surge", "shop"),
        ([*plain_errors(), change("r120", -4, "config")], "bad_config", "shop"),
        ([*plain_errors(), RELEASE], "bad_release", "shop"),
    ],
)
def test_each_mechanism_is_named_first_at_its_place(items: list[Item], fault_class: str, entity: str) -> None:
    top = best(*items)
    assert (top.cause.fault_class, top.cause.entity) == (fault_class, entity)
    assert top.path[-1].target == "shop"
    assert top.checks


@pytest.mark.parametrize("deploy", [[], [COPY_EDIT]], ids=["no deploy", "an innocent deploy 30 s before"])
@pytest.mark.parametrize(
    ("items", "fault_class"),
    [
        (leak(), "connection_leak"),
        (silent_provider(), "third_party_timeout"),
        (hanging_provider(), "third_party_timeout"),
        (lock_queue(), "lock_queue"),
        (busy_neighbour(), "cpu_starvation"),
        (lost_cache(), "cache_loss"),
    ],
)
def test_five_faults_with_the_same_loudest_log_line_are_told_apart(
    items: list[Item], fault_class: str, deploy: list[Item]
) -> None:
    assert best(*items, *deploy).cause.fault_class == fault_class


@pytest.mark.parametrize(
    "items",
    [silent_provider(), hanging_provider(), lock_queue(), busy_neighbour(), lost_cache(), surge()],
)
def test_an_innocent_deploy_30_s_before_an_outside_fault_is_not_blamed(items: list[Item]) -> None:
    assert best(*items, COPY_EDIT).cause.change_id is None


def test_an_innocent_deploy_without_a_symptom_gives_no_hypothesis() -> None:
    found = told(page(COPY_EDIT, STANDING_SCAN, CONNECTIONS))
    assert found.hypotheses == ()
    assert found.none_of_these == 1.0
    assert found.best is None


def test_a_quiet_page_with_its_ordinary_idle_session_gives_no_hypothesis() -> None:
    one_idle = seen("idle", "idle_in_transaction", "orders-db", count="1", last_query="SELECT 1")
    assert told(page(one_idle, STANDING_SCAN, CONNECTIONS)).hypotheses == ()


def test_a_lone_symptom_that_fits_nothing_leaves_the_engine_abstaining() -> None:
    found = told(page(seen("latency", "latency", "shop", 3), CONNECTIONS))
    assert 3 <= len(found.hypotheses) <= 5
    assert found.best is None


def test_a_release_after_the_onset_is_never_the_cause() -> None:
    late = change("dep-3", 9, diff="+ pool.getconn()")
    for one in told(page(*leak(), late)).hypotheses:
        assert one.cause.change_id is None
    ruled_out = best(*leak(), late).ruled_out
    assert any("after the first sign" in one.why for one in ruled_out)


def test_a_release_within_the_clock_allowance_may_still_be_the_cause() -> None:
    assert best(*leak(), change("dep-3", 6.5)).cause.change_id == "dep-3"


def test_calls_that_hang_only_after_the_caller_filled_up_do_not_blame_the_provider() -> None:
    late = seen("open-calls", "saturation", "shop", 30, shape="step", target="payments")
    assert best(*leak(), late).cause.fault_class == "connection_leak"


def test_more_open_calls_because_more_calls_are_made_do_not_blame_the_provider() -> None:
    items = [
        *surge(),
        seen("calls", "traffic", "shop", 1, target="payments"),
        seen("open-calls", "saturation", "shop", 1, shape="step", target="payments"),
    ]
    assert best(*items).cause.fault_class == "traffic_surge"


def test_calls_missing_behind_a_lock_do_not_blame_the_provider() -> None:
    missing = seen("calls", "traffic", "shop", 2, direction="down", target="payments")
    top = best(*lock_queue(), missing)
    assert (top.cause.fault_class, top.confidence > 0.7) == ("lock_queue", True)


def test_a_release_that_ran_well_for_a_while_is_blamed_less_than_one_just_done() -> None:
    fresh, proven = change("dep-2", -45, took_s="44"), change("dep-2", -45, took_s="10")
    unknown = change("dep-2", -45)
    by_release = [best(*plain_errors(), one).score for one in (fresh, unknown)]
    assert by_release[0] == by_release[1]
    ranked = told(page(*plain_errors(), proven)).hypotheses
    (blamed,) = (one for one in ranked if one.cause.fault_class == "bad_release")
    assert blamed.score == pytest.approx(by_release[0] - 1.0)


def test_of_two_releases_the_nearest_one_is_blamed_when_neither_text_tells() -> None:
    assert best(*leak(), change("dep-1", -400), RELEASE).cause.change_id == "dep-2"


def test_an_earlier_release_whose_diff_touches_the_column_outweighs_a_nearer_one() -> None:
    guilty = change("dep-1", -300, diff="+ WHERE customer_email = $1")
    top = best(*slow_lookup(), guilty, COPY_EDIT)
    assert top.cause.change_id == "dep-1"


def test_a_part_of_a_services_name_in_a_diff_is_no_word_of_the_failure() -> None:
    failure = seen(
        "gone", "new_log", "shop", 3, direction="new", severity="error", template="no favorites in orders"
    )
    guilty = change("dep-1", -110, diff="+ SELECT id FROM favorites")
    namesake = change("dep-2", -30, diff="- background of orders\n+ accent of orders")
    found = told(page(*plain_errors(), failure, guilty, namesake)).hypotheses
    blamed = [one.cause.change_id for one in found if one.cause.fault_class == "bad_release"]
    assert blamed[0] == "dep-1"


def test_a_release_of_a_service_out_of_the_way_is_not_blamed() -> None:
    stranger = Service(name="mailer")
    wider = Topology(services=(*TOPOLOGY.services, stranger))
    found = told(page(*leak(), change("dep-7", -5, service="mailer")), wider)
    assert found.best is not None
    assert found.best.cause.change_id is None


def test_a_restart_with_the_same_version_is_not_blamed() -> None:
    assert best(*leak(), change("dep-1", -30, previous="2.1.0")).cause.change_id is None


def test_the_cause_carries_what_the_remedy_needs() -> None:
    facts = best(*slow_lookup(), RELEASE).cause.facts
    assert facts["database"] == "orders-db"
    assert (facts["table"], facts["columns"], facts["rows"]) == ("orders", "customer_email", "900000")
    assert (facts["service"], facts["version"], facts["previous"]) == ("shop", "2.1.0", "2.0.0")


def test_the_onset_is_the_earliest_sign_and_not_what_users_felt() -> None:
    onset = best(*leak(), RELEASE).onset
    assert onset is not None
    assert onset.at == at(5)


def test_a_gauge_that_a_rollout_moved_does_not_date_a_leak_before_its_first_lost_session() -> None:
    items = [one for one in leak() if one.role not in {"saturation", "idle_in_transaction"}]
    gauge = seen("pool", "saturation", "shop", -5.5, shape="ramp", metric="pool_in_use")
    lost = idle("SELECT id FROM orders", "33", "2").model_copy(
        update={"onset": Onset(at=at(1.4), lo=at(0.4), hi=at(2.4))}
    )
    onset = best(*items, gauge, lost, change("dep-2", -5, took_s="8")).onset
    assert onset is not None
    assert onset.at == at(1.4)


def test_no_fault_is_dated_before_the_change_that_brought_it() -> None:
    items = [one for one in leak() if one.role != "saturation"]
    gauge = seen("pool", "saturation", "shop", -6.5, shape="ramp", metric="pool_in_use")
    onset = best(*items, gauge, change("dep-2", -5, took_s="8")).onset
    assert onset is not None
    assert (onset.lo, onset.at) == (at(-5), at(-5))


def test_a_session_opened_long_after_the_rollout_does_not_move_the_onset() -> None:
    lost = idle("SELECT id FROM orders", "5", "2").model_copy(
        update={"onset": Onset(at=at(30), lo=at(29), hi=at(31))}
    )
    items = [one for one in leak() if one.role != "idle_in_transaction"]
    onset = best(*items, lost, change("dep-2", -5, took_s="8")).onset
    assert onset is not None
    assert onset.at == at(5)


def test_an_existing_index_clears_the_table() -> None:
    scan = STANDING_SCAN.model_copy(update={"facts": STANDING_SCAN.facts | {"index": "orders_email_idx"}})
    items = [scan if one.role == "full_scan" else one for one in slow_lookup()]
    ranked = told(page(*items)).hypotheses
    assert ranked[0].cause.fault_class != "missing_index" or ranked[0].confidence < 0.5


def test_a_scan_nobody_runs_is_no_missing_index() -> None:
    assert best(*leak()).cause.fault_class == "connection_leak"
    assert all(
        one.cause.fault_class != "missing_index" or one.confidence < 0.1
        for one in told(page(*leak())).hypotheses
    )


def test_a_victim_that_waits_for_the_provider_is_not_taken_for_the_blocker() -> None:
    victims = seen("queue", "lock_queue", "orders-db", root_pid="7", root_application="s1", waiters="3")
    assert best(*silent_provider(), victims).cause.fault_class == "third_party_timeout"


def test_the_path_runs_from_the_release_over_the_database_to_the_alert() -> None:
    top = best(*slow_lookup(), RELEASE)
    assert [(step.source, step.target) for step in top.path] == [
        ("dep-2", "orders-db"),
        ("orders-db", "shop"),
    ]
    assert "m-latency" in top.path[-1].evidence
    assert top.blast_radius == ("orders-db", "shop", "edge", "users")


def test_a_path_of_one_step_holds_what_broke_and_what_users_felt() -> None:
    (step,) = best(*leak()).path
    assert (step.source, step.target) == ("shop", "shop")
    assert {"d-idle", "m-pool", "m-errors", "m-latency"} <= set(step.evidence)


def test_an_effect_that_came_before_the_cause_contradicts_it() -> None:
    early = seen("early", "errors", "shop", -60)
    assert "m-early" in best(*growing_memory(), RELEASE, early).contradicts


def test_what_no_hypothesis_accounts_for_is_listed() -> None:
    odd = seen("odd", "resource", "mailer", 3, metric="open_files")
    assert "m-odd" in told(page(*lock_queue(), odd)).unexplained


def test_gaps_of_the_page_are_gaps_of_the_diagnosis() -> None:
    assert told(page(*leak(), gaps=("no logs",))).data_gaps == ("no logs",)


def test_without_a_look_into_the_database_a_leak_is_less_sure_but_still_first() -> None:
    blind = [one for one in leak() if one.kind != "database"]
    seen_all, seen_less = best(*leak(), RELEASE), best(*blind, RELEASE)
    assert seen_less.cause.fault_class == "connection_leak"
    assert seen_less.confidence < seen_all.confidence


def test_a_target_the_topology_does_not_know_can_be_the_cause() -> None:
    items = [
        seen("calls", "traffic", "shop", 1, direction="gone", target="sms-gateway"),
        seen("pool", "saturation", "shop", 2, shape="step"),
        seen("errors", "errors", "shop", 6),
    ]
    top = best(*items)
    assert (top.cause.entity, top.cause.entity_kind) == ("sms-gateway", "third_party")
    assert top.path[-1].target == "shop"
