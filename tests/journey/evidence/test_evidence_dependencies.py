"""What a dependency did is told by few and faint signals; they are heard, and never crowded out."""

import pytest
from little_world import (
    BROKEN_AT,
    SECONDS,
    TOPOLOGY,
    Course,
    World,
    flat,
    loud,
    off_by,
    page_of,
    step,
    told,
    window,
)

from steadyhand.journey.evidence.page import assemble, is_quiet
from steadyhand.journey.evidence.rule import EvidenceRule


def unsteady(level: float, steady_after: float, then: float, broken_at: float) -> Course:
    """A load that warms up in the calm window, and ends when something breaks."""
    return lambda second: then if second >= broken_at else level * min(1.0, second / steady_after)


@pytest.mark.parametrize("seed", range(5))
def test_calls_that_are_no_longer_answered_show_even_where_the_calm_rate_was_uneven(seed: int) -> None:
    world = World(bank_calls=unsteady(9.0, 10.0, 0.0, BROKEN_AT), seed=seed)
    item = told(page_of(world, int(BROKEN_AT) + 9, calm=25), "rate of till_outbound_total")
    assert (item.direction, item.facts["shape"], item.facts["target"]) == ("down", "step", "bank")
    assert item.now == 0.0
    assert abs(off_by(item)) <= 2


def test_calls_that_are_answered_again_were_a_spike() -> None:
    world = World(bank_calls=step(9.0, 0.0, BROKEN_AT, BROKEN_AT + 9))
    item = told(page_of(world, SECONDS), "rate of till_outbound_total")
    assert (item.direction, item.facts["shape"]) == ("down", "spike")


@pytest.mark.parametrize("calls_per_s", [0.05, 0.3, 1.0, 3.0])
def test_rare_calls_are_not_taken_for_silence_between_two_of_them(calls_per_s: float) -> None:
    pages = [page_of(World(bank_calls=flat(calls_per_s), seed=seed), 140, 25) for seed in range(20)]
    assert all(is_quiet(page) for page in pages)


def test_calls_in_bursts_are_not_taken_for_silence_between_two_bursts() -> None:
    bursts = World(bank_calls=lambda second: 90.0 if second % 10 < 2 else 0.0)
    page = page_of(bursts, SECONDS)
    assert not any(one.facts.get("target") == "bank" for one in page.items)


def test_forty_loud_signals_of_the_caller_do_not_push_out_the_faint_one_of_its_dependency() -> None:
    words = ("waiting", "inflight", "connections", "memory", "cpu", "queue", "threads", "load")
    crowd = [loud(number, 88, words[number % len(words)]) for number in range(40)]
    world = World(bank_calls=step(9.0, 0.0, BROKEN_AT), rows_read=step(40.0, 90_000.0, BROKEN_AT))
    page = assemble(
        incident="i1",
        service="till",
        window=window(0, SECONDS),
        baseline=window(0, 60),
        topology=TOPOLOGY,
        series=[*world.series(SECONDS), *crowd],
    )
    shown = [one for one in page.items if one.kind == "metric"]
    assert len(shown) <= EvidenceRule().max_items // 2
    assert any(one.facts.get("target") == "bank" for one in shown)
    assert any(one.entity == "ledger" for one in shown)
