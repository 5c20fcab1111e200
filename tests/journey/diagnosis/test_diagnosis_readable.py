"""A diagnosis as it is read at night: checks that can be run as they stand, and reasons that say why."""

import re

import pytest
from journey.diagnosis.pages import RULE, TOPOLOGY, change, leak, lock_queue, page, plain_errors, seen, told
from journey.diagnosis.test_engine_reads_playbooks import CASES, with_shelf

from steadyhand.journey.diagnosis.asking import promql
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.model import Check, Diagnosis, Hypothesis
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.evidence.model import Item
from steadyhand.journey.topology import Service, Topology
from steadyhand.wiring import playbooks

SHELF = playbooks()
SELECTED = Topology(
    services=tuple(
        one.model_copy(update={"metrics": ('{job="shop"}',)}) if one.name == "shop" else one
        for one in TOPOLOGY.services
    )
)
POOL = seen("pool", "saturation", "shop", -90, shape="ramp", signal="pool_connections", labels="state=in_use")


def _found(items: list[Item]) -> Diagnosis:
    return diagnose(page(*items), SELECTED, RULE, playbooks=SHELF)


def _check(one: Hypothesis, name: str) -> Check:
    return next(check for check in one.checks if check.name == name)


@pytest.mark.parametrize("name", sorted(CASES))
def test_no_check_leaves_a_place_to_fill_or_a_name_to_look_up(name: str) -> None:
    texts = [
        text
        for one in _found(CASES[name]).hypotheses
        for check in one.checks
        for text in (check.query, check.look_at, check.expect_if_true, check.expect_if_false)
    ]
    assert texts
    left = re.compile(
        r"\{(entity|database)\}|an unknown|name of the database|^the (service|dependency|caller)\b"
    )
    assert [text for text in texts if left.search(text)] == []


def test_a_check_of_a_playbook_asks_for_the_suspect_and_its_database() -> None:
    best = _found([*leak(), change("dep-2", -5)]).hypotheses[0]
    assert _check(best, "who holds the connections").query == "orders-db"
    assert len({one.name for one in best.checks}) == len(best.checks) == 3


def test_a_metric_check_asks_for_the_very_series_that_moved() -> None:
    best = _found([POOL, *leak(), change("dep-2", -5)]).hypotheses[0]
    assert _check(best, "shape of the pool").query == 'pool_connections{job="shop",state="in_use"}'


@pytest.mark.parametrize(
    ("signal", "query"),
    [
        ("heap_bytes", 'heap_bytes{job="shop"}'),
        ("rate of calls_total", 'sum(rate(calls_total{job="shop"}[1m]))'),
        ("p95 of s", 'histogram_quantile(0.95, sum by (le) (rate(s_bucket{job="shop"}[1m])))'),
        ("mean of s", 'sum(rate(s_sum{job="shop"}[1m])) / sum(rate(s_count{job="shop"}[1m]))'),
        ("failed share of calls_total", ""),  # which label told a failure is not kept
        ("aws.rds.cpu", ""),  # no name of PromQL
    ],
)
def test_how_a_signal_was_made_tells_how_to_ask_for_it(signal: str, query: str) -> None:
    scene = Scene(page(), SELECTED, RULE)
    assert promql(seen("x", "resource", "shop", 1, signal=signal), scene) == query


def test_a_label_that_would_break_the_query_makes_none() -> None:
    hostile = seen("x", "resource", "shop", 1, signal="calls", labels='route="} or vector(1) #')
    assert promql(hostile, Scene(page(), SELECTED, RULE)) == ""


def test_a_release_that_is_not_believed_says_what_it_lacks() -> None:
    edge = change("dep-1", -5, service="shop", diff="- a\n+ b", summary="new colours")
    found = told(page(*leak(), edge, change("dep-2", -90, diff="- pool.putconn(conn)", summary="pool")))
    best = found.hypotheses[0]
    assert best.cause.change_id == "dep-2"
    why = next(one.why for one in best.ruled_out if one.what == "change dep-1 of shop")
    assert why == "its text names nothing that broke; another's text names more of it"


def test_a_change_elsewhere_is_told_from_the_sick_place() -> None:
    users = change("dep-1", -5, service="edge", diff="- a\n+ b", summary="new colours")
    reasons = [one.why for one in told(page(*leak(), users)).hypotheses[0].ruled_out]
    assert any(why.startswith("it changed edge and not shop") for why in reasons)


def test_where_nobody_told_of_a_change_the_gap_says_whom_to_ask() -> None:
    gaps = told(page(*leak())).hypotheses[0].data_gaps
    assert [one for one in gaps if one.startswith("no change was told of")] == [
        "no change was told of: what nobody posts, no diagnosis can blame; ask who touched what"
    ]


def test_a_lock_queue_names_the_session_at_its_head_or_says_that_nobody_saw_it() -> None:
    assert "the session of reporting with pid 4711 holds" in told(page(*lock_queue())).hypotheses[0].claim
    blind = Topology(services=(Service(name="shop", depends_on=("orders-db",)), TOPOLOGY.services[3]))
    claims = [one.claim for one in diagnose(page(*plain_errors()), blind, RULE).hypotheses]
    assert [one for one in claims if "unknown" in one] == []
    assert any("a session that no look has shown yet holds a lock" in one for one in claims)


@pytest.mark.parametrize("name", sorted(CASES))
def test_each_mechanism_is_ruled_out_once_and_with_the_evidence_against_it(name: str) -> None:
    for one in _found(CASES[name]).hypotheses:
        ruled = [other.what.partition(" of ")[0] for other in one.ruled_out]
        others = [name for name in ruled if not name.startswith("change ")]
        assert len(others) == len(set(others))


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_supported_by_something_dated_has_an_onset(name: str) -> None:
    found, dated = _found(CASES[name]), {one.id for one in CASES[name] if one.onset and one.role != "change"}
    assert [one.id for one in found.hypotheses if set(one.supports) & dated and one.onset is None] == []


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_field_a_reader_needs_is_there_where_a_cause_is_named(name: str) -> None:
    best = with_shelf(SHELF, CASES[name]).best
    assert best is not None
    for field in ("claim", "onset", "path", "supports", "ruled_out", "checks", "blast_radius"):
        assert getattr(best, field), field
    assert best.path[-1].target == "shop"
    assert all(step.evidence for step in best.path)
    assert "looks like a case of" not in best.claim
