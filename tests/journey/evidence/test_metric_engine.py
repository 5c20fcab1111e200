"""The metric engine: what it screens, what is usual, what comes, what moves together, and faulty data."""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from journey.evidence.little_world import START, TOPOLOGY, at, window

from steadyhand.journey.evidence.companions import company
from steadyhand.journey.evidence.digest import render
from steadyhand.journey.evidence.forecast import forecast
from steadyhand.journey.evidence.model import Item, Onset, Page, Series
from steadyhand.journey.evidence.page import assemble
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.screen import Deviation, binomial_sigmas, deviation
from steadyhand.journey.evidence.season import Season, moved_to_now
from steadyhand.journey.evidence.sequence import in_words, sequence
from steadyhand.journey.evidence.sieve import sift
from steadyhand.journey.evidence.signal import Signal

CALM, ALL = window(0, 240), window(0, 600)
RULE = EvidenceRule()
DAY = timedelta(days=1)
Course = Callable[[float], float]


def a_signal(
    course: Course, name: str = "pool_in_use", entity: str = "till", limit: float | None = None
) -> Signal:
    values = tuple(course(float(second)) for second in range(600))
    return Signal(
        metric=name,
        name=name,
        entity=entity,
        role="saturation",
        unit="",
        labels={},
        target="",
        times=tuple(START.timestamp() + second for second in range(600)),
        values=values,
        fine=values,
        smoothing=0.0,
        limit=limit,
    )


def a_series(name: str, course: Course, **labels: str) -> Series:
    seconds = range(600)
    return Series(
        name=name,
        labels={"job": "till", **labels},
        times=tuple(START.timestamp() + second for second in seconds),
        values=tuple(course(float(second)) for second in seconds),
    )


def noisy(course: Course, sigma: float = 1.0, seed: int = 1) -> Course:
    luck = random.Random(seed)  # noqa: S311 - made-up noise
    return lambda second: course(second) + luck.gauss(0, sigma)


def page_of(series: Sequence[Series], **more: object) -> Page:
    given = {"incident": "inc-1", "service": "till", "window": ALL, "baseline": CALM, "topology": TOPOLOGY}
    return assemble(**given, series=series, **more)  # type: ignore[arg-type]


def moved(signal: Signal) -> Deviation:
    found = deviation(signal, CALM, (), RULE)
    assert found is not None
    return found


def test_no_signal_that_moved_is_turned_away_by_the_screen() -> None:
    luck = random.Random(4)  # noqa: S311 - made-up noise
    signals = []
    for number in range(300):
        lift, begin, end = luck.uniform(0, 12), luck.uniform(200, 600), luck.uniform(300, 700)
        course = noisy(lambda s, a=lift, b=begin, e=end: 40 + (a if b <= s < e else 0), seed=number)  # type: ignore[misc]
        signals.append(a_signal(course, name=f"pool_{number}"))
    movers = {one.name for one in signals if deviation(one, CALM, (), RULE)}
    kept = {one.name for one in sift(signals, CALM, (), EvidenceRule(max_analysed=300)).kept}
    assert movers
    assert movers <= kept
    assert len(kept) < len(signals)


def test_one_loud_service_does_not_take_all_the_room_of_the_close_look() -> None:
    loud = [a_signal(lambda s: 1000.0 if s > 300 else 10.0, f"pool_{n}", "till") for n in range(60)]
    quiet = a_signal(lambda s: 20.0 if s > 300 else 10.0, "pool", "ledger")
    found = sift([*loud, quiet], CALM, (), EvidenceRule(max_analysed=20))
    assert quiet in found.kept
    assert found.beyond == 41


@pytest.mark.parametrize(("failed", "answers", "sure"), [(1, 1, False), (2, 12, False), (40, 120, True)])
def test_a_share_counts_by_how_many_answers_it_is_of(failed: float, answers: float, sure: object) -> None:
    assert (binomial_sigmas(0, 400, failed, answers) >= RULE.sigmas) is sure


def test_a_batch_of_every_day_is_usual_and_a_fault_on_top_of_it_is_dated_by_itself() -> None:
    def batch(second: float) -> float:
        return 60.0 if 300 <= second < 420 else 10.0

    yesterday = moved_to_now(
        [one.model_copy(update={"times": tuple(t - DAY.total_seconds() for t in one.times)})
         for one in [a_series("db_connections_in_use", noisy(batch, seed=2))]], DAY,
    )  # fmt: skip
    same = page_of([a_series("db_connections_in_use", noisy(batch))], seasons=[Season(DAY, yesterday)])
    assert not [one for one in same.items if one.kind == "metric"]
    assert "1 usual" in same.coverage["metrics"]

    def worse(second: float) -> float:
        return batch(second) + (100.0 if second >= 350 else 0.0)

    page = page_of([a_series("db_connections_in_use", noisy(worse))], seasons=[Season(DAY, yesterday)])
    (item,) = [one for one in page.items if one.kind == "metric"]
    assert item.onset
    assert abs((item.onset.at - at(350)).total_seconds()) <= 2


def item(name: str, when: float, lo: float, hi: float) -> Item:
    onset = Onset(at=at(when), lo=at(lo), hi=at(hi))
    return Item(id=name, kind="metric", entity="till", title=name, onset=onset)


def test_no_order_is_told_that_the_intervals_do_not_allow() -> None:
    pool, slow, errors = item("m1", 10, 8, 12), item("m2", 16, 15, 17), item("l1", 16.5, 14, 18)
    told = sequence([errors, slow, pool])
    assert [[one.id for one in step] for step in told.steps] == [["m1"], ["m2", "l1"]]
    assert in_words(told) == "m1 02:00:10 ±2 s > m2 = l1 02:00:16"


def test_an_item_that_may_have_begun_at_any_time_does_not_blur_the_others() -> None:
    told = sequence(
        [item("m1", 10, 9, 10), item("m2", 20, 19, 20), item("m3", 15, 0, 60), item("m4", 30, 29, 30)]
    )
    assert [[one.id for one in step] for step in told.steps] == [["m1"], ["m2"], ["m4"]]
    assert [one.id for one in told.apart] == ["m3"]


def test_a_climb_is_told_with_the_minute_of_its_limit() -> None:
    course = noisy(lambda s: 500 + max(0.0, s - 300) * 0.5, sigma=3)
    found = forecast(a_signal(course, limit=1000), START.timestamp() + 300)
    assert found is not None
    true = (1000 - 500 - 300 * 0.5) / 0.5 / 60
    assert found.soonest <= true <= found.latest
    assert found.minutes == pytest.approx(true, rel=0.1)


@pytest.mark.parametrize("course", [lambda _: 500.0, lambda s: 800.0 if s > 310 else 500.0])
def test_what_does_not_climb_any_more_has_no_forecast(course: Course) -> None:
    assert forecast(a_signal(noisy(course, sigma=3), limit=1000), START.timestamp() + 300) is None


def test_a_leak_older_than_the_window_is_told_before_it_hurts() -> None:
    used = a_series("memory_used_bytes", noisy(lambda s: 7.0e8 + s * 1.5e5, sigma=1e5))
    limit = a_series("memory_max_bytes", lambda _: 1e9)
    page = page_of([used, limit])
    (found,) = [one for one in page.items if one.kind == "metric"]
    assert "limit in" in found.title
    assert 20 < float(found.facts["limit_in_min"]) < 26


def test_a_companion_is_told_with_how_long_before_it_moved() -> None:
    pain = moved(a_signal(noisy(lambda s: 50.0 if s >= 320 else 10.0)))
    cause = moved(a_signal(noisy(lambda s: 80.0 if s >= 312 else 10.0, seed=3), "other_in_use"))
    found = company(cause, pain, 1.0)
    assert found is not None
    assert found.r > 0.95
    assert found.lag_s == pytest.approx(-8, abs=1)


def test_every_fault_of_the_data_has_its_name_on_the_page() -> None:
    holes = a_series("queue_depth", lambda _: 5.0)
    kept = [
        (t, v)
        for t, v in zip(holes.times, holes.values, strict=True)
        if not 100 <= t - START.timestamp() < 160
    ]
    holes = holes.model_copy(update={"times": tuple(t for t, _ in kept), "values": tuple(v for _, v in kept)})
    restarted = a_series("jobs_total", lambda s: s * 3 if s < 400 else (s - 400) * 3)
    clock = a_series("node_time_seconds", lambda s: START.timestamp() + s + 90)
    rare = [a_series("http_requests_total", lambda s: float(s // 300), code=k) for k in ("200", "500")]  # type: ignore[misc]
    page = page_of([holes, restarted, clock, *rare])
    assert {one.kind for one in page.flags} == {"gaps", "resets", "clock_skew", "low_counts"}
    assert "data clock_skew: till: the clock of a host is 90 s ahead" in render(page)


def test_a_finding_keeps_its_id_and_what_is_gone_can_still_be_opened() -> None:
    late = a_series("queue_depth", noisy(lambda s: 60.0 if s >= 400 else 5.0))
    first = page_of([late])
    (known,) = [one for one in first.items if one.kind == "metric"]
    early = a_series("worker_queue_depth", noisy(lambda s: 60.0 if s >= 300 else 5.0))
    second = page_of([late, early], previous=first)
    names = {one.facts["signal"]: one.id for one in second.items if one.kind == "metric"}
    assert names == {"queue_depth": known.id, "worker_queue_depth": "m2"}
    third = page_of(
        [a_series("lock_queue_depth", noisy(lambda s: 60.0 if s >= 300 else 5.0))], previous=second
    )
    assert third.item("m1") is None
    assert third.reopened("m1") is not None
    assert [one.id for one in third.items if one.kind == "metric"] == ["m3"]
