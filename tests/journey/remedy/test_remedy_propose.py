"""A hypothesis becomes a typed fix with its way back, or none."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journey.diagnosis.pages import (
    TOPOLOGY,
    change,
    growing_memory,
    leak,
    lock_queue,
    lost_cache,
    page,
    plain_errors,
    silent_provider,
    slow_lookup,
    told,
)

from steadyhand.journey.diagnosis.model import Cause, Diagnosis, Hypothesis
from steadyhand.journey.evidence.model import Item
from steadyhand.journey.remedy.model import (
    CancelBackend,
    CreateIndex,
    DropIndex,
    EndSession,
    Fix,
    Nothing,
    SetRelease,
    SetSetting,
)
from steadyhand.journey.remedy.propose import index_name, propose
from steadyhand.journey.remedy.rule import RemedyRule
from steadyhand.journey.topology import Topology

RELEASE = change("dep-2", -5)
RULE = RemedyRule()


def fixes(*items: Item) -> tuple[Fix, ...]:
    found = told(page(*items))
    assert found.best is not None
    return propose(found.best, found, TOPOLOGY, RULE)


@pytest.mark.parametrize("items", [leak(), growing_memory(), plain_errors()])
def test_what_a_release_brought_is_rolled_back_to_the_release_before(items: list[Item]) -> None:
    (fix,) = fixes(*items, RELEASE)
    assert fix.action == SetRelease(service="shop", version="2.0.0")
    assert fix.rollback == SetRelease(service="shop", version="2.1.0")
    assert fix.canaryable
    assert not fix.production_database
    assert fix.blast_radius == ("shop",)


def test_a_missing_index_is_created_first_and_the_release_rolled_back_second() -> None:
    index, release = fixes(*slow_lookup(), RELEASE)
    assert index.action == CreateIndex(
        database="orders-db", table="orders", columns=("customer_email",), name="ix_orders_customer_email"
    )
    assert index.rollback == DropIndex(database="orders-db", name="ix_orders_customer_email")
    assert index.production_database
    assert not index.canaryable
    assert index.blast_radius == ("orders-db",)
    assert "900000 rows" in index.cost
    assert isinstance(release.action, SetRelease)


def test_an_index_is_proposed_also_where_no_release_is_to_blame() -> None:
    (fix,) = fixes(*slow_lookup())
    assert isinstance(fix.action, CreateIndex)


@pytest.mark.parametrize("items", [silent_provider(), lock_queue(), lost_cache()])
def test_what_no_typed_fix_mends_gets_none_even_with_a_release_nearby(items: list[Item]) -> None:
    assert fixes(*items, RELEASE) == ()


@pytest.mark.parametrize(
    "release",
    [change("dep-2", -5, previous=""), change("r9", -5, "config"), change("dep-2", -5, version="")],
)
def test_without_a_known_release_before_nothing_is_rolled_back(release: Item) -> None:
    assert fixes(*leak(), release) == ()


def test_bigger_tables_take_longer_and_are_a_higher_risk() -> None:
    big = [
        one.model_copy(update={"facts": one.facts | {"rows": "50000000"}}) if one.role == "full_scan" else one
        for one in slow_lookup()
    ]
    (small_fix,), (big_fix,) = fixes(*slow_lookup()), fixes(*big)
    assert small_fix.risk == "medium"
    assert big_fix.risk == "high"
    assert big_fix.recovery_s > small_fix.recovery_s


def test_an_index_beside_sessions_that_hold_transactions_is_a_high_risk() -> None:
    found = told(page(*slow_lookup()))
    leaking = told(page(*leak())).hypotheses[0].model_copy(update={"confidence": 0.3})
    both = found.model_copy(update={"hypotheses": (*found.hypotheses, leaking)})
    (fix,) = propose(found.hypotheses[0], both, TOPOLOGY, RULE)
    assert fix.risk == "high"


@pytest.mark.parametrize("table", ["orders; DROP TABLE users", "public.orders", "orders--", '"x"', ""])
def test_a_name_that_is_no_plain_identifier_never_reaches_a_statement(table: str) -> None:
    assert propose(_missing_index(table, "email"), _diagnosis(), TOPOLOGY, RULE) == ()
    assert propose(_missing_index("orders", table), _diagnosis(), TOPOLOGY, RULE) == ()


@given(
    st.from_regex(r"[a-z_][a-z0-9_]{0,62}", fullmatch=True),
    st.lists(st.from_regex(r"[a-z_][a-z0-9_]{0,62}", fullmatch=True), min_size=1, max_size=4),
)
def test_an_index_s_name_always_fits_and_names_its_columns_apart(table: str, columns: list[str]) -> None:
    name = index_name(table, tuple(columns))
    assert re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name)
    assert name != index_name(table, (*columns, "other"))


def _missing_index(table: str, columns: str) -> Hypothesis:
    facts = {"database": "orders-db", "table": table, "columns": columns}
    cause = Cause(entity="orders-db", entity_kind="database", fault_class="missing_index", facts=facts)
    return Hypothesis(id="h1", rank=1, cause=cause, claim="", confidence=0.9, score=3.0, supports=())


def _diagnosis() -> Diagnosis:
    return Diagnosis(
        incident="i1", hypotheses=(), none_of_these=0.1, calibrated_on="uncalibrated", model_version="t"
    )


# the head of a lock queue


def _queue(**facts: str) -> Hypothesis:
    known = {"database": "orders-db", "root_pid": "71", "root_application": "migration"}
    cause = Cause(entity="orders-db", entity_kind="database", fault_class="lock_queue", facts=known | facts)
    return Hypothesis(id="h1", rank=1, cause=cause, claim="", confidence=0.9, score=3.0, supports=())


RUNS = {
    "root_backend_start": "2026-01-31T01:00:00.000001+00:00",
    "root_query_start": "2026-01-31T01:59:00.000002+00:00",
}


def test_the_statement_at_the_head_of_a_queue_can_be_cancelled_by_its_whole_identity() -> None:
    (fix,) = propose(_queue(**RUNS), _diagnosis(), Topology(), RemedyRule())
    action = fix.action
    assert isinstance(action, CancelBackend)
    assert (action.database, action.pid, action.application) == ("orders-db", 71, "migration")
    assert action.backend_start.isoformat() == RUNS["root_backend_start"]
    assert action.query_start.isoformat() == RUNS["root_query_start"]
    assert (fix.reversible, fix.canaryable, fix.production_database) == (False, False, True)
    assert isinstance(fix.rollback, Nothing)


@pytest.mark.parametrize("lost", ["root_backend_start", "root_query_start"])
def test_what_cannot_be_told_from_a_later_statement_is_not_cancelled(lost: str) -> None:
    facts = {key: value for key, value in RUNS.items() if key != lost}
    assert propose(_queue(**facts), _diagnosis(), Topology(), RemedyRule()) == ()
    assert propose(_queue(**RUNS, root_pid="unknown"), _diagnosis(), Topology(), RemedyRule()) == ()


# the head of a lock queue that does nothing

IDLES = {
    "root_backend_start": "2026-01-31T01:00:00.000001+00:00",
    "root_transaction_start": "2026-01-31T01:59:00.000002+00:00",
}


def _leak(**facts: str) -> Hypothesis:
    known = {"database": "orders-db"}
    cause = Cause(entity="shop", entity_kind="service", fault_class="connection_leak", facts=known | facts)
    return Hypothesis(id="h1", rank=1, cause=cause, claim="", confidence=0.9, score=3.0, supports=())


@pytest.mark.parametrize(
    "hypothesis", [_queue(**IDLES), _leak(root_pid="71", root_application="migration", **IDLES)]
)
def test_an_idle_session_at_the_head_of_a_queue_can_be_ended_by_its_whole_identity(
    hypothesis: Hypothesis,
) -> None:
    (fix,) = propose(hypothesis, _diagnosis(), Topology(), RemedyRule())
    action = fix.action
    assert isinstance(action, EndSession)
    assert (action.database, action.pid, action.application) == ("orders-db", 71, "migration")
    assert action.backend_start.isoformat() == IDLES["root_backend_start"]
    assert action.transaction_start.isoformat() == IDLES["root_transaction_start"]
    assert (fix.reversible, fix.canaryable, fix.production_database) == (False, False, True)
    assert isinstance(fix.rollback, Nothing)


def test_where_transactions_may_idle_for_ever_a_limit_is_proposed_with_its_exact_way_back() -> None:
    (fix,) = propose(_leak(idle_timeout="0"), _diagnosis(), Topology(), RemedyRule())
    name = "idle_in_transaction_session_timeout"
    assert fix.action == SetSetting(database="orders-db", name=name, value="60s")
    assert fix.rollback == SetSetting(database="orders-db", name=name, value=None)
    assert (fix.reversible, fix.canaryable, fix.production_database) == (True, False, True)


@pytest.mark.parametrize("facts", [{}, {"idle_timeout": "30000"}])
def test_a_limit_that_somebody_chose_or_nobody_knows_is_left_alone(facts: dict[str, str]) -> None:
    assert propose(_leak(**facts), _diagnosis(), Topology(), RemedyRule()) == ()


def test_a_leak_in_a_database_without_a_limit_is_rolled_back_first_and_limited_second() -> None:
    unlimited = [
        one.model_copy(update={"facts": one.facts | {"idle_timeout": "0"}})
        if one.role == "idle_in_transaction"
        else one
        for one in leak()
    ]
    release, limit = fixes(*unlimited, RELEASE)
    assert isinstance(release.action, SetRelease)
    assert isinstance(limit.action, SetSetting)
