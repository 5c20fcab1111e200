"""One alert over time: repeats, episodes, flapping. Pure, so the clock may jump as it likes."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journey.incident_case import NOW, alert

from steadyhand.journey.alert.rule import AlertRule
from steadyhand.journey.alert.tracking import Heard, Track, calm, calm_at, hear

RULE = AlertRule(flap_changes=4, flap_within=timedelta(minutes=10))


class Life:
    """What was heard of one alert, in seconds from the beginning."""

    def __init__(self) -> None:
        self.track: Track | None = None

    def hear(self, status: str, at: float, **changes: object) -> Heard:
        given = {"status": status, "dated": False, **changes}
        self.track, heard = hear(self.track, alert(**given), NOW + timedelta(seconds=at), RULE)
        return heard


def test_the_first_is_new_and_what_follows_repeats_it() -> None:
    life = Life()
    assert [life.hear("firing", at) for at in (0, 60, 120)] == ["new", "repeat", "repeat"]
    assert life.track is not None
    assert (life.track.count, life.track.episode, life.track.first_at) == (3, 1, NOW)


def test_firing_after_the_end_is_a_new_episode_of_the_same_alert() -> None:
    life = Life()
    assert [life.hear(one, at) for one, at in (("firing", 0), ("resolved", 60), ("firing", 3600))] == [
        "new",
        "over",
        "new",
    ]
    assert life.track is not None
    assert life.track.episode == 2


def test_an_end_that_nobody_waits_for_is_a_stray_and_not_kept() -> None:
    life = Life()
    assert life.hear("resolved", 0) == "stray"
    assert life.track is None
    life.hear("firing", 1)
    life.hear("resolved", 2)
    assert life.hear("resolved", 3) == "stray"


def test_an_episode_whose_beginning_lies_after_the_last_word_is_new_although_no_end_was_heard() -> None:
    life = Life()
    life.hear("firing", 0, dated=True, starts_at=NOW)
    assert life.hear("firing", 3600, dated=True, starts_at=NOW) == "repeat"
    assert life.hear("firing", 7200, dated=True, starts_at=NOW + timedelta(seconds=7100)) == "new"


def test_too_many_changes_are_flapping_and_its_ends_are_held() -> None:
    life = Life()
    words = [life.hear(one, at) for at, one in enumerate(("firing", "resolved") * 4)]
    assert words == ["new", "over", "new", "held", "held", "held", "held", "held"]
    assert life.track is not None
    assert life.track.flapping
    assert life.track.shown.status == "firing"


def test_a_flapping_alert_that_grows_calm_says_its_last_word() -> None:
    life = Life()
    for at, one in enumerate(("firing", "resolved") * 3):
        life.hear(one, at)
    track = life.track
    assert track is not None
    assert calm(track, calm_at(track, RULE) - timedelta(seconds=1), RULE).counts
    after = calm(track, calm_at(track, RULE), RULE)
    assert (after.flapping, after.counts) == (False, False)


def test_changes_that_are_far_apart_never_flap() -> None:
    life = Life()
    for one in range(40):
        life.hear(("firing", "resolved")[one % 2], one * 301)
        assert life.track is not None
        assert not life.track.flapping


@given(
    st.lists(
        st.tuples(st.sampled_from(["firing", "resolved"]), st.integers(-7200, 7200), st.integers(1, 3)),
        max_size=40,
    )
)
def test_duplicates_and_clock_jumps_lose_and_invent_nothing(
    heard: list[tuple[str, int, int]],
) -> None:
    """The same word several times, the clock leaping either way: only real changes change anything."""
    life, at, counts = Life(), 0, False
    for status, leap, times in heard:
        at += leap
        for time in range(times):
            before = life.track
            word = life.hear(status, at)
            after = life.track
            if after is None:
                assert word == "stray"
                continue
            assert after.count == (before.count if before else 0) + 1
            assert (
                word
                == {
                    (False, True): "new",
                    (True, False): "over",
                    (True, True): "held" if after.flapping else "repeat",
                    (False, False): "stray",
                }[counts, after.counts]
            )
            if time:  # an exact duplicate begins and ends nothing
                assert word in ("repeat", "held", "stray")
            counts = after.counts
            assert after.counts or after.alert.status == "resolved"
            assert len(after.changes) <= RULE.flap_changes


@pytest.mark.parametrize("changes", [4, 6, 9])
def test_the_number_of_pages_of_a_flapping_alert_is_bounded(changes: int) -> None:
    rule = RULE.model_copy(update={"flap_changes": changes})
    track: Track | None = None
    new = 0
    for at in range(1000):
        status = ("firing", "resolved")[at % 2]
        given = alert(status=status, dated=False)
        track, word = hear(track, given, NOW + timedelta(seconds=at), rule)
        new += word == "new"
    assert new <= changes // 2 + 1
