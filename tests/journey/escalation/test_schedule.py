"""Who is on call: turns, layers, overrides, hand-offs, gaps, and the two odd nights of the year."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from steadyhand.journey.escalation.schedule import Schedule
from steadyhand.journey.escalation.shifts import gaps, next_handoff, roster, shifts


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def layer(*people: str, **given: Any) -> dict[str, Any]:
    return {"people": people, "starts": "2026-01-05T09:00", "shift": "1w"} | given


def schedule(*layers: dict[str, Any], **given: Any) -> Schedule:
    return Schedule.model_validate(
        {"name": "primary", "time_zone": "Europe/Berlin", "layers": layers or [layer("ana", "bo")]} | given
    )


def people(of: Schedule, start: str, end: str) -> list[str]:
    return [
        f"{one.person or '-'} {one.starts:%m-%d %H:%M}-{one.ends:%m-%d %H:%M}"
        for one in roster(of, at(start), at(end))
    ]


def test_people_take_turns_and_the_rotation_wraps() -> None:
    one = schedule(layer("ana", "bo", "cy"))
    starts = ("2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26")
    assert [one.on_call(at(f"{day}T08:00")) for day in starts] == ["ana", "bo", "cy", "ana"]


def test_the_boundary_instant_belongs_to_who_comes() -> None:
    one = schedule()
    assert one.on_call(at("2026-01-12T07:59:59")) == "ana"
    assert one.on_call(at("2026-01-12T08:00:00")) == "bo"


def test_before_the_first_hand_off_nobody_is_on_call() -> None:
    assert schedule().on_call(at("2026-01-05T07:59")) == ""


def test_the_hand_off_stays_at_nine_on_the_wall_when_the_clocks_change() -> None:
    one = schedule(layer("ana", "bo", shift="1d"))
    assert people(one, "2026-03-28T08:00", "2026-03-30T07:00") == [
        "ana 03-28 08:00-03-29 07:00",  # 23 hours
        "bo 03-29 07:00-03-30 07:00",
    ]
    assert people(one, "2026-10-24T07:00", "2026-10-26T08:00") == [
        "ana 10-24 07:00-10-25 08:00",  # 25 hours
        "bo 10-25 08:00-10-26 08:00",
    ]


def test_a_hand_off_in_the_hour_that_spring_leaves_out_happens_when_that_hour_would_have_begun() -> None:
    one = schedule(layer("ana", "bo", shift="1d", starts="2026-01-05T02:30"))
    assert "ana 03-28 01:30-03-29 01:00" in people(one, "2026-03-27T12:00", "2026-03-30T12:00")


def test_a_hand_off_in_the_hour_that_comes_twice_happens_the_first_time() -> None:
    one = schedule(layer("ana", "bo", shift="1d", starts="2026-01-05T02:30"))
    assert people(one, "2026-10-24T12:00", "2026-10-26T01:00")[0].endswith("-10-25 00:30")


def test_later_layers_win_and_hours_end_them() -> None:
    lunch = layer("cy", shift="1d", hours=[{"days": ["wed"], "starts": "12:00", "ends": "13:00"}])
    assert people(schedule(layer("ana"), lunch), "2026-01-07T08:00", "2026-01-07T18:00") == [
        "ana 01-07 08:00-01-07 11:00",
        "cy 01-07 11:00-01-07 12:00",
        "ana 01-07 12:00-01-07 18:00",
    ]


def test_hours_may_pass_midnight() -> None:
    night = layer("bo", hours=[{"starts": "22:00", "ends": "06:00"}])
    assert people(schedule(layer("ana"), night), "2026-01-07T12:00", "2026-01-08T12:00")[1] == (
        "bo 01-07 21:00-01-08 05:00"
    )


def test_of_two_overrides_the_one_further_down_wins() -> None:
    given = [
        {"person": "bo", "starts": "2026-01-06T10:00", "ends": "2026-01-06T16:00"},
        {"person": "cy", "starts": "2026-01-06T12:00", "ends": "2026-01-06T14:00"},
    ]
    one = schedule(layer("ana"), overrides=given)
    assert people(one, "2026-01-06T08:00", "2026-01-06T18:00") == [
        "ana 01-06 08:00-01-06 09:00",
        "bo 01-06 09:00-01-06 11:00",
        "cy 01-06 11:00-01-06 13:00",
        "bo 01-06 13:00-01-06 15:00",
        "ana 01-06 15:00-01-06 18:00",
    ]


def test_gaps_are_found_and_have_their_instants() -> None:
    office = layer("ana", hours=[{"days": ["mon", "tue"], "starts": "09:00", "ends": "17:00"}])
    found = gaps(schedule(office), at("2026-01-05T08:00"), at("2026-01-07T08:00"))
    assert [(one.starts, one.ends) for one in found] == [
        (at("2026-01-05T16:00"), at("2026-01-06T08:00")),
        (at("2026-01-06T16:00"), at("2026-01-07T08:00")),
    ]
    assert len(shifts(schedule(office), at("2026-01-05T08:00"), at("2026-01-07T08:00"))) == 2


def test_the_next_hand_off_says_who_goes_and_who_comes() -> None:
    found = next_handoff(schedule(), at("2026-01-06T00:00"))
    assert found is not None
    assert (found.at, found.goes, found.comes) == (at("2026-01-12T08:00"), "ana", "bo")
    assert next_handoff(schedule(layer("ana")), at("2026-01-06T00:00")) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"time_zone": "Europe/Atlantis"}, "is no time zone"),
        ({"time_zone": "../etc/passwd"}, "is no time zone"),
        ({"layers": [layer("ana", starts="2026-01-05T09:00Z")]}, "wall time has no offset"),
        ({"layers": [layer("ana", shift="soon")]}, "is no length of a shift"),
        ({"layers": [layer("ana", shift="0d")]}, "is no length of a shift"),
        ({"layers": [layer()]}, "at least 1 item"),
        ({"layers": []}, "at least 1 item"),
        (
            {"overrides": [{"person": "a", "starts": "2026-01-06T10:00", "ends": "2026-01-06T10:00"}]},
            "ends after it starts",
        ),
    ],
)
def test_what_is_no_schedule_is_refused_with_the_reason(changes: dict[str, Any], why: str) -> None:
    given = {"name": "primary", "time_zone": "Europe/Berlin", "layers": [layer("ana")]} | changes
    with pytest.raises(ValidationError, match=why):
        Schedule.model_validate(given)


def test_a_time_of_day_without_quotes_is_what_it_looks_like() -> None:
    """YAML takes 17:00 for the number 1020."""
    hours = schedule(layer("ana", hours=[{"starts": "09:00", "ends": 17 * 60}])).layers[0].hours[0]
    assert (hours.ends.hour, hours.ends.minute) == (17, 0)


def test_a_schedule_is_written_as_it_is_read() -> None:
    one = schedule(layer("ana", shift="12h", hours=[{"starts": "22:00", "ends": "06:00"}]))
    assert Schedule.model_validate_json(one.model_dump_json()) == one
