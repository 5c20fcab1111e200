"""PromQL over samples fed by hand; times are whole seconds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.lab.miniprom.evaluate.engine import Evaluation
from steadyhand.lab.miniprom.evaluate.functions import Points, rate
from steadyhand.lab.miniprom.evaluate.operators import divide, modulo, power
from steadyhand.lab.miniprom.evaluate.parse import parse, parse_expr
from steadyhand.lab.miniprom.evaluate.plan import BadQuery, EvaluationError, NotCovered
from steadyhand.lab.miniprom.evaluate.quantile import bucket_quantile
from steadyhand.lab.miniprom.labels import NAME, labels_from, show
from steadyhand.lab.miniprom.samples import Store


def store_of(series: dict[str, list[float]]) -> Store:
    """Return a store; each name's values lie one second apart from second 0 on."""
    store = Store()
    for text, values in series.items():
        name, _, tags = text.partition(" ")
        labels = labels_from({NAME: name} | dict(pair.split("=") for pair in tags.split()))
        for second, value in enumerate(values):
            store.append(labels, second * 1000, value)
    return store


def ask(store: Store, query: str, second: float) -> dict[str, float]:
    value = Evaluation(store).at(parse_expr(query), round(second * 1000))
    return {"": value} if isinstance(value, float) else {show(one.labels): one.value for one in value}


def test_a_rate_reaches_to_the_window_edges_when_samples_are_near() -> None:
    assert ask(store_of({"a": [0, 2, 4, 6, 8]}), "rate(a[4s])", 4.5) == {"{}": pytest.approx(2.0)}


def test_a_rate_counts_what_came_before_a_reset() -> None:
    assert ask(store_of({"a": [10, 20, 5, 15]}), "increase(a[3s])", 3) == {"{}": pytest.approx(25.0)}


def test_an_increase_does_not_reach_below_zero() -> None:
    store = store_of({"a": [1, 11, 21]})
    assert ask(store, "increase(a[3s])", 2.9) == {"{}": pytest.approx(20 + 1 + 9)}


def test_a_window_includes_a_sample_on_its_left_edge() -> None:
    assert ask(store_of({"a": [1, 2, 3]}), "count_over_time(a[2s])", 2) == {"{}": 3.0}


def test_one_sample_has_no_rate() -> None:
    assert ask(store_of({"a": [1]}), "rate(a[5s])", 1) == {}


def test_an_irate_after_a_reset_is_the_last_value() -> None:
    assert ask(store_of({"a": [10, 20, 3]}), "irate(a[5s])", 2) == {"{}": 3.0}


def test_a_slope_is_found_among_noise_free_points() -> None:
    assert ask(store_of({"a": [5, 3, 1, -1]}), "deriv(a[5s])", 3) == {"{}": pytest.approx(-2.0)}


def test_a_value_lives_for_five_minutes() -> None:
    store = store_of({"a": [7]})
    assert ask(store, "a", 300) == {'{__name__="a"}': 7.0}
    assert ask(store, "a", 300.001) == {}


def test_a_series_that_ended_has_no_value_at_once_but_keeps_its_past() -> None:
    store = store_of({"a": [1, 2]})
    store.end(labels_from({NAME: "a"}), 2000)
    assert ask(store, "a", 1.9) == {'{__name__="a"}': 2.0}
    assert ask(store, "a", 2) == {}
    assert ask(store, "sum_over_time(a[3s])", 2) == {"{}": 3.0}
    store.append(labels_from({NAME: "a"}), 3000, 9.0)
    assert ask(store, "a", 3) == {'{__name__="a"}': 9.0}


def test_a_pattern_matches_the_whole_value() -> None:
    store = store_of({"a code=200": [1], "a code=2000": [1]})
    assert ask(store, 'a{code=~"20."}', 0) == {'{__name__="a", code="200"}': 1.0}
    assert ask(store, 'a{code!~"20."}', 0) == {'{__name__="a", code="2000"}': 1.0}


def test_an_absent_label_matches_the_empty_text() -> None:
    store = store_of({"a code=1": [1], "a": [2]})
    assert ask(store, 'a{code=""}', 0) == {'{__name__="a"}': 2.0}


def test_a_comparison_keeps_the_name_and_arithmetic_drops_it() -> None:
    store = store_of({"a": [4]})
    assert ask(store, "a > 3", 0) == {'{__name__="a"}': 4.0}
    assert ask(store, "3 < a", 0) == {'{__name__="a"}': 4.0}
    assert ask(store, "a - 3", 0) == {"{}": 1.0}


def test_vectors_match_on_all_labels_but_the_name() -> None:
    store = store_of({"a x=1": [6], "a x=2": [8], "b x=2": [4]})
    assert ask(store, "a / b", 0) == {'{x="2"}': 2.0}
    assert ask(store, "a unless b", 0) == {'{__name__="a", x="1"}': 6.0}
    assert ask(store, "a and b", 0) == {'{__name__="a", x="2"}': 8.0}
    assert len(ask(store, "b or a", 0)) == 2


@pytest.mark.parametrize(
    "query", ['a + {__name__=~"b|c"}', '{__name__=~"b|c"} + a', 'rate({__name__=~"b|c"}[5s])']
)
def test_an_ambiguous_match_is_an_error(query: str) -> None:
    with pytest.raises(EvaluationError):
        ask(store_of({"a": [1, 1], "b": [1, 1], "c": [1, 1]}), query, 1)


def test_topk_keeps_labels_and_ranks_nan_last() -> None:
    store = store_of({"a x=1": [math.nan], "a x=2": [3], "a x=3": [5]})
    assert list(ask(store, "topk(2, a)", 0).values()) == [5.0, 3.0]
    with pytest.raises(EvaluationError, match="overflows"):
        ask(store, "topk(1/0, a)", 0)


@pytest.mark.parametrize(
    ("quantile", "buckets", "expected"),
    [
        (0.5, [(1, 5), (2, 10), (math.inf, 10)], 1.0),
        (0.75, [(1, 5), (2, 10), (math.inf, 10)], 1.5),
        (0.99, [(1, 5), (2, 5), (math.inf, 10)], 2.0),
        (0.5, [(1, 8), (2, 4), (math.inf, 10)], 0.625),
        (0.5, [(-1, 5), (math.inf, 10)], -1.0),
        (0.5, [(1, 5), (2, 10)], math.nan),
        (0.5, [(math.inf, 10)], math.nan),
        (0.5, [(1, 0), (math.inf, 0)], math.nan),
        (-1, [(1, 5), (math.inf, 10)], -math.inf),
        (2, [(1, 5), (math.inf, 10)], math.inf),
    ],
)
def test_a_quantile_is_interpolated_within_its_bucket(
    quantile: float, buckets: list[tuple[float, float]], expected: float
) -> None:
    assert bucket_quantile(quantile, buckets) == pytest.approx(expected, nan_ok=True)


def test_arithmetic_never_raises_where_ieee_754_has_a_value() -> None:
    assert divide(-1, 0) == -math.inf
    assert divide(1, -0.0) == -math.inf
    assert math.isnan(divide(0, 0))
    assert math.isnan(modulo(5, 0))
    assert math.isnan(power(-8, 1 / 3))
    assert power(0, -1) == math.inf
    assert power(-0.0, -1) == -math.inf
    assert power(-10, 999) == -math.inf
    assert power(10, 999) == math.inf


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("a / on(x) b", "on, ignoring"),
        ("a / ignoring() b", "on, ignoring"),
        ("a / on(x) group_left b", "group_left"),
        ("a > bool 1", "bool"),
        ("1 > bool 2", "bool"),
        ("a offset 1m", "offset"),
        ("rate(a[1m] offset 1m)", "offset"),
        ("a @ 0", "@"),
        ("rate(a[1m:1s])", "subqueries"),
        ("a[1m:1s]", "SubqueryExpr"),
        ("absent(a)", "absent()"),
        ("predict_linear(a[1m], 5)", "predict_linear()"),
        ("clamp_max(a, 1)", "clamp_max()"),
        ('label_replace(a, "b", "c", "d", "e")', "label_replace()"),
        ("time()", "time()"),
        ("quantile(0.5, a)", "quantile"),
        ("bottomk(1, a)", "bottomk"),
        ("a atan2 b", "atan2"),
        ('"text"', "StringLiteral"),
        ('a{b="1" or c="2"}', "or"),
        (r'a{b=~"\\pL"}', "pattern"),
    ],
)
def test_what_is_not_covered_is_refused_by_name(query: str, part: str) -> None:
    with pytest.raises(NotCovered) as refused:
        parse(query)
    assert part in str(refused.value)


@pytest.mark.parametrize("query", ["", "a +", "rate(a)", "a[5m] + 1", "{}", "1 > 2", "unknown(a)"])
def test_what_is_no_promql_is_refused(query: str) -> None:
    with pytest.raises(BadQuery):
        parse(query)


@given(
    slope=st.floats(0.01, 1e6),
    start=st.floats(1e7, 1e9),
    count=st.integers(2, 40),
    lead=st.integers(0, 1000),
    tail=st.integers(0, 1000),
)
def test_the_rate_of_a_steady_counter_is_its_slope(
    slope: float, start: float, count: int, lead: int, tail: int
) -> None:
    times = [second * 1000 for second in range(count)]
    values = [start + slope * second for second in range(count)]
    steady = rate(Points(times, values, times[0] - lead, times[-1] + tail))
    assert steady == pytest.approx(slope, rel=1e-3)


@given(st.lists(st.floats(0, 1e9), min_size=2, max_size=30))
def test_a_counter_never_grows_backwards(values: list[float]) -> None:
    times = list(range(0, 1000 * len(values), 1000))
    growth = rate(Points(times, values, 0, times[-1]))
    assert growth is not None
    assert growth >= 0


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=12), st.floats(0, 1))
def test_a_quantile_lies_within_the_finite_bounds(counts: list[float], quantile: float) -> None:
    bounds = [*[float(n + 1) for n in range(len(counts) - 1)], math.inf]
    value = bucket_quantile(quantile, list(zip(bounds, counts, strict=True)))
    assert math.isnan(value) or 0 <= value <= bounds[-2]
