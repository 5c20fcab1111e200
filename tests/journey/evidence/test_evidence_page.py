"""A page names what moved and when, stays quiet when nothing did, and forgives a rollout its restarts."""

from datetime import timedelta

import pytest
from little_world import (
    BROKEN_AT,
    SECONDS,
    TOPOLOGY,
    World,
    at,
    calm_lines,
    flat,
    log_line,
    loud,
    off_by,
    page_of,
    ramp,
    step,
    told,
    window,
)

from steadyhand.journey.evidence.digest import render
from steadyhand.journey.evidence.model import Change, Page, Series
from steadyhand.journey.evidence.page import assemble, is_quiet
from steadyhand.journey.evidence.rule import EvidenceRule, windows

FAULTS = {
    "slow answers": (
        World(slow_s=step(0.012, 0.5, BROKEN_AT)),
        ("p95 of till_duration_seconds", "latency", "up", "step"),
    ),
    "failing answers": (
        World(failing=step(0.0, 0.2, BROKEN_AT)),
        ("failed share of till_requests_total", "errors", "up", "step"),
    ),
    "leaking connections": (
        World(in_use=ramp(2.0, 0.5, BROKEN_AT, 15.0)),
        ("till_pool_connections", "saturation", "up", "ramp"),
    ),
    "a full pool at once": (
        World(in_use=step(2.0, 15.0, BROKEN_AT)),
        ("till_pool_connections", "saturation", "up", "step"),
    ),
    "leaking memory": (
        World(memory=ramp(60e6, 2e6, BROKEN_AT)),
        ("process_resident_memory_bytes", "resource", "up", "ramp"),
    ),
    "a growing queue": (
        World(waiting=ramp(0.0, 3.0, BROKEN_AT)),
        ("till_pool_waiting", "waiting", "up", "ramp"),
    ),
    "full scans": (
        World(rows_read=step(40.0, 500_000.0, BROKEN_AT)),
        ("rate of ledger_table_tup_read", "work", "up", "step"),
    ),
    "a provider that never answers": (
        World(bank_calls=step(9.0, 0.0, BROKEN_AT)),
        ("rate of till_outbound_total", "traffic", "down", "step"),
    ),
    "twice the traffic": (
        World(requests=step(60.0, 120.0, BROKEN_AT)),
        ("rate of till_requests_total", "traffic", "up", "step"),
    ),
    "a dead replica": (World(alive=step(3.0, 2.0, BROKEN_AT)), ("up", "up", "down", "step")),
    "a short burst of errors": (
        World(failing=step(0.0, 0.3, BROKEN_AT, BROKEN_AT + 10)),
        ("failed share of till_requests_total", "errors", "up", "spike"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_by_role_direction_and_shape_and_dated_within_three_seconds(fault: str) -> None:
    world, (signal, role, direction, shape) = FAULTS[fault]
    item = told(page_of(world, SECONDS), signal)
    assert (item.role, item.direction, item.facts["shape"]) == (role, direction, shape)
    assert abs(off_by(item)) <= 3


def test_a_leak_is_dated_at_the_start_of_its_slope_and_not_where_it_crosses_a_limit() -> None:
    page = page_of(World(memory=ramp(60e6, 0.5e6, BROKEN_AT)), SECONDS)
    item = told(page, "process_resident_memory_bytes")
    assert item.facts["shape"] == "ramp"
    assert abs(off_by(item)) <= 3


def test_what_began_first_comes_first_in_the_order() -> None:
    world = World(in_use=ramp(2.0, 1.0, 90, 15.0), waiting=ramp(0.0, 5.0, 103), failing=step(0.0, 0.4, 112))
    page = page_of(world, SECONDS)
    begun = [page.item(one) for one in page.order]
    signals = [one.facts["signal"] for one in begun if one is not None]
    assert signals == ["till_pool_connections", "till_pool_waiting", "failed share of till_requests_total"]


def test_a_metric_item_carries_owner_limit_target_and_the_numbers_before_and_after() -> None:
    page = page_of(World(in_use=step(2.0, 15.0, BROKEN_AT), bank_calls=step(9.0, 0.0, BROKEN_AT)), SECONDS)
    pool = told(page, "till_pool_connections")
    assert (pool.entity, pool.facts["limit"], pool.facts["labels"]) == ("till", "15", "state=in_use")
    assert pool.normal is not None
    assert pool.now is not None
    assert pool.normal < 5 < pool.now
    assert told(page, "rate of till_outbound_total").facts["target"] == "bank"
    assert "of 15" in pool.title


def test_series_belong_to_the_service_whose_selector_holds_them() -> None:
    page = page_of(World(rows_read=step(40.0, 500_000.0, BROKEN_AT)), SECONDS)
    assert told(page, "rate of ledger_table_tup_read").entity == "ledger"


@pytest.mark.parametrize("seconds_and_calm", [(60, 25), (140, 60), (300, 120)])
def test_a_healthy_service_gives_a_quiet_page_on_every_seed(seconds_and_calm: tuple[int, int]) -> None:
    seconds, calm = seconds_and_calm
    pages = [
        page_of(World(seed=seed), seconds, calm, lines=calm_lines(seconds, seed)) for seed in range(100, 110)
    ]
    assert [one.title for page in pages for one in page.items if one.role != "traffic"] == []
    assert {one.direction for page in pages for one in page.items} == {"none"}
    assert all(is_quiet(page) for page in pages)
    assert "QUIET" in render(pages[0])


def release(started: float, finished: float | None, name: str = "c-7") -> Change:
    return Change(
        id=name,
        service="till",
        kind="code",
        version="8",
        previous="7",
        author="kim",
        summary="Round prices half up",
        started_at=at(started),
        finished_at=None if finished is None else at(finished),
    )


RESTARTING = World(alive=step(3.0, 2.0, 92, 98), slow_s=step(0.012, 0.4, 91, 99))


def test_a_rolling_restart_is_no_evidence_against_itself() -> None:
    page = page_of(RESTARTING, SECONDS, changes=(release(90, 99),))
    assert {one.kind for one in page.items if one.direction != "none"} == set()
    assert is_quiet(page)


def test_where_nothing_was_measured_nobody_says_that_it_is_quiet() -> None:
    unseen = assemble(
        incident="i1", service="till", window=window(0, 900), baseline=window(0, 360), topology=TOPOLOGY
    )
    assert not is_quiet(unseen)
    assert "QUIET" not in render(unseen)
    assert "NOT MEASURED" in render(unseen)
    without_logs = page_of(World(), SECONDS, lines=[])
    assert is_quiet(without_logs)
    assert "QUIET: no signal left its calm range and no log line was seen." in render(without_logs)


def test_the_same_wobble_without_a_rollout_is_evidence() -> None:
    assert not is_quiet(page_of(RESTARTING, SECONDS))


def test_a_release_that_breaks_something_shows_from_inside_its_rollout_on() -> None:
    page = page_of(World(slow_s=step(0.012, 0.5, 93)), SECONDS, changes=(release(90, 99),))
    item = told(page, "p95 of till_duration_seconds")
    assert abs(off_by(item, 93)) <= 2
    assert page.order[0] == "c1"


def test_a_rollout_in_the_calm_part_neither_hides_nor_makes_a_fault() -> None:
    restarting = World(
        slow_s=lambda second: 0.4 if 20 <= second < 28 else (0.5 if second >= BROKEN_AT else 0.012)
    )
    page = page_of(restarting, SECONDS, changes=(release(20, 28),))
    assert abs(off_by(told(page, "p95 of till_duration_seconds"))) <= 2


def test_three_requests_are_no_percentile() -> None:
    page = page_of(World(requests=flat(0.1), slow_s=step(0.012, 3.0, BROKEN_AT)), SECONDS)
    assert not any("p95" in one.title for one in page.items)


def test_series_that_stop_are_silence_and_not_zero() -> None:
    full = World().series(SECONDS)
    cut = [
        one.model_copy(update={"times": one.times[:100], "values": one.values[:100]})
        if one.name == "process_resident_memory_bytes"
        else one
        for one in full
    ]
    page = assemble(
        incident="i1",
        service="till",
        window=window(0, SECONDS),
        baseline=window(0, 60),
        topology=TOPOLOGY,
        series=cut,
    )
    silent = [one for one in page.items if one.direction == "gone"]
    assert [one.facts["metric"] for one in silent] == ["process_resident_memory_bytes"]
    assert abs(off_by(silent[0], 100)) <= 1


def test_no_metrics_are_a_gap_and_never_a_healthy_service() -> None:
    page = assemble(
        incident="i1",
        service="till",
        window=window(0, 60),
        baseline=window(0, 30),
        topology=TOPOLOGY,
        gaps=("prometheus: not reachable",),
    )
    assert page.gaps[0] == "prometheus: not reachable"
    assert any("no metrics" in one for one in page.gaps)
    assert [one.kind for one in page.items] == ["gap"] * len(page.gaps)


def test_changes_carry_their_lag_to_the_alert() -> None:
    page = assemble(
        incident="i1",
        service="till",
        window=window(0, SECONDS),
        baseline=window(0, 60),
        topology=TOPOLOGY,
        changes=[release(85, 95)],
        alert_at=at(120),
    )
    item = page.item("c1")
    assert item is not None
    assert item.facts["seconds_before"] == "35"
    assert item.facts["previous"] == "7"
    assert "35 s before the alert" in item.title


def test_a_page_depends_on_its_input_alone() -> None:
    world = World(failing=step(0.0, 0.2, BROKEN_AT), in_use=step(2.0, 15.0, BROKEN_AT))
    lines = [*calm_lines(SECONDS), log_line(91, "no connection", "ERROR")]
    first = page_of(world, SECONDS, lines=lines, changes=(release(80, 85),))
    again = page_of(world, SECONDS, lines=list(reversed(lines)), changes=(release(80, 85),))
    assert first.items == again.items
    assert first.charts == again.charts


def test_every_id_is_given_once_and_charts_speak_of_items() -> None:
    page = page_of(World(failing=step(0.0, 0.2, BROKEN_AT), in_use=step(2.0, 15.0, BROKEN_AT)), SECONDS)
    ids = [one.id for one in page.items]
    assert len(set(ids)) == len(ids)
    assert page.charts
    for chart in page.charts:
        assert chart.item in ids
        assert len(chart.times) == len(chart.values) <= 180
        assert chart.times[0] < at(BROKEN_AT - 60).timestamp()


def test_the_calm_part_is_the_first_share_of_the_lookback() -> None:
    whole, calm = windows(at(1000), at(1010), EvidenceRule())
    assert whole.start == at(1000) - timedelta(minutes=15)
    assert calm.length == timedelta(minutes=6)


def test_short_history_keeps_at_least_the_least_calm() -> None:
    whole, calm = windows(at(1000), at(1010), EvidenceRule(), oldest=at(965))
    assert whole.start == calm.start == at(965)
    assert calm.length == timedelta(seconds=25)


def test_data_that_begins_late_moves_the_calm_part_to_its_beginning() -> None:
    page = assemble(
        incident="i1",
        service="till",
        window=window(-600, SECONDS),
        baseline=window(-600, -300),
        topology=TOPOLOGY,
        series=World(slow_s=step(0.012, 0.5, BROKEN_AT)).series(SECONDS),
    )
    assert page.baseline == window(0, 25)
    assert abs(off_by(told(page, "p95 of till_duration_seconds"))) <= 2


def repeated(world: World, seconds: int, scrape: int) -> list[Series]:
    """Series as a range query by the second gives them when they were scraped every `scrape` seconds."""
    return [
        one.model_copy(
            update={"values": tuple(one.values[index - index % scrape] for index in range(len(one.values)))}
        )
        for one in world.series(seconds)
    ]


def test_samples_repeated_between_slow_scrapes_are_read_at_the_pace_of_the_scrapes() -> None:
    def page(world: World) -> Page:
        return assemble(
            incident="i1",
            service="till",
            window=window(0, 900),
            baseline=window(0, 360),
            topology=TOPOLOGY,
            series=repeated(world, 900, 15),
        )

    quiet = page(World())
    broken = page(World(slow_s=step(0.012, 0.5, 700), failing=step(0.0, 0.2, 700)))
    assert is_quiet(quiet)
    assert "every 15 s" in quiet.coverage["metrics"]
    assert abs(off_by(told(broken, "p95 of till_duration_seconds"), 700)) <= 20
    assert abs(off_by(told(broken, "failed share of till_requests_total"), 700)) <= 20


def test_the_rate_of_all_requests_is_told_although_it_did_not_move() -> None:
    page = page_of(World(failing=step(0.0, 0.2, BROKEN_AT)), SECONDS)
    rate = told(page, "rate of till_requests_total")
    assert (rate.role, rate.direction, rate.strength, rate.onset) == ("traffic", "none", 0.0, None)
    assert (rate.facts["unit"], rate.facts.get("labels")) == ("/s", None)
    assert rate.now == pytest.approx(60, rel=0.15)
    assert rate.normal == pytest.approx(60, rel=0.15)
    assert rate.id not in page.order


def test_reserved_address_space_is_no_memory() -> None:
    grown = loud(1, 90, "memory").model_copy(update={"name": "process_virtual_memory_bytes"})
    values = tuple(one * 1e6 for one in grown.values)
    page = assemble(
        incident="i1",
        service="till",
        window=window(0, SECONDS),
        baseline=window(0, 60),
        topology=TOPOLOGY,
        series=[*World().series(SECONDS), grown.model_copy(update={"values": values})],
    )
    assert is_quiet(page)


def test_a_change_tells_how_long_it_took() -> None:
    shown = page_of(World(), SECONDS, changes=(release(80, 92), release(130, None, "c-8")))
    assert [one.facts.get("took_s") for one in shown.items if one.kind == "change"] == ["12", None]


def test_only_our_own_services_lack_a_log_the_others_are_said_once() -> None:
    page = assemble(
        incident="i1",
        service="till",
        window=window(0, SECONDS),
        baseline=window(0, 60),
        topology=TOPOLOGY,
        series=World().series(SECONDS),
        lines=calm_lines(SECONDS),
        unlogged=("till", "ledger", "bank"),
    )
    assert page.gaps == ("till: no log is configured",)
    assert page.coverage["logs"].endswith("; no logs of ledger, bank")
