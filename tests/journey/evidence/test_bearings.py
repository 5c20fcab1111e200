"""Bearings: figures of one incident that weigh counts, forgive short troubles in calm and know no name."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from steadyhand.journey.evidence.bearings.arrows import arrows
from steadyhand.journey.evidence.bearings.features import figures
from steadyhand.journey.evidence.bearings.observed import Calls, Gauge, Observed, Said
from steadyhand.journey.evidence.bearings.scene import Scene
from steadyhand.journey.evidence.bearings.taken import divided
from steadyhand.journey.evidence.model import LogLine, Window
from steadyhand.journey.evidence.patterns.compare import compare
from steadyhand.journey.evidence.patterns.lines import tally_lines

CALM = 100
CHAIN = {"front": ("cart",), "cart": ("stock",), "stock": ()}
Values = Sequence[float]


def success(entity: str, since: Values, since_of: Values, calm: Values = (), calm_of: float = 100.0) -> Gauge:
    """A share of requests that succeeded; all of them in calm, unless calm is given."""
    known = tuple(calm) or (1.0,) * CALM
    return Gauge(
        entity,
        "success",
        calm=known,
        since=tuple(since),
        calm_of=(calm_of,) * len(known),
        since_of=tuple(since_of),
    )


def latency(entity: str, since: Values, calm: Values = ()) -> Gauge:
    """Seconds; around 0.1 in calm."""
    known = tuple(calm) or tuple(0.1 + 0.002 * (at % 7) for at in range(CALM))
    return Gauge(entity, "latency", calm=known, since=tuple(since))


def seen(
    *gauges: Gauge, said: Sequence[Said] = (), calls: Sequence[Calls] = (), target: str = "front"
) -> dict[str, dict[str, float]]:
    return figures(
        Observed(
            target=target,
            symptom=None,
            depends_on=CHAIN,
            gauges=gauges,
            said=tuple(said),
            calls=tuple(calls),
        )
    )


def test_one_failure_of_one_request_is_less_than_fifty_of_a_hundred() -> None:
    found = seen(success("cart", [0.0], [1.0]), success("stock", [0.5], [100.0]))
    assert 0 < found["cart"]["symptom"] < found["stock"]["symptom"]


def test_the_same_share_is_surer_of_more_requests() -> None:
    few, many = (seen(success("cart", [0.8], [of]))["cart"]["symptom"] for of in (10.0, 1000.0))
    assert few < many


def test_a_rarely_used_service_that_failed_as_often_in_calm_is_no_news() -> None:
    calm = [0.0 if at % 5 == 0 else 1.0 for at in range(CALM)]
    found = seen(success("cart", [0.0], [1.0], calm=calm, calm_of=1.0))
    assert found["cart"]["symptom"] == 0.0


def test_a_share_of_a_hundred_is_read_as_one_of_one() -> None:
    of_one, of_hundred = (
        seen(success("cart", [whole / 2], [100.0], calm=[whole] * CALM))["cart"] for whole in (1.0, 100.0)
    )
    assert of_one["symptom"] == of_hundred["symptom"]


def test_one_short_trouble_in_calm_does_not_hide_a_fault_that_is_surely_there() -> None:
    calm = [0.1 + 0.002 * (at % 7) for at in range(2 * CALM)]
    calm[70] = 9.0
    found = seen(latency("stock", [2.0, 2.0, 2.0], calm=calm))
    assert found["stock"]["symptom"] > 1


def test_what_calm_reached_more_than_once_in_a_while_is_usual() -> None:
    calm = [2.1 if at % 20 == 0 else 0.1 for at in range(CALM)]
    assert seen(latency("stock", [2.0, 2.0], calm=calm))["stock"]["symptom"] == 0.0


def test_failures_are_counted_where_they_arise_and_not_where_they_pass_through() -> None:
    lost = [success(name, [0.6, 0.6], [100.0, 100.0]) for name in CHAIN]
    found = seen(*lost)
    assert found["stock"]["failed_own"] > 0
    assert found["cart"]["failed_own"] == found["front"]["failed_own"] == 0.0


def test_a_caller_that_loses_more_than_its_callee_keeps_the_rest_as_its_own() -> None:
    found = seen(success("cart", [0.2], [100.0]), success("stock", [0.9], [100.0]))
    assert found["cart"]["failed_own"] > found["stock"]["failed_own"] > 0


def test_a_caller_as_slow_as_its_callee_has_nothing_unexplained() -> None:
    found = seen(*(latency(name, [2.0, 2.0, 2.0]) for name in CHAIN))
    assert [found[name]["unexplained"] > 0 for name in ("front", "cart", "stock")] == [False, False, True]


def said(entity: str, calm: float, since: float, lately: float) -> Said:
    return Said(entity, calm=calm, since=since, error=True, lately=lately)


def test_a_message_that_wanders_as_much_in_calm_says_nothing() -> None:
    beside = [said("cart", 3000.0, 300.0, 300.0)]
    wandering = seen(said=[*beside, said("stock", 60.0, 40.0, 40.0)])["stock"]
    steady = seen(said=[*beside, said("stock", 60.0, 40.0, 6.0)])["stock"]
    assert wandering["log_errors"] < 0.1 * steady["log_errors"]


@pytest.mark.parametrize("lately", [10.0, 100.0])
def test_calls_that_stop_are_blamed_on_the_caller_unless_they_stopped_in_calm_too(lately: float) -> None:
    beside = Calls("front", "cart", 1000.0, 100.0, 1.0, 1.0, lately=100.0)
    found = seen(calls=[beside, Calls("cart", "stock", 1000.0, 10.0, 1.0, 1.0, lately=lately)])
    assert (found["cart"]["calls_missing"] > 1) == (lately > 10)
    assert found["stock"]["calls_missing"] == 0.0


def test_no_figure_knows_a_name() -> None:
    gauges = [latency("stock", [2.0, 2.0]), success("cart", [0.5], [100.0])]
    other = {"front": "zz", "cart": "mm", "stock": "aa"}
    renamed = figures(
        Observed(
            target=other["front"],
            symptom=None,
            depends_on={other[one]: tuple(other[to] for to in many) for one, many in CHAIN.items()},
            gauges=tuple(
                Gauge(
                    other[one.entity],
                    one.kind,
                    one.calm,
                    one.since,
                    calm_of=one.calm_of,
                    since_of=one.since_of,
                )
                for one in gauges
            ),
        )
    )
    assert {other[name]: found for name, found in seen(*gauges).items()} == renamed


def outbound(caller: str, callee: str, since: Values) -> Gauge:
    known = tuple(0.1 + 0.002 * (at % 7) for at in range(CALM))
    return Gauge(callee, "edge_far", calm=known, since=tuple(since), other=caller)


def between(*gauges: Gauge) -> dict[tuple[str, str], dict[str, float]]:
    return arrows(Scene(Observed(target="front", symptom=None, depends_on=CHAIN, gauges=gauges)))


def test_what_only_the_caller_sees_lies_between_the_two() -> None:
    slow, well = [2.0, 2.0], [0.1, 0.1]
    found = between(
        outbound("cart", "stock", slow),
        latency("stock", well),
        outbound("front", "cart", well),
        latency("cart", well),
    )
    assert found["cart", "stock"]["between"] > 1
    assert found["front", "cart"]["between"] == 0.0


def test_a_callee_as_slow_as_its_caller_sees_it_leaves_nothing_between() -> None:
    found = between(outbound("cart", "stock", [2.0, 2.0]), latency("stock", [2.0, 2.0]))
    assert found["cart", "stock"]["between"] == pytest.approx(0.0, abs=0.1)


def test_of_a_callee_that_measures_nothing_itself_nobody_knows_what_lies_between() -> None:
    assert between(outbound("cart", "stock", [2.0, 2.0])) == {}


def test_trouble_that_every_caller_sees_belongs_to_no_single_way() -> None:
    well = latency("stock", [0.1, 0.1])
    found = between(outbound("cart", "stock", [2.0, 2.0]), outbound("front", "stock", [2.0, 2.0]), well)
    assert found["cart", "stock"]["alone"] == pytest.approx(0.0, abs=0.1)
    assert found["cart", "stock"]["of_callee"] == 2.0


def test_a_caller_that_asks_less_of_one_while_as_much_comes_to_it_is_told() -> None:
    steady = tuple(50.0 + at % 7 for at in range(CALM))
    asks = Gauge("stock", "load", calm=steady, since=(10.0, 10.0), other="cart")
    comes = Gauge("cart", "load", calm=steady, since=(52.0, 53.0))
    found = seen(asks, comes)
    assert found["cart"]["asks_less"] > 1
    assert found["front"]["asks_less"] == found["stock"]["asks_less"] == 0.0


@pytest.mark.parametrize(("failing", "undone"), [((0.5, 0.5), True), ((1.0, 1.0), False)])
def test_work_left_undone_counts_where_somebody_above_suffers(failing: Values, undone: object) -> None:
    steady = tuple(50.0 + at % 7 for at in range(CALM))
    asks = Gauge("stock", "load", calm=steady, since=(10.0, 10.0), other="cart")
    found = seen(asks, success("front", failing, (100.0, 100.0)))
    assert (found["cart"]["left_undone"] > 0) is undone
    hurt = success("cart", (0.1, 0.1), (100.0, 100.0))  # it fails more than who calls it: no silent return
    assert seen(asks, success("front", failing, (100.0, 100.0)), hurt)["cart"]["left_undone"] == 0.0


def test_what_is_said_is_divided_where_it_changes_and_not_only_where_calm_ends() -> None:
    """A message of every second stops 60 s before the alert, ten minutes after calm has ended."""
    lines = [line(at, "tick <n>") for at in range(1800)] + [line(at, "saved") for at in range(1740)]
    window = Window(start=at_second(0), end=at_second(1800))
    patterns = compare(
        tally_lines(lines, window, 100), window, Window(start=at_second(0), end=at_second(1200))
    )
    end = window.end.timestamp()
    found, border = divided(patterns, window, end, end - 600)
    assert border == end - 60
    assert {(one.calm, one.since) for one in found} == {(1740.0, 60.0), (1740.0, 0.0)}


def at_second(second: float) -> datetime:
    return datetime(2026, 1, 31, tzinfo=UTC) + timedelta(seconds=second)


def line(second: float, text: str) -> LogLine:
    return LogLine(at=at_second(second), service="stock", severity="INFO", message=text, ref="")
