"""What the canary may run out of: a limit is a limit, and growth shows a leak before the limit is reached."""

from datetime import timedelta
from random import Random

import pytest
from canary_story import SECOND, T0, Story, counts, started

from steadyhand.journey.rollout.gauges import Gauge, GaugeRule, trouble_of, unread
from steadyhand.journey.rollout.model import Back, Hold, Promote
from steadyhand.journey.rollout.watch import begin, gauged

MEMORY = GaugeRule(name="memory", expression="m", limit=1000.0, growth=60.0, unit="MB")
POOL = GaugeRule(name="connections", expression="c", limit=20)
GOOD, SICK = counts(5, 0, 1), counts(95, 19, 10)


def read(values: list[float | None], rule: GaugeRule = MEMORY, every: int = 5) -> Gauge:
    gauge = Gauge(rule=rule)
    for number, value in enumerate(values):
        gauge = gauge.read(T0 + number * every * SECOND, {rule.name: value})
    return gauge


def test_over_its_limit_it_is_trouble_at_once_and_at_its_limit_it_is_not() -> None:
    assert read([20], POOL).trouble == ""
    assert read([21], POOL).trouble == "connections is 21 , over its limit of 20"
    assert trouble_of((read([1], POOL), read([2000]))) == "memory is 2000 MB, over its limit of 1000"


def test_a_steady_leak_is_named_long_before_the_limit() -> None:
    leaking = read([100 + 10 * number for number in range(7)])
    assert leaking.growth == pytest.approx(120)
    assert leaking.trouble == "memory grows by 120 MB a minute, allowed are 60"


@pytest.mark.parametrize("seed", range(20))
def test_what_only_scatters_is_no_leak(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - simulated readings
    assert read([100 + chance.gauss(0, 10) for _ in range(24)]).trouble == ""


@pytest.mark.parametrize(
    ("values", "every"), [([100, 200, 300, 400, 500], 5), ([100 + 50 * n for n in range(7)], 2)]
)
def test_too_few_or_too_quick_looks_tell_nothing_of_growth(values: list[float | None], every: int) -> None:
    assert read(values, every=every).growth is None


BESIDE = MEMORY.model_copy(update={"control": "m of the control"})


def beside(canary: list[float], control: list[float | None]) -> Gauge:
    gauge = Gauge(rule=BESIDE)
    for number, both in enumerate(zip(canary, control, strict=True)):
        values = dict(zip(("memory", "memory of the control"), both, strict=True))
        gauge = gauge.read(T0 + 5 * number * SECOND, values)
    return gauge


def test_what_the_control_grows_by_as_well_is_no_leak_of_the_fix() -> None:
    climbing: list[float | None] = [100.0 + 10 * number for number in range(7)]
    assert beside([200.0 + 10 * number for number in range(7)], climbing).trouble == ""
    assert read(climbing).trouble, "alone it would be one"


def test_what_grows_faster_than_the_control_is_a_leak() -> None:
    slow: list[float | None] = [100.0 + number for number in range(7)]
    leaking = beside([100.0 + 10 * number for number in range(7)], slow)
    assert leaking.trouble == "memory grows by 108 MB a minute more than the control's, allowed are 60"


def test_a_control_without_samples_tells_no_growth_and_keeps_the_fix_from_all_traffic() -> None:
    blind = beside([100.0 + 10 * number for number in range(7)], [None] * 7)
    assert blind.growth is None
    assert unread((blind,))


def test_a_control_beside_no_allowed_growth_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="give growth too"):
        GaugeRule(name="memory", expression="m", limit=1, control="c")


def test_no_sample_adds_nothing_and_a_gauge_without_any_is_unread() -> None:
    assert unread((read([None, None]),))
    assert not unread((read([None, 5.0]),))


def watched(*rules: GaugeRule) -> Story:
    start = started(target="errors")
    arms = start.start
    return Story(begin(arms, T0, target="errors", asked_share=0.05, phi=start.phi, gauges=rules))


def test_a_canary_over_a_limit_goes_back_and_the_verdict_says_which() -> None:
    story = watched(POOL).seconds(10, GOOD, SICK)
    story.watch = gauged(story.watch, {"connections": 21.0}, story.now)
    verdict = story.verdict
    assert isinstance(verdict, Back)
    assert (verdict.reason, verdict.why) == ("saturated", "connections is 21 , over its limit of 20")


def test_a_gauge_that_was_never_read_keeps_a_proven_cure_from_all_traffic() -> None:
    story = watched(POOL).seconds(40, GOOD, SICK)
    assert isinstance(story.verdict, Hold)
    story.watch = gauged(story.watch, {"connections": 3.0}, story.now)
    assert isinstance(story.verdict, Promote)


def test_a_process_that_starts_is_no_leak() -> None:
    story = watched(MEMORY).seconds(3, GOOD, SICK)
    story.watch = gauged(story.watch, {"memory": 1.0}, story.now)
    assert story.watch.gauges[0].points == ()
    later = story.now + timedelta(seconds=10)
    assert gauged(story.watch, {"memory": 1.0}, later).gauges[0].now == 1.0
