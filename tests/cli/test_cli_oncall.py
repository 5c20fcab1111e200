"""`steadyhand oncall`: who is on call, in the time of those who are; and a calendar that others can read."""

from datetime import UTC, datetime

import icalendar
import pytest
from cli.terminal import Terminal

CONFIG = """
people: [{name: ana, contacts: [{type: terminal}]}, {name: bo, contacts: [{type: terminal}]}]
schedules:
  - name: primary
    time_zone: Europe/Berlin
    layers: [{people: [ana, bo], starts: 2026-01-05T09:00, shift: 1d}]
  - name: office
    time_zone: America/New_York
    layers: [{people: [bo], starts: 2026-01-05T09:00, hours: [{starts: 09:00, ends: 17:00}]}]
"""
WINDOW = ("--from", "2026-03-28T08:00Z", "--to", "2026-03-30T07:00Z")


@pytest.fixture
def staffed(terminal: Terminal) -> Terminal:
    terminal.config.write_text(CONFIG)
    return terminal


def oncall(of: Terminal, *words: str) -> str:
    done = of.call("oncall", *words, "--config", str(of.config))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_it_says_who_is_on_call_now_for_each_schedule(staffed: Terminal) -> None:
    primary, office = oncall(staffed).splitlines()
    assert primary.startswith(("primary: ana is on call until", "primary: bo is on call until"))
    assert office.startswith(("office: bo is on call until", "office: NOBODY is on call until"))


def test_shifts_are_told_in_the_time_of_those_who_are_on_call(staffed: Terminal) -> None:
    shifts = oncall(staffed, "shifts", "--schedule", "primary", *WINDOW).splitlines()[1:]
    assert shifts == [
        "  Sat 2026-03-28 09:00 CET to Sun 2026-03-29 09:00 CEST: ana",
        "  Sun 2026-03-29 09:00 CEST to Mon 2026-03-30 09:00 CEST: bo",
    ]
    assert "NOBODY (a gap)" in oncall(staffed, "shifts", "--schedule", "office", *WINDOW)


def test_a_calendar_holds_the_same_shifts(staffed: Terminal) -> None:
    read = icalendar.Calendar.from_ical(oncall(staffed, "ical", "--schedule", "primary", *WINDOW))
    found = [
        (str(one["SUMMARY"]), one.decoded("DTSTART"), one.decoded("DTEND")) for one in read.walk("VEVENT")
    ]
    day = datetime(2026, 3, 29, 7, 0, tzinfo=UTC)
    assert found == [
        ("ana on call (primary)", datetime(2026, 3, 28, 8, 0, tzinfo=UTC), day),
        ("bo on call (primary)", day, datetime(2026, 3, 30, 7, 0, tzinfo=UTC)),
    ]
    again = icalendar.Calendar.from_ical(oncall(staffed, "ical", "--schedule", "primary", *WINDOW))
    assert [one["UID"] for one in read.walk("VEVENT")] == [one["UID"] for one in again.walk("VEVENT")]
    assert len({str(one["UID"]) for one in read.walk("VEVENT")}) == 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--schedule", "night"), "no schedule 'night'; schedules: primary, office"),
        (("ical",), "which of them? --schedule primary or office"),
        (("shifts", "--from", "2026-03-30T00:00Z", "--to", "2026-03-29T00:00Z"), "must end after it starts"),
        (("shifts", "--from", "2026-03-30"), "has no zone"),
    ],
)
def test_what_cannot_be_told_is_a_plain_failure(staffed: Terminal, words: tuple[str, ...], why: str) -> None:
    done = staffed.call("oncall", *words, "--config", str(staffed.config))
    assert done.returncode == 1
    assert why in done.stderr


def test_without_a_schedule_it_says_where_to_write_one(terminal: Terminal) -> None:
    done = terminal.call("oncall", "--config", str(terminal.config))
    assert (done.returncode, "write one under schedules" in done.stderr) == (1, True)
