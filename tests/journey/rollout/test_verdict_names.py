"""A verdict has one name, at every door; and where no proof can come any more a human is asked early."""

from datetime import timedelta

import pytest
from canary_story import Story, counts, started

from steadyhand.journey.rollout.judge import judge
from steadyhand.journey.rollout.model import Hold, Undecided
from steadyhand.journey.rollout.planning import sight_of
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.words import foresee, named, say

GOOD, SICK = counts(5, 0, 1), counts(95, 19, 10)
QUIET = CanaryRule(soak=timedelta(seconds=30), longest=timedelta(minutes=5))


def name(story: Story) -> str:
    return named(story.verdict)


def test_each_verdict_is_said_by_its_name() -> None:
    assert name(Story(started(target="errors")).seconds(40, GOOD, SICK)) == "proven better"
    even = counts(50, 1, 5, 1), counts(950, 19, 95, 19)
    assert name(Story(started()).seconds(120, *even)) == "not worse within 2x"
    assert name(Story(started()).seconds(30, counts(50, 20, 5, 1), counts(950, 19, 95, 19))) == "worse"
    assert name(Story(started()).seconds(30, counts(0), counts(100, 1, 10))) == "no traffic"
    silent = Story(started()).seconds(20, *even)
    silent.now += timedelta(seconds=4)
    assert name(silent) == "stale"
    assert name(Story(started(target="errors")).seconds(300, counts(5, 1), SICK)) == "undecided"
    seen = name(Story(started()).seconds(300, counts(5), counts(95, 1)))
    assert seen == "no evidence of harm, could have seen >= 2.1x"


def test_a_sentence_says_the_name_the_time_left_and_the_figures() -> None:
    watching = Story(started()).seconds(10, GOOD, SICK).verdict
    assert say(watching).startswith("watching, 20 s left (failed answers")


def test_where_even_a_perfect_cure_cannot_be_proven_in_time_a_human_is_asked_after_the_soak() -> None:
    story = Story(started(target="errors"), rule=QUIET)
    for second in range(31):
        story.second(counts(1 if second % 10 == 0 else 0), counts(2, 1 if second % 15 == 0 else 0))
        if second < 29:
            assert isinstance(judge(story.watch, story.now, QUIET), Hold)
    assert isinstance(story.verdict, Undecided)


def test_where_a_cure_could_still_be_proven_the_watch_is_extended() -> None:
    story = Story(started(target="errors")).seconds(60, counts(5, 1), SICK)
    assert isinstance(story.verdict, Hold)


def test_what_can_be_seen_is_said_before_the_start() -> None:
    plain = " ".join(foresee(sight_of(100, 0.2, 0.05, 30, 0.5)))
    assert "At 100 requests/s, 20.0% of them failing, 5% to the fix:" in plain
    assert "a full cure is proven in about" in plain
    blind = " ".join(foresee(sight_of(1, 0.0, 0.05, 30, 0.5)))
    assert "no harm at all" in blind
    assert "not in any time" in blind


@pytest.mark.parametrize(("rps", "harm"), [(10, 25.0), (100, 5.6), (1_000, 2.1)])
def test_the_smallest_harm_is_that_of_the_planning_formula(rps: float, harm: float) -> None:
    assert sight_of(rps, 0.01, 0.05, 30, 0.5).smallest_harm == pytest.approx(harm, rel=0.03)
