"""Quiet hours and business hours: by the clock on the team's wall, for lesser things only."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journey.incident_case import Case

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.commands import Send
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.hours import BusinessHours, QuietHours
from steadyhand.journey.escalation.ladder import Ladder, Tier

NIGHT_ZONE = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours.model_validate({"time_zone": "Europe/Berlin", "starts": "22:00", "ends": "07:00"})
WEEKEND = QuietHours.model_validate(
    {"time_zone": "UTC", "starts": "00:00", "ends": "00:00", "days": ["sat", "sun"]}
)
OFFICE = BusinessHours.model_validate(
    {"time_zone": "Europe/Berlin", "starts": "09:00", "ends": "17:00", "holidays": ["2026-01-06"]}
)
LADDER = Ladder(
    tiers=(
        Tier(name="team", contacts=(Contact(type="sms", user="ana"),), escalate_after=timedelta(hours=8)),
    ),
    quiet_hours=NIGHT,
    business_hours=OFFICE,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_quiet_hours_end_in_the_morning_of_the_team() -> None:
    assert NIGHT.over(at("2026-01-05T22:00")) == at("2026-01-06T06:00")
    assert NIGHT.over(at("2026-07-05T23:30")) == at("2026-07-06T05:00")
    assert NIGHT.over(at("2026-01-05T12:00")) == at("2026-01-05T12:00")


def test_quiet_hours_that_follow_each_other_are_one() -> None:
    assert WEEKEND.over(at("2026-01-03T10:00")) == at("2026-01-05T00:00")


def test_quiet_hours_have_an_end_on_the_night_the_clocks_change() -> None:
    assert NIGHT.over(at("2026-03-29T00:30")) == at("2026-03-29T05:00")
    assert NIGHT.over(at("2026-10-25T00:30")) == at("2026-10-25T06:00")


def test_a_deadline_counts_working_time_only() -> None:
    assert OFFICE.add(at("2026-01-07T15:00"), timedelta(hours=4)) == at("2026-01-08T11:00")
    assert OFFICE.add(at("2026-01-09T15:00"), timedelta(hours=2)) == at("2026-01-12T09:00")
    assert OFFICE.add(at("2026-01-05T15:00"), timedelta(hours=2)) == at(
        "2026-01-07T09:00"
    )  # a holiday between


@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - made UTC below
    hours=st.integers(0, 200),
)
def test_between_start_and_deadline_lies_exactly_that_much_working_time(start: datetime, hours: int) -> None:
    begin, span = start.replace(tzinfo=UTC), timedelta(hours=hours)
    end = OFFICE.add(begin, span)
    days = (
        OFFICE.on((begin + timedelta(days=n)).date(), NIGHT_ZONE) for n in range(-1, (end - begin).days + 2)
    )
    holidays = OFFICE.holidays
    worked = sum(
        (
            max(timedelta(), min(one[1], end) - max(one[0], begin))
            for one in days
            if one is not None and one[0].date() not in holidays
        ),
        timedelta(),
    )
    assert worked == span


@pytest.mark.parametrize("severity", ["SEV3", "SEV4"])
def test_lesser_things_wake_nobody_at_night_and_their_clock_starts_in_the_morning(severity: Severity) -> None:
    case = Case(now=at("2026-01-07T23:00"), ladder=LADDER, severity=severity)
    assert [one.not_before for one in case.of(Send)] == [at("2026-01-08T06:00")]
    assert case.armed["escalate"] == at("2026-01-08T16:00")


@pytest.mark.parametrize("severity", ["SEV1", "SEV2"])
def test_what_is_grave_always_breaks_through(severity: Severity) -> None:
    case = Case(now=at("2026-01-07T23:00"), ladder=LADDER, severity=severity)
    assert [one.not_before for one in case.of(Send)] == [None]
    assert case.armed["escalate"] == at("2026-01-08T07:00")
