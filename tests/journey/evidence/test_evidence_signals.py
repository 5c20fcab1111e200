"""Series become signals by their names and labels, in the general words of the field."""

import math
import random
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from little_world import START, TOPOLOGY, World, window

from steadyhand.journey.evidence.counters import gains, increments, trailing_sum
from steadyhand.journey.evidence.grid import grid_for
from steadyhand.journey.evidence.histogram import quantiles
from steadyhand.journey.evidence.model import Role, Series
from steadyhand.journey.evidence.onset import bend
from steadyhand.journey.evidence.owners import Owners
from steadyhand.journey.evidence.series import signals
from steadyhand.journey.evidence.signal import Signal
from steadyhand.journey.topology import Service, Topology


def sampled(name: str, values: list[float], **labels: str) -> Series:
    times = tuple(START.timestamp() + second for second in range(len(values)))
    return Series(name=name, labels=labels, times=times, values=tuple(values))


def made(*series: Series) -> list[Signal]:
    return signals(series, grid_for(series, window(0, 600)), TOPOLOGY, "till")


ROLES: dict[str, tuple[Role, dict[str, str]]] = {
    "up": ("up", {}),
    "cache_up": ("up", {}),
    "db_connections": ("saturation", {"state": "active"}),
    "worker_threads_busy": ("resource", {}),
    "http_requests_in_flight": ("saturation", {}),
    "job_queue_depth": ("waiting", {}),
    "mail_pending": ("waiting", {}),
    "process_resident_memory_bytes": ("resource", {}),
    "node_load1": ("resource", {}),
    "disk_free_bytes": ("resource", {}),
    "pool_max": ("other", {}),
    "api_latency_seconds": ("latency", {}),
    "temperature": ("other", {}),
}


@pytest.mark.parametrize("name", ROLES)
def test_a_gauge_is_given_its_role_by_general_words(name: str) -> None:
    role, labels = ROLES[name]
    (found,) = made(sampled(name, [1.0, 3.0, 2.0] * 20, **labels))
    assert found.role == role


COUNTERS: dict[str, Role] = {
    "http_requests_total": "traffic",
    "jobs_failed_total": "errors",
    "pool_timeouts_total": "errors",
    "process_cpu_seconds_total": "resource",
    "table_rows_read_total": "work",
    "cache_evictions_total": "work",
    "db_seq_tup_read": "work",
    "proxy_upstream_rq_completed": "traffic",
    "proxy_upstream_cx_connect_fail": "errors",
}


@pytest.mark.parametrize("name", COUNTERS)
def test_a_counter_becomes_a_rate_with_a_role(name: str) -> None:
    (found,) = made(sampled(name, [2.0 * second for second in range(60)]))
    assert (found.role, found.name) == (COUNTERS[name], f"rate of {name}")
    assert set(found.values) == {2.0}


@pytest.mark.parametrize(
    "name", ["till_build_info", "process_start_time_seconds", "ALERTS", "x_total_created"]
)
def test_build_facts_time_stamps_and_alerts_are_no_signals(name: str) -> None:
    assert made(sampled(name, [1.0] * 60)) == []


def test_a_gauge_that_only_rises_is_a_leak_and_no_counter() -> None:
    (found,) = made(sampled("session_entries", [float(second) for second in range(60)]))
    assert (found.name, found.role) == ("session_entries", "resource")


def test_answers_by_class_of_code_have_a_failed_share() -> None:
    classes = {"2": 9.0, "5": 1.0}
    found = made(
        *(
            sampled("proxy_rq_xx", [rate * second for second in range(60)], response_code_class=name)
            for name, rate in classes.items()
        )
    )
    shares = [one.values[-1] for one in found if one.role == "errors"]
    assert shares == [pytest.approx(0.1)]


def test_replicas_are_added_up_and_bytes_take_the_largest() -> None:
    one, two = ([2.0] * 30, [3.0] * 30)
    (pool,) = made(sampled("pool_in_use", one, instance="a"), sampled("pool_in_use", two, instance="b"))
    (memory,) = made(sampled("heap_bytes", one, pod="a"), sampled("heap_bytes", two, pod="b"))
    assert (set(pool.values), set(memory.values)) == ({5.0}, {3.0})


@pytest.mark.parametrize("label", ["instance", "node", "host", "hostname"])
def test_hosts_are_no_replicas_each_has_its_own_signal(label: str) -> None:
    calm, busy = [1.0] * 60, [9.0] * 60
    found = made(
        sampled("node_load1", calm, **{label: "h1:9100"}),
        sampled("node_load1", busy, **{label: "h2:9100"}),
        sampled("node_cpu_seconds_total", list(accumulate(calm)), cpu="0", mode="user", **{label: "h1:9100"}),
        sampled("node_cpu_seconds_total", list(accumulate(calm)), cpu="1", mode="user", **{label: "h1:9100"}),
    )
    assert [(one.metric, one.labels[label], one.values[-1]) for one in found] == [
        ("node_load1", "h1:9100", 1.0),
        ("node_load1", "h2:9100", 9.0),
        ("node_cpu_seconds_total", "h1:9100", 2.0),
    ]


def test_what_a_host_tells_is_the_host_s_where_it_is_known_by_its_name() -> None:
    hosts = Topology(services=(*TOPOLOGY.services, *(Service(name=f"h{n}", kind="node") for n in (1, 2))))
    series = [sampled("node_load1", [float(n)] * 60, instance=f"h{n}:9100") for n in (1, 2, 3)]
    found = signals(series, grid_for(series, window(0, 600)), hosts, "till")
    assert [(one.entity, one.values[-1]) for one in found] == [("h1", 1.0), ("h2", 2.0), ("till", 3.0)]


def test_series_that_selectors_give_to_different_owners_are_never_added_up() -> None:
    databases = tuple(
        Service(name=f"db{n}", kind="database", metrics=(f'{{instance="db{n}:9187"}}',)) for n in (1, 2)
    )
    topology = Topology(services=(*TOPOLOGY.services, *databases))
    series = [
        sampled(name, [float(n)] * 60, instance=f"db{n}:9187")
        for name in ("pg_connections", "pg_max_connections")
        for n in (1, 2)
    ]
    found = signals(series, grid_for(series, window(0, 600)), topology, "till")
    assert {(one.metric, one.entity, one.values[-1]) for one in found} == {
        (name, f"db{n}", float(n)) for name in ("pg_connections", "pg_max_connections") for n in (1, 2)
    }


def test_idle_is_only_the_mirror_of_in_use_and_max_is_its_limit() -> None:
    states = {"in_use": 2.0, "idle": 3.0, "max": 5.0}
    found = made(*(sampled("pool_connections", [level] * 30, state=name) for name, level in states.items()))
    assert {one.labels["state"]: one.limit for one in found} == {"in_use": 5.0, "max": None}


def test_a_label_set_born_after_others_of_its_replica_counts_from_zero() -> None:
    ok = sampled("calls_total", [10.0 * second for second in range(60)], outcome="ok", instance="a")
    late = sampled("calls_total", [0.0] * 60, outcome="timeout", instance="a")
    late = late.model_copy(update={"times": late.times[30:], "values": tuple(10.0 * n for n in range(3, 33))})
    found = {one.name: one for one in made(ok, late)}
    share = found["failed share of calls_total"]
    assert max(share.values[:29]) == 0.0
    assert share.values[-1] == pytest.approx(0.5)


def test_hits_and_misses_are_a_share_and_a_rate_of_work() -> None:
    hits = sampled("cache_requests_total", [9.0 * second for second in range(60)], result="hit")
    misses = sampled("cache_requests_total", [1.0 * second for second in range(60)], result="miss")
    found = {one.name: one for one in made(hits, misses)}
    assert found["hit share of cache_requests_total"].role == "up"
    assert found["hit share of cache_requests_total"].values[-1] == pytest.approx(0.9)
    assert found["misses of cache_requests_total"].role == "work"


def test_a_restart_is_no_negative_rate() -> None:
    assert list(increments([5.0, 7.0, 1.0, 4.0], born_here=False)) == [None, 2.0, 1.0, 3.0]


def test_a_gap_spreads_its_increase_evenly() -> None:
    assert list(increments([5.0, None, None, 11.0], born_here=False)) == [None, 2.0, 2.0, 2.0]


_COUNTERS = st.lists(st.lists(st.integers(0, 9), min_size=12, max_size=12), min_size=1, max_size=3)


@given(_COUNTERS, st.integers(1, 5), st.sampled_from([0, 6]))
def test_what_counters_gain_over_a_span_is_the_sum_of_its_steps(
    added: list[list[int]], width: int, restart: int
) -> None:
    tracks = [[float(one) for one in accumulate(each)] for each in added]
    tracks[0][restart:] = tracks[0][: len(tracks[0]) - restart]
    found = gains((track, False) for track in tracks)
    steps = [
        sum(each) for each in zip(*(increments(one, born_here=False)[1:] for one in tracks), strict=True)
    ]
    assert list(found.steps) == [None, *steps]
    assert list(found.over(width)) == list(trailing_sum([None, *steps], width))


def test_a_percentile_is_linear_within_its_bucket() -> None:
    bounds = [1.0, 2.0, float("inf")]
    rows = ([0.0, 10.0, 10.0], [10.0, 10.0, 10.0], [0.0, 0.0, 10.0], [0.0, 9.0, 9.0])
    assert list(quantiles(0.5, bounds, rows)) == [pytest.approx(1.5), pytest.approx(0.5), 2.0, None]


@given(st.lists(st.floats(0, 100), min_size=2, max_size=8))
def test_a_percentile_lies_within_the_bounds(parts: list[float]) -> None:
    counts = [sum(parts[: one + 1]) for one in range(len(parts))]
    bounds = [float(one + 1) for one in range(len(parts) - 1)] + [float("inf")]
    found = next(quantiles(0.95, bounds, [counts]))
    assert found is None or 0.0 <= found <= len(parts)


@pytest.mark.parametrize(
    ("selector_labels", "expected"),
    [({"job": "ledger"}, "ledger"), ({"service": "bank"}, "bank"), ({"job": "nobody"}, "till")],
)
def test_a_series_is_owned_by_selector_then_label_then_the_incident(
    selector_labels: dict[str, str], expected: str
) -> None:
    assert Owners(TOPOLOGY, "till").of("some_metric", selector_labels) == expected


def test_a_clean_step_and_a_clean_slope_are_dated_to_the_sample() -> None:
    jump = [0.0] * 50 + [10.0] * 30
    slope = [0.0] * 50 + [float(one) for one in range(1, 31)]
    stepped = bend(jump, jump, 50, 79, 0)
    sloped = bend(slope, slope, 58, 79, 0)
    assert (stepped.index, stepped.lo, stepped.hi, stepped.shape) == (50, 49, 50, "step")
    assert (sloped.index, sloped.shape) == (49, "ramp")


@pytest.mark.parametrize("bent", [False, True])
def test_a_noisy_climb_is_hardly_ever_sure_to_have_begun_before_it_did(*, bent: bool) -> None:
    began, missed = 50, 0
    for seed in range(200):
        noise = random.Random(seed)  # noqa: S311 - noise, no secret
        steps = [max(0, one - began) for one in range(90)]
        rise = [14 * (1 - math.exp(-one / 9)) if bent else min(14.0, 1.1 * one) for one in steps]
        seen = [round(one + noise.gauss(0, 1)) for one in rise]
        crossing = next(one for one in range(40, 90) if min(seen[one : one + 3]) > 3)
        missed += bend(seen, seen, crossing, 85, 0).hi < began
    assert missed <= 4


def test_all_signals_of_a_service_have_three_equal_columns() -> None:
    for one in made(*World().series(90)):
        assert len(one.times) == len(one.values) == len(one.fine)


def test_what_a_runtime_collects_is_nobodys_demand() -> None:
    counted = [float(second) for second in range(60)]
    found = made(
        sampled("python_gc_objects_collected_total", counted, job="till", generation="1"),
        sampled("till_requests_total", counted, job="till"),
    )
    assert [one.role for one in found] == ["other", "traffic"]
