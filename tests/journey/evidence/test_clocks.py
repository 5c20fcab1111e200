"""Clocks that are off: how it shows, and which order is then no longer claimed."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from journey.evidence.little_world import TOPOLOGY, at, window

from steadyhand.journey.evidence.clocks import Clocks, of_calls
from steadyhand.journey.evidence.digest import render
from steadyhand.journey.evidence.model import (
    ClockOffset,
    LogLine,
    Onset,
    Page,
    Series,
    Span,
    SpanReport,
    Traced,
)
from steadyhand.journey.evidence.page import assemble


def calls(
    caller: str, callee: str, off_s: float, count: int = 20, after_s: float = 0.0, net_s: float = 0.02
) -> list[Span]:
    """Calls that take 100 ms, seen by the caller and, with its clock, by the callee; `after_s` late."""
    found = []
    for number in range(count):
        trace, start = f"{caller}{callee}{number}", at(number * 3)
        there = start + timedelta(seconds=off_s + net_s + after_s * number)
        found += [
            Span(trace=trace, id="a", service=caller, operation="call", start=start, duration_ms=100),
            Span(
                trace=trace,
                id="b",
                parent="a",
                service=callee,
                operation="serve",
                start=there,
                duration_ms=60,
            ),
        ]
    return found


def traced(*spans: Span) -> list[Traced]:
    return [Traced(source="tempo", calm=SpanReport(spans=spans), since=SpanReport())]


def offsets(*spans: Span) -> dict[str, ClockOffset]:
    return {one.entity: one for one in of_calls(traced(*spans), "till")}


@pytest.mark.parametrize("off_s", [-3.0, 0.8, 90.0])
def test_a_call_seen_from_both_sides_tells_how_far_a_clock_is_off(off_s: float) -> None:
    (found,) = offsets(*calls("till", "stock", off_s)).values()
    assert found.entity == "stock"
    assert found.lo_s <= off_s <= found.hi_s
    assert found.hi_s - found.lo_s == pytest.approx(0.04)
    assert ("ahead of" if off_s > 0 else "behind") in found.text


@pytest.mark.parametrize(
    "spans",
    [
        calls("till", "stock", 0.0),
        calls("till", "stock", 0.1),  # reverses no order that is claimed
        calls("till", "stock", 3.0, count=4),  # may be four that did not wait
        calls("till", "stock", 0.0, after_s=0.3),  # a queue: the callee begins later and later
    ],
    ids=["in step", "hardly off", "few", "a queue"],
)
def test_calls_that_fit_or_say_nothing_certain_accuse_no_clock(spans: Sequence[Span]) -> None:
    assert offsets(*spans) == {}


def test_clocks_are_followed_from_service_to_service_whoever_calls() -> None:
    found = offsets(*calls("web", "till", 5.0), *calls("web", "stock", 2.0), *calls("stock", "depot", 0.0))
    assert set(found) == {"web", "stock", "depot"}
    assert found["web"].lo_s <= -5.0 <= found["web"].hi_s
    assert found["depot"].lo_s <= -3.0 <= found["depot"].hi_s


def test_an_onset_is_widened_to_both_sides_of_what_the_clock_may_have_been() -> None:
    onset = Onset(at=at(100), lo=at(99), hi=at(101))
    ahead = Clocks([ClockOffset(entity="stock", lo_s=4.0, hi_s=5.0, text="")])
    assert ahead.widened(onset, "stock") == Onset(at=at(100), lo=at(94), hi=at(101))
    behind = Clocks([ClockOffset(entity="stock", lo_s=-5.0, hi_s=-4.0, text="")])
    assert behind.widened(onset, "stock") == Onset(at=at(100), lo=at(99), hi=at(106))
    assert behind.widened(onset, "till") == onset


def lines(service: str, first_s: float) -> list[LogLine]:
    said = [(second, "served") for second in range(0, 140, 2)]
    said += [(first_s + one, f"{service} gave up") for one in range(20)]
    return [
        LogLine(at=at(second), service=service, severity="ERROR", message=text, ref=f"{service}:{second}")
        for second, text in said
    ]


def page(*spans: Span, told: Sequence[ClockOffset] = (), series: Sequence[Series] = ()) -> Page:
    return assemble(
        incident="i1",
        service="till",
        window=window(0, 140),
        baseline=window(0, 80),
        topology=TOPOLOGY,
        lines=[*lines("till", 100.0), *lines("bank", 104.0)],
        traced=traced(*spans) if spans else (),
        offsets=told,
        series=series,
    )


def steps(page: Page) -> list[set[str]]:
    names = {one.id: one.entity for one in page.items if one.kind == "log"}
    return [found for step in page.sequence if (found := {names[one] for one in step if one in names})]


CLOCK = Series(
    name="node_time_seconds",
    labels={"job": "bank", "instance": "b1"},
    times=tuple(at(second).timestamp() for second in range(140)),
    values=tuple(at(second + 30).timestamp() for second in range(140)),
)


@pytest.mark.parametrize(
    "skewed",
    [
        page(*calls("till", "bank", 6.0)),
        page(told=[ClockOffset(entity="bank", lo_s=6.0, hi_s=6.0, text="its last line is 6 s ahead")]),
        page(series=[CLOCK]),
    ],
    ids=["calls", "file", "host"],
)
def test_no_order_is_claimed_that_a_clock_which_is_off_could_reverse(skewed: Page) -> None:
    assert steps(page(*calls("till", "bank", 0.0))) == [{"till"}, {"bank"}]
    assert steps(skewed) == [{"till", "bank"}]
    (flag,) = [one for one in skewed.flags if one.kind == "clock_skew"]
    assert flag.entity == "bank"
    assert "data clock_skew: bank:" in render(skewed)


def test_the_clock_of_a_host_that_may_be_anybodys_is_told_and_widens_nothing() -> None:
    found = page(series=[CLOCK.model_copy(update={"labels": {"instance": "b1"}})])
    assert [one.entity for one in found.flags if one.kind == "clock_skew"] == ["till"]
    assert steps(found) == [{"till"}, {"bank"}]
