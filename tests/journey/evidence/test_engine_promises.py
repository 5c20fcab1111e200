"""What the benchmarks show of the log and the metric engine, kept on a few fixed seeds."""

import random
from collections.abc import Sequence
from functools import cache
from statistics import median, quantiles

import digest as bench
import pytest
from log_incidents import CLASSES, Background
from onset_series import HELD_BACK, SHAPES, STEPS, errors_of

from steadyhand.journey.evidence.log_digest import MAX_TOKENS, NOTHING
from steadyhand.journey.evidence.patterns.tally import Tallies

INCIDENTS = 5


@cache
def quiet_hour() -> Sequence[Tallies]:
    return bench.tallied(Background(0).lines(20_000, bench.SECONDS), "quiet.log")


@pytest.mark.parametrize("name", CLASSES)
def test_a_root_cause_is_in_the_digest_with_its_value_and_its_moment(name: str) -> None:
    luck = random.Random(name)  # noqa: S311 - made-up incidents
    for _ in range(INCIDENTS):
        cause = CLASSES[name](luck, luck.uniform(420, 800), bench.SECONDS - 1)
        told = bench.digest([*bench.copied(quiet_hour()), *bench.tallied(cause.lines, "incident.log")])
        assert bench.found_in(told, cause)
        assert float(str(told["tokens"])) <= MAX_TOKENS


@pytest.mark.parametrize("seed", range(300, 306))
def test_a_quiet_window_says_that_nothing_changed(seed: int) -> None:
    told = bench.digest(bench.tallied(Background(seed).lines(10_000, bench.SECONDS), "quiet.log"))
    assert told["verdict"] == NOTHING


@pytest.mark.parametrize("shape", SHAPES)
def test_an_onset_is_dated_within_two_seconds_seldom_ten_off_and_never_far(shape: str) -> None:
    errors = [one for step in STEPS for one in errors_of(shape, step, range(HELD_BACK, HELD_BACK + 12))[0]]
    assert len(errors) == 12 * len(STEPS)
    assert median(errors) <= 2
    assert quantiles(errors, n=20)[-1] <= 10
    assert max(errors) <= 15
