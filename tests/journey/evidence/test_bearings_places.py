"""Bearings that name a place: the way, messages that part, what is news, and where a loss arises."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from steadyhand.journey.evidence.bearings.features import figures
from steadyhand.journey.evidence.bearings.observed import Calls, Gauge, Kind, Observed, Said
from steadyhand.journey.evidence.bearings.strength import bend_of
from steadyhand.journey.evidence.bearings.taken import calls_of
from steadyhand.journey.evidence.model import Span, SpanReport, Traced
from steadyhand.journey.topology import Service, Topology

CHAIN = {"front": ("cart", "stock"), "cart": ("stock",), "stock": ()}
START = datetime(2026, 1, 1, tzinfo=UTC)
CALM = tuple(0.1 + 0.002 * (at % 7) for at in range(100))


def seen(
    *gauges: Gauge, said: Sequence[Said] = (), calls: Sequence[Calls] = (), symptom: Kind | None = None
) -> dict[str, dict[str, float]]:
    return figures(
        Observed(
            target="front",
            symptom=symptom,
            depends_on=CHAIN,
            gauges=gauges,
            said=tuple(said),
            calls=tuple(calls),
        )
    )


def call(caller: str, callee: str, way: float, many: float = 50.0, calm_way: float = 2_000.0) -> Calls:
    """Calls whose callee takes as long as ever."""
    return Calls(caller, callee, many, many, calm_slow=9e3, since_slow=9e3, calm_way=calm_way, since_way=way)


def latency(entity: str, since: float, requests: float, *, mean: bool = True, calm: float = 0.1) -> Gauge:
    known = tuple(calm * one / 0.1 for one in CALM)
    return Gauge(
        entity,
        "latency",
        calm=known,
        since=(since,),
        calm_of=(requests,) * len(known),
        since_of=(requests,),
        mean=mean,
    )


def test_what_only_the_caller_waits_for_is_told_of_the_callee() -> None:
    found = seen(calls=[call("front", "cart", 2_000.0), call("cart", "stock", 2_000_000.0)])
    assert found["stock"]["way"] > 2
    assert found["cart"]["way"] == found["stock"]["slow"] == 0.0


def test_two_callers_who_wait_alike_are_surer_than_one_who_waits_and_one_who_does_not() -> None:
    both = seen(calls=[call("front", "stock", 2e6), call("cart", "stock", 2e6)])["stock"]["way"]
    alone = seen(calls=[call("front", "stock", 2_000.0), call("cart", "stock", 2e6)])["stock"]["way"]
    assert 0 < alone < 0.6 * both


def test_one_call_that_took_long_on_the_way_tells_less_than_many() -> None:
    one, many = (
        seen(calls=[call("front", "stock", 2e6, many=many)])["stock"]["way"] for many in (1.0, 100.0)
    )
    assert 0 < one < 0.6 * many


def test_a_client_whose_callee_tells_nothing_says_nothing_of_the_way() -> None:
    assert seen(calls=[Calls("front", "stock", 50.0, 50.0, 9e3, 9e3, since_way=2e6)])["stock"]["way"] == 0.0


def test_errors_in_place_of_what_was_said_before_tell_more_than_errors_beside_it() -> None:
    others = Said("stock", 200.0, 200.0)
    new = Said("stock", 0.0, 40.0, error=True)
    swapped = seen(said=[others, new, Said("stock", 40.0, 0.0)])["stock"]
    beside = seen(said=[others, new, Said("stock", 40.0, 40.0)])["stock"]
    assert swapped["log_swapped"] > 3 * beside["log_swapped"]


def test_two_messages_that_always_came_together_part_where_a_function_ends_early() -> None:
    busier = seen(said=[Said("stock", 20.0, 90.0), Said("stock", 20.0, 90.0)])["stock"]
    parted = seen(said=[Said("stock", 20.0, 90.0), Said("stock", 20.0, 0.0)])["stock"]
    assert busier["log_parted"] == 0.0
    assert parted["log_parted"] > 3


def test_an_error_that_ceases_is_no_loss() -> None:
    said = [Said("stock", 20.0, 90.0), Said("stock", 20.0, 0.0, error=True)]
    assert seen(said=said)["stock"]["log_parted"] == 0.0


def test_what_was_as_far_right_before_is_no_news() -> None:
    def strength(right_before: float) -> float:
        gauge = Gauge("stock", "latency", (*CALM, right_before), since=(0.2,), recent=1)
        return bend_of(gauge).strength

    assert strength(0.2) == 0.0
    assert strength(0.1) > 1.5


def test_a_loss_is_told_of_where_it_arises_by_amount_not_by_how_unusual_it_is() -> None:
    found = seen(
        latency("front", 0.2, 1000),
        latency("cart", 0.6, 200),
        latency("stock", 0.009, 600, calm=0.001),
        symptom="latency",
    )
    assert found["cart"]["blame"] > 0.9
    assert found["stock"]["blame"] < 0.1


def test_the_shares_of_a_loss_add_up_to_all_of_it() -> None:
    found = seen(latency("front", 0.2, 1000), latency("cart", 0.4, 200), latency("stock", 0.15, 500))
    assert abs(sum(one["blame"] for one in found.values()) - 1.0) < 1e-9


def test_services_that_call_each_other_do_not_keep_a_loss_going_round() -> None:
    ring = {"front": ("cart",), "cart": ("front",)}
    gauges = (latency("front", 0.2, 1000), latency("cart", 0.2, 1000))
    found = figures(Observed(target="front", symptom=None, depends_on=ring, gauges=gauges))
    assert 0 <= sum(one["blame"] for one in found.values()) <= 1.0


def test_a_percentile_is_no_time_that_was_lost_where_the_mean_is_known() -> None:
    found = seen(latency("cart", 9.0, 1000, mean=False), latency("cart", 0.1, 1000))
    assert found["cart"]["late_own"] == 0.0


def trace(number: int, waited: float, took: float) -> list[Span]:
    """A request of front to stock by a client's span."""

    def span(name: str, parent: str, service: str, ms: float) -> Span:
        at = START + timedelta(seconds=number)
        return Span(
            trace=str(number),
            id=name,
            parent=parent,
            service=service,
            operation=name,
            start=at,
            duration_ms=ms,
        )

    return [
        span("handle", "", "front", waited + 1),
        span("call", "handle", "front", waited),
        span("answer", "call", "stock", took),
    ]


def test_of_traces_the_way_is_what_the_clients_span_lasts_longer_than_the_callees() -> None:
    topology = Topology(services=(Service(name="front", depends_on=("stock",)), Service(name="stock")))
    calm, since = (
        SpanReport(spans=tuple(one for at in range(9) for one in trace(at, waited, 5.0)))
        for waited in (6.0, 205.0)
    )
    (found,) = calls_of([Traced(source="traces", calm=calm, since=since)], topology)
    assert (found.callee, found.calm_way, found.since_way) == ("stock", 1_000.0, 200_000.0)
