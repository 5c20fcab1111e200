"""Beside places, ways between two and changes are suspects: each known by what only it explains."""

import pytest
from journey.diagnosis.pages import RULE, TOPOLOGY, change, page, seen, told

from steadyhand.evaluation.worlds.generate import generated
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.evidence.model import Bearing, Item

FAR = {"between": 4.0, "alone": 4.0, "of_caller": 1.0, "of_callee": 1.0}
CALLS = [
    seen("calls", "latency", "shop", 2, shape="step", target="memo"),
    seen("latency", "latency", "shop", 2, shape="step"),
    seen("reset", "new_log", "shop", 3, direction="new", severity="ERROR", template="connection reset"),
]


def between(figures: dict[str, float], *items: Item) -> Diagnosis:
    arrow = Bearing(entity="memo", caller="shop", figures=figures)
    return diagnose(page(*items).model_copy(update={"arrows": (arrow,)}), TOPOLOGY, RULE)


def test_what_a_caller_sees_and_its_callee_does_not_is_between_them() -> None:
    best = between(FAR, *CALLS).best
    assert best is not None
    assert (best.cause.entity, best.cause.entity_kind) == ("memo", "network_edge")
    assert (best.cause.fault_class, best.cause.facts["edge"]) == ("network_fault", "shop->memo")
    assert [one.target for one in best.path][-1] == "shop"


def test_a_callee_that_shows_it_too_is_no_fault_of_the_network() -> None:
    own = seen("own", "latency", "memo", 2, shape="step")
    faults = {one.cause.fault_class: one.confidence for one in between(FAR, *CALLS, own).hypotheses}
    least = {one.cause.fault_class: one.confidence for one in between(FAR, *CALLS).hypotheses}
    assert faults.get("network_fault", 0.0) < least["network_fault"]


def test_ends_that_agree_make_no_suspect_of_the_way_between() -> None:
    found = between({**FAR, "between": 0.4, "alone": 0.4}, *CALLS)
    assert all(one.cause.entity_kind != "network_edge" for one in found.hypotheses)


def test_a_way_that_shares_its_trouble_with_others_of_one_caller_is_named_by_the_caller() -> None:
    best = between({**FAR, "of_caller": 3.0}, *CALLS).best
    assert best is not None
    assert best.cause.entity == "shop"


ERRORS = [
    seen("errors", "errors", "shop", 5, shape="step"),
    seen("failed", "new_log", "shop", 5, direction="new", severity="ERROR", template="cannot read the cart"),
]


def test_a_release_and_the_place_it_changed_are_suspects_apart() -> None:
    found = told(page(*ERRORS, change("dep-2", -10, diff="+ cart.read(all)")))
    assert found.best is not None
    assert (found.best.cause.fault_class, found.best.cause.change_id) == ("bad_release", "dep-2")
    places = [one for one in found.hypotheses if one.cause.fault_class == "service_fault"]
    assert all(one.cause.change_id is None for one in places)


@pytest.mark.parametrize(("warned", "blamed"), [(-30.0, None), (4.0, "dep-2")])
def test_a_release_after_the_first_new_warning_of_its_own_service_is_not_blamed(
    warned: float, blamed: str | None
) -> None:
    first = seen("early", "new_log", "shop", warned, direction="new", severity="WARN", template="cart is odd")
    found = told(page(*ERRORS, first, change("dep-2", -10, diff="+ cart.read(all)")))
    assert found.hypotheses[0].cause.change_id == blamed


@pytest.mark.parametrize(
    ("said", "blamed"),
    [
        ("short-form-438 is on: no rule for this customer", "bad_config"),
        ("TypeError in parcel: missing argument 'size'", "bad_release"),
    ],
)
def test_an_error_that_names_the_flag_or_what_the_release_touched_tells_which_of_both_it_was(
    said: str, blamed: str
) -> None:
    release = change("dep-2", -10, diff="-def parcel(item): +def parcel(item, size):")
    told_of = {"summary": "short-form-438: turned on the flag", "version": "short-form-438", "previous": ""}
    flag = change("flag", -5, "flag", diff='{"path": "/environments/production/on"}', **told_of)
    failed = seen(
        "failed", "new_log", "shop", 5, direction="new", severity="ERROR", template="<*>", exemplar=said
    )
    sure = {
        one.cause.fault_class: one.confidence
        for one in told(page(ERRORS[0], failed, release, flag)).hypotheses
        if one.cause.change_id
    }
    (other,) = {"bad_config", "bad_release"} - {blamed}
    assert sure[blamed] > 3 * sure[other]


def test_a_release_after_sessions_of_its_service_were_held_is_not_blamed() -> None:
    held = seen(
        "idle",
        "idle_in_transaction",
        "orders-db",
        -40,
        application="shop",
        count="9",
        oldest_s="45",
        youngest_s="2",
    )
    found = told(page(*ERRORS, held, change("dep-2", -10))).hypotheses
    assert all(one.cause.change_id is None for one in found)


def test_a_pool_that_a_job_of_its_own_filled_before_does_not_clear_a_release() -> None:
    job = seen("job", "saturation", "shop", -90, shape="step")
    found = told(page(*ERRORS, job, change("dep-2", -10, diff="+ cart.read(all)")))
    assert found.hypotheses[0].cause.change_id == "dep-2"


def test_more_calls_that_nobody_suffers_from_are_no_retry_storm() -> None:
    calls = seen("calls", "traffic", "shop", 6, shape="step", target="payments")
    found = told(page(calls.model_copy(update={"normal": 20.0, "now": 70.0})))
    assert found.best is None


def test_a_busy_place_that_nobody_feels_is_less_sure_than_one_that_is_felt() -> None:
    busy = seen("cpu", "resource", "shop", 1, shape="step", metric="process_cpu_seconds_total")
    slow = seen("latency", "latency", "shop", 2, shape="step")
    quiet, felt = (
        sum(one.confidence for one in told(page(*items)).hypotheses) for items in ([busy], [busy, slow])
    )
    assert quiet < felt


def test_what_the_calls_between_two_tell_reaches_the_page() -> None:
    (case,) = generated(1, 500)
    assert {one.caller for one in case.inputs.page.arrows} <= {
        one.name for one in case.inputs.topology.services
    }
    assert all(one.figures["between"] >= 0 for one in case.inputs.page.arrows)


def test_more_requests_that_slow_nobody_are_no_surge_to_name() -> None:
    more = seen("requests", "traffic", "shop", 0, shape="step")
    assert told(page(more)).best is None
