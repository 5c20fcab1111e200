"""Schedules against a model that shares no code: the latest time the clock on the wall has shown so far.

A shift has begun once the wall has shown its beginning or later. That one sentence settles the hour that
spring leaves out and the hour that autumn gives twice.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from steadyhand.journey.escalation.schedule import Layer, Override, Schedule
from steadyhand.journey.escalation.shifts import gaps, roster
from steadyhand.journey.escalation.walltime import instant

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",  # half an hour of summer
    "Africa/Casablanca",
    "America/Havana",  # at midnight
    "Asia/Kathmandu",
    "Pacific/Apia",
    "UTC",
)
QUARTER = timedelta(minutes=15)
zones = st.sampled_from(ZONES)
locals_ = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31)).map(  # noqa: DTZ001 - wall time
    lambda one: one.replace(minute=one.minute // 15 * 15, second=0, microsecond=0)
)
instants = locals_.map(lambda one: one.replace(tzinfo=UTC))
near_changes = st.sampled_from(
    [datetime(2026, 3, 29, 0, 0, tzinfo=UTC), datetime(2026, 10, 25, 0, 0, tzinfo=UTC)]
).flatmap(lambda day: st.integers(0, 24 * 4).map(lambda number: day + number * QUARTER))
lengths = st.sampled_from([timedelta(hours=1), timedelta(hours=12), timedelta(days=1), timedelta(weeks=1)])
crews = st.lists(st.sampled_from(["ana", "bo", "cy", "di"]), min_size=1, max_size=4)


def shown(at: datetime, zone: ZoneInfo) -> datetime:
    """The latest time the wall has shown up to an instant; clocks go back by at most two hours."""
    steps = [at - number * QUARTER for number in range(12)]
    return max(one.astimezone(zone).replace(tzinfo=None) for one in steps)


@given(local=locals_, name=zones)
def test_a_wall_time_is_the_first_instant_at_which_the_wall_shows_it_or_more(
    local: datetime, name: str
) -> None:
    zone = ZoneInfo(name)
    found = instant(local, zone)
    assert found.astimezone(zone).replace(tzinfo=None) >= local
    before = found - timedelta(seconds=1)
    assert shown(before, zone) < local or before.astimezone(zone).replace(tzinfo=None) < local


@settings(max_examples=200)
@given(at=st.one_of(instants, near_changes), name=zones, starts=locals_, length=lengths, crew=crews)
def test_on_call_is_whose_turn_the_wall_says(
    at: datetime, name: str, starts: datetime, length: timedelta, crew: list[str]
) -> None:
    one = Schedule(name="s", time_zone=name, layers=(Layer(people=tuple(crew), starts=starts, shift=length),))
    turn = (shown(at, ZoneInfo(name)) - starts) // length
    assert one.on_call(at) == (crew[turn % len(crew)] if turn >= 0 else "")


@settings(max_examples=60, deadline=None)
@given(
    name=zones,
    starts=locals_,
    length=lengths.filter(lambda one: one >= timedelta(hours=12)),
    crew=crews,
    days=st.integers(1, 400),
)
def test_a_full_rotation_leaves_no_instant_without_exactly_one(
    name: str, starts: datetime, length: timedelta, crew: list[str], days: int
) -> None:
    one = Schedule(name="s", time_zone=name, layers=(Layer(people=tuple(crew), starts=starts, shift=length),))
    begin = instant(starts, ZoneInfo(name))
    end = begin + timedelta(days=days)
    laid = roster(one, begin, end)
    assert gaps(one, begin, end) == ()
    assert (laid[0].starts, laid[-1].ends) == (begin, end)
    for left, right in pairwise(laid):
        assert left.ends == right.starts
        assert left.starts < left.ends
        assert left.person != right.person


@settings(max_examples=60, deadline=None)
@given(name=zones, starts=locals_, gone=st.integers(0, 2000), held=st.integers(1, 600), seen=instants)
def test_an_override_holds_in_its_window_and_nowhere_else(
    name: str, starts: datetime, gone: int, held: int, seen: datetime
) -> None:
    zone = ZoneInfo(name)
    stands_in = Override(person="cy", starts=starts + gone * QUARTER, ends=starts + (gone + held) * QUARTER)
    one = Schedule(
        name="s", time_zone=name, layers=(Layer(people=("ana", "bo"), starts=starts),), overrides=(stands_in,)
    )
    wall = shown(seen, zone)
    assert (one.on_call(seen) == "cy") == (stands_in.starts <= wall < stands_in.ends)


@settings(max_examples=40, deadline=None)
@given(name=zones, starts=locals_, day=st.integers(0, 60), offsets=st.lists(st.integers(0, 3000), max_size=8))
def test_the_roster_and_the_question_never_disagree(
    name: str, starts: datetime, day: int, offsets: list[int]
) -> None:
    layers = (
        Layer(people=("ana", "bo"), starts=starts, shift=timedelta(days=1)),
        Layer.model_validate(
            {"people": ("cy",), "starts": starts, "hours": [{"starts": "22:00", "ends": "06:00"}]}
        ),
    )
    one = Schedule(name="s", time_zone=name, layers=layers)
    begin = instant(starts, ZoneInfo(name)) + timedelta(days=day)
    laid = roster(one, begin, begin + timedelta(days=32))
    for offset in offsets:
        at = begin + offset * QUARTER
        assert one.on_call(at) == next(shift.person for shift in laid if shift.starts <= at < shift.ends)
