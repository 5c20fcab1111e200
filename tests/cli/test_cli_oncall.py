"""`steadyhand oncall`: who is on call, in the time of those who are; and a calendar that others can read."""

import shlex
from contextlib import closing
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from cli.terminal import Terminal, typed
from servers import free_port

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.cli import parser
from steadyhand.journey.escalation.handmade import Cover, ShiftChange

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


def test_a_shift_that_is_under_way_keeps_its_beginning_and_its_uid(staffed: Terminal) -> None:
    def read(start: str, end: str) -> list[tuple[str, datetime, datetime]]:
        words = ("ical", "--schedule", "primary", "--from", start, "--to", end)
        events = icalendar.Calendar.from_ical(oncall(staffed, *words)).walk("VEVENT")
        return [(str(one["UID"]), one.decoded("DTSTART"), one.decoded("DTEND")) for one in events]

    early, late = (read(f"2026-03-28T{one}Z", f"2026-03-29T{one}Z") for one in ("10:00:00", "10:00:04"))
    assert early == late
    assert early[0][1] == datetime(2026, 3, 28, 8, 0, tzinfo=UTC)
    assert early[-1][2] == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)


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


def taken_by_bo(of: Terminal) -> None:
    """Bo has all of March 28th, by hand; a service stored it."""
    start = datetime(2026, 3, 28, 8, 0, tzinfo=UTC)
    cover = Cover(person="bo", starts=start, ends=start + timedelta(days=1))
    of.home.mkdir(exist_ok=True)
    change = ShiftChange(
        id="shift-1",
        kind="take",
        schedule="primary",
        by="bo",
        at=start,
        reason="\x1b[31mill",
        covers=(cover,),
    )
    with closing(SqlLedger(of.home / "steadyhand.db")) as ledger, ledger.write() as tx:
        tx.keep_shift_change(change)


def test_shifts_and_calendar_obey_what_was_changed_by_hand(staffed: Terminal) -> None:
    taken_by_bo(staffed)
    shifts = oncall(staffed, "shifts", "--schedule", "primary", *WINDOW).splitlines()[1:]
    assert shifts == ["  Fri 2026-03-27 09:00 CET to Mon 2026-03-30 09:00 CEST: bo"]
    read = icalendar.Calendar.from_ical(oncall(staffed, "ical", "--schedule", "primary", *WINDOW))
    assert [str(one["SUMMARY"]) for one in read.walk("VEVENT")] == ["bo on call (primary)"]


def test_readiness_obeys_it_and_says_what_counts_for_nothing(staffed: Terminal) -> None:
    taken_by_bo(staffed)
    tiers = "escalation: {tiers: [{name: first, contacts: [{schedule: primary}]}]}\n"
    channel = "connections: {channels: [{kind: terminal}]}\n"
    staffed.config.write_text(CONFIG + tiers + channel)
    at = ("config", "check", "--at", "2026-03-28T12:00Z", "--config", str(staffed.config))
    assert "after 0s: first by bo (terminal)" in staffed.call(*at).stdout
    staffed.config.write_text((CONFIG + tiers + channel).replace("bo", "cy"))
    done = staffed.call(*at)
    assert "after 0s: first by ana (terminal)" in done.stdout
    assert "PROBLEM: shift shift-1 of primary, taken by bo, counts for nothing" in done.stdout


def test_nothing_changed_by_hand_is_said_in_words(staffed: Terminal) -> None:
    assert oncall(staffed, "changes") == "No shift is changed by hand.\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [(("give",), "whom? steadyhand oncall give NAME"), (("swap",), "whom?"), (("undo",), "which one?")],
)
def test_what_is_missing_is_said_before_a_pin_is_asked_for(
    staffed: Terminal, words: tuple[str, ...], why: str
) -> None:
    done = staffed.call("oncall", *words)
    assert (done.returncode, why in done.stderr) == (1, True)


def test_a_shift_is_taken_at_the_terminal_and_undone_by_its_id(staffed: Terminal) -> None:
    assert staffed.run("people", "add", "bo", typed="314159\n").returncode == 0
    pin = [("PIN", "314159")]
    with staffed.serving(free_port()):
        words = ["oncall", "take", "--schedule", "primary", "--for", "49h", "--as", "bo"]
        number = typed(staffed, words, pin).partition("To undo it: steadyhand oncall undo ")[2].split()[0]
        assert "primary: bo is on call until" in oncall(staffed)
        assert f"{number} bo takes primary" in oncall(staffed, "changes")
        assert "undone: bo takes primary" in typed(staffed, ["oncall", "undo", number, "--as", "bo"], pin)
        assert f"no change '{number}'" in typed(staffed, ["oncall", "undo", number, "--as", "bo"], pin)
        assert number not in oncall(staffed, "changes")
    assert "shift.taken" in staffed.run("audit", "show").stdout


def test_the_help_shows_commands_that_can_be_given_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["oncall", "--help"])
    examples = capsys.readouterr().out.partition("examples:\n")[2].splitlines()
    kinds = [
        parser().parse_args(shlex.split(one.partition("   ")[0])[1:]).what for one in map(str.strip, examples)
    ]
    assert kinds == ["now", "take", "take", "give", "swap", "changes", "undo"]
