"""Shifts taken, given away and swapped by hand, against what the configuration alone would say."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.journey.escalation.changing import CannotChange, Span, Wish, covers_for
from steadyhand.journey.escalation.handmade import Cover, CoveredSchedule, ShiftChange, covered
from steadyhand.journey.escalation.schedule import Layer, Schedule
from steadyhand.journey.escalation.shifts import gaps, next_handoff, roster, shifts

CREW = ("ana", "bo", "cy")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPRING = datetime(2026, 3, 28, 8, 0, tzinfo=UTC)  # ana begins; nine in Berlin, the day before summer time
PLAIN = Schedule(
    name="primary",
    time_zone="Europe/Berlin",
    layers=(Layer(people=CREW, starts=datetime(2026, 3, 28, 9, 0), shift=DAY),),  # noqa: DTZ001 - wall time
)


def changed(*changes: ShiftChange) -> CoveredSchedule:
    return covered((PLAIN,), changes, CREW)[0]


def done(wish: Wish, now: datetime, *before: ShiftChange) -> ShiftChange:
    covers = covers_for(changed(*before), wish, now)
    number = f"shift-{len(before) + 1}"
    return ShiftChange(id=number, kind=wish.kind, schedule="primary", by=wish.by, at=now, covers=covers)


def test_who_takes_over_without_a_window_has_what_is_left_of_the_shift() -> None:
    now = SPRING + 3 * HOUR
    one = changed(done(Wish("take", "bo"), now))
    assert [one.on_call(at) for at in (SPRING, now, SPRING + 23 * HOUR - timedelta(seconds=1))] == [
        "ana",
        "bo",
        "bo",
    ]
    assert next_handoff(one, now).at == SPRING + 23 * HOUR + DAY  # bo's own shift follows  # type: ignore[union-attr]


def test_a_taken_window_is_as_long_as_it_says_when_the_clocks_change() -> None:
    night = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    one = changed(done(Wish("take", "cy", own=Span(night, night + HOUR)), SPRING))
    (shift,) = [each for each in shifts(one, SPRING, SPRING + DAY) if each.person == "cy"]
    assert (shift.starts, shift.ends) == (night, night + HOUR)


def test_who_gives_a_shift_away_gives_their_own_hours_and_nobody_else_s() -> None:
    given_away = done(Wish("give", "ana", "cy", Span(SPRING, SPRING + 2 * DAY)), SPRING)
    laid = [each.person for each in roster(changed(given_away), SPRING, SPRING + 3 * DAY)]
    assert laid == ["cy", "bo", "cy", "ana"]


def test_without_a_window_it_is_the_next_shift_of_whoever_gives() -> None:
    given_away = done(Wish("give", "bo", "cy"), SPRING)
    assert [(one.starts, one.ends) for one in given_away.covers] == [
        (SPRING + 23 * HOUR, SPRING + 23 * HOUR + DAY)
    ]


def test_two_who_swap_stand_in_for_each_other() -> None:
    swap = done(Wish("swap", "ana", "bo"), SPRING)
    assert [each.person for each in roster(changed(swap), SPRING, SPRING + 3 * DAY)][:3] == [
        "bo",
        "ana",
        "cy",
    ]


def test_a_swap_of_overlapping_windows_does_not_swap_twice() -> None:
    both = Span(SPRING, SPRING + 2 * DAY)
    swap = done(Wish("swap", "ana", "bo", both, both), SPRING)
    assert [each.person for each in roster(changed(swap), SPRING, SPRING + 2 * DAY - HOUR)] == ["bo", "ana"]


def test_the_later_change_wins_and_undoing_it_gives_the_earlier_one_back() -> None:
    first = done(Wish("take", "bo"), SPRING)
    second = done(Wish("take", "cy"), SPRING + HOUR, first)
    at = SPRING + 2 * HOUR
    assert changed(first, second).on_call(at) == "cy"
    assert changed(first, second.undone(at)).on_call(at) == "bo"
    assert changed(first, second.undone(at)).on_call(at - timedelta(seconds=1)) == "cy"  # what was stays


def test_what_has_not_begun_leaves_nothing_when_it_is_undone() -> None:
    taken = done(Wish("take", "cy", own=Span(SPRING + DAY, SPRING + 2 * DAY)), SPRING)
    after = changed(taken.undone(SPRING + HOUR))
    assert roster(after, SPRING, SPRING + 3 * DAY) == roster(changed(), SPRING, SPRING + 3 * DAY)


def test_a_gap_can_be_taken_and_is_none_then() -> None:
    office = PLAIN.model_copy(
        update={
            "layers": (
                Layer.model_validate(
                    {**PLAIN.layers[0].model_dump(), "hours": [{"starts": "09:00", "ends": "17:00"}]}
                ),
            )
        }
    )
    (open_,) = covered((office,), (), CREW)
    evening = Span(SPRING + 8 * HOUR, SPRING + 12 * HOUR)
    covers = covers_for(open_, Wish("take", "bo", own=evening), SPRING)
    taken = ShiftChange(id="s", kind="take", schedule="primary", by="bo", at=SPRING, covers=covers)
    (filled,) = covered((office,), (taken,), CREW)
    assert [one.starts for one in gaps(open_, SPRING, SPRING + 20 * HOUR)] == [evening.starts]
    assert [one.starts for one in gaps(filled, SPRING, SPRING + 20 * HOUR)] == [evening.ends]


def test_a_change_in_favour_of_somebody_who_left_counts_for_nothing() -> None:
    taken = done(Wish("take", "bo"), SPRING)
    (left,) = covered((PLAIN,), (taken,), ("ana", "cy"))
    assert left.on_call(SPRING) == "ana"


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (Wish("take", "ana"), "on call for primary then anyway"),
        (Wish("take", "bo", own=Span(SPRING - DAY, SPRING - HOUR)), "over already"),
        (Wish("take", "bo", own=Span(SPRING + DAY, SPRING + HOUR)), "must end after it starts"),
        (Wish("take", "bo", own=Span(SPRING, SPRING + 99 * DAY)), "at most 35 days"),
        (Wish("give", "bo", "bo"), "bo's already"),
        (
            Wish("give", "bo", "cy", Span(SPRING, SPRING + HOUR)),
            "bo is not on call for primary then; their next shifts: Sun 29 Mar 09:00",
        ),
        (Wish("give", "eve", "cy"), "eve is not on call for primary within 35 days"),
        (Wish("swap", "ana", "eve"), "eve is not on call"),
    ],
)
def test_what_means_nothing_is_refused_with_what_would_help(wish: Wish, why: str) -> None:
    with pytest.raises(CannotChange, match=why):
        covers_for(changed(), wish, SPRING)


moments = st.integers(0, 24 * 12).map(lambda number: SPRING + number * HOUR / 2)
covers = st.builds(
    lambda person, starts, hours, instead: Cover(
        person=person, starts=starts, ends=starts + hours * HOUR, instead_of=instead
    ),
    st.sampled_from(CREW),
    moments,
    st.integers(1, 60),
    st.sampled_from(("", *CREW)),
)


@given(made=st.lists(covers, max_size=5), at=moments)
def test_the_roster_and_the_question_agree_whatever_was_changed(made: list[Cover], at: datetime) -> None:
    each = [
        ShiftChange(id=str(n), kind="give", schedule="primary", by="x", at=SPRING, covers=(one,))
        for n, one in enumerate(made)
    ]
    schedule, expected = changed(*each), PLAIN.on_call(at)
    for one in made:  # a model that shares no code
        if one.starts <= at < one.ends and one.instead_of in ("", expected):
            expected = one.person
    laid = roster(schedule, SPRING, SPRING + 7 * DAY)
    assert schedule.on_call(at) == expected
    assert next(shift.person for shift in laid if shift.starts <= at < shift.ends) == expected
