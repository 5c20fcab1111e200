"""Somebody takes, gives away or swaps a shift in the night: who is paged, who is told, what is on record."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest

from steadyhand.journey.escalation.changing import Span, Wish
from steadyhand.journey.escalation.handmade import ShiftChange
from steadyhand.ports import LedgerError
from steadyhand.responder.engine.alarm import Alarm
from steadyhand.responder.engine.distress import call_for_help
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.people.roster import read_schedules
from steadyhand.responder.people.shifts import change_shift, shift_changes, undo_shift
from steadyhand.responder.rules import Rules
from steadyhand.responder.views import explain_pages
from stories.shift import Begin, Shift, rules, tell, tier

HOUR = timedelta(hours=1)
NO_WINDOW = Span()


def daily(**given: object) -> Rules:
    """Ana, then bo, each for a day from 18:00 in Berlin; the lead beyond them."""
    layer = {"people": ["ana", "bo"], "starts": "2026-01-30T18:00", "shift": "1d"}
    schedules = [{"name": "primary", "time_zone": "Europe/Berlin", "layers": [layer]}]
    primary = {"name": "primary", "contacts": [{"schedule": "primary"}], "escalate_after": 15}
    return rules(primary, tier("lead"), schedules=schedules, **given)


def takes(night: Shift, who: str, kind: str = "take", other: str = "", own: Span = NO_WINDOW) -> ShiftChange:
    return change_shift(night.outside, "primary", Wish(kind, who, other, own), "a wedding", "test")  # type: ignore[arg-type]


def trail(night: Shift) -> list[tuple[str, str, str]]:
    with night.outside.ledger.read() as tx:
        return [
            (one.action, one.actor, one.via)
            for one in tx.trail()
            if one.action.startswith(("shift.", "deed."))
        ]


def test_who_takes_a_shift_is_paged_and_whoever_had_it_is_told_and_left_in_peace(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        takes(night, "cy")
        await night.turn()
        assert night.sms("ana").says(
            "cy takes primary: cy is on call from Sat 2026-01-31 13:00 CET", "a wedding"
        )
        await night.fires()
        assert night.phone("cy").says("SEV2 shop")
        assert trail(night) == [("shift.taken", "cy", "test")]

    tell(story(begin(daily())))


class Sick:
    """A store that cannot be read."""

    def read(self) -> NoReturn:
        raise LedgerError("the disk is gone")


@pytest.mark.parametrize("sick", [False, True])
def test_a_call_for_help_of_our_own_goes_to_whoever_took_the_shift(begin: Begin, *, sick: bool) -> None:
    async def story(night: Shift) -> None:
        takes(night, "cy")
        await night.turn()
        assert night.sms("ana").rang_once
        broken: Any = Sick()
        outside = replace(night.outside, ledger=broken) if sick else night.outside
        await Alarm(outside).ring("the disk is full")
        for one in (night.phone("cy"), night.sms("cy")):
            assert one.says("STEADYHAND NEEDS HELP", "the disk is full")
        with night.outside.ledger.write() as tx:
            call_for_help(night.outside, tx, "timer", "a timer is dead", night.clock.now())
        await night.turn()
        for one in (night.phone("cy"), night.sms("cy")):
            assert one.says("a timer is dead")

    tell(story(begin(daily())))


def test_a_taken_shift_survives_a_kill_and_ends_with_a_hand_off(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        begins = night.clock.now() + HOUR
        takes(night, "cy", own=Span(begins, begins + HOUR))
        await night.turn()
        night.restart()
        assert night.sms("ana").rang_once  # told that it was taken, and no more than that
        await night.passes(minutes=61)
        assert night.sms("cy").says("You are on call for primary until Sat 2026-01-31 15:00 CET")
        assert night.sms("ana").says("cy is on call for primary now")
        incident = await night.fires()
        assert night.phone("cy").says("SEV2 shop")
        night.acks(incident, "cy")
        await night.passes(hours=1)
        assert night.sms("ana").says("You are on call for primary until")
        assert night.sms("cy").says("your shift is over")

    tell(story(begin(daily())))


@pytest.mark.usefixtures("place")
def test_both_databases_keep_it(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        made = takes(night, "cy")
        night.restart()
        now = night.clock.now()
        assert shift_changes(night.outside) == [made]
        assert read_schedules(night.outside, now)[0].on_call(now) == "cy"
        undo_shift(night.outside, made.id, "ana", "test")
        night.restart()
        assert read_schedules(night.outside, now)[0].on_call(now) == "ana"
        await night.turn()
        assert night.sms("ana").rang_once
        assert night.sms("cy").says("undone by ana")

    tell(story(begin(daily())))


def test_an_incident_under_way_obeys_it_from_its_next_step_on(begin: Begin) -> None:
    """A person's deed is no edited configuration: the frozen policy says primary, and primary is cy now."""
    given = daily(escalation={"unack_after": "30m"})

    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert night.phone("ana").says("SEV2 shop")
        night.acks(incident)
        takes(night, "cy")
        await night.turn()
        assert night.sms("ana").says("cy takes primary")
        await night.passes(minutes=30)
        assert night.phone("cy").says("Nothing was heard of ana")
        assert "schedule.changed" in night.actions(incident)
        why = str(explain_pages(night.outside, incident))
        assert "cy stood in on schedule primary" in why
        assert "shift taken by cy until Sat 31 Jan 18:00" in why

    tell(story(begin(given)))


def test_undoing_it_gives_the_shift_back_to_whoever_the_schedule_names(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        made = takes(night, "ana", "give", "cy")
        await night.turn()
        assert night.sms("cy").says("ana gives primary: cy is on call instead of ana")
        undo_shift(night.outside, made.id, "cy", "test")
        await night.turn()
        assert night.sms("ana").says("undone by cy")
        await night.fires()
        assert night.phone("ana").says("SEV2 shop")
        assert trail(night) == [("shift.given", "ana", "test"), ("shift.undone", "cy", "test")]

    tell(story(begin(daily())))


def test_a_swap_is_two_shifts_and_one_hand_off_at_its_time(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        takes(night, "ana", "swap", "bo")
        await night.turn()
        assert night.sms("bo").says(
            "ana swaps primary: bo is on call instead of ana", "ana is on call instead of bo"
        )
        await night.passes(hours=5)  # 18:00 in Berlin: bo would come, and ana comes
        assert night.sms("ana").says("You are on call for primary until Mon 2026-02-02 18:00 CET")
        assert night.sms("bo").says("ana is on call for primary now")

    tell(story(begin(daily())))


def test_a_shift_over_the_night_when_clocks_go_back_lasts_as_long_as_it_was_taken_for(begin: Begin) -> None:
    start = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)  # 01:30 in Berlin; an hour later it is 02:30 twice

    async def story(night: Shift) -> None:
        takes(night, "cy", own=Span(start, start + 3 * HOUR))
        await night.turn()
        (had_it,) = [one for one in ("ana", "bo") if night.lines["sms"].rang(one)]
        assert night.sms(had_it).says("cy takes primary", "01:30 CEST to Sun 2026-10-25 03:30 CET")
        await night.passes(hours=2, minutes=59)
        night.acks(await night.fires(), "cy")
        assert night.phone("cy").says("SEV2 shop")
        await night.passes(minutes=1)
        assert night.sms(had_it).says("You are on call for primary")
        assert night.sms("cy").says("your shift is over")

    tell(story(begin(daily(), start)))


def test_nobody_gets_a_shift_who_could_not_be_paged_and_the_attempt_is_on_record(begin: Begin) -> None:
    given = daily().model_copy(update={"people": rules(tier("ana")).people[:3]})

    async def story(night: Shift) -> None:
        with pytest.raises(Refused, match="eve has no way to be reached under people"):
            takes(night, "ana", "give", "eve")
        with pytest.raises(Refused, match="no schedule 'night'; schedules: primary"):
            change_shift(night.outside, "night", Wish("take", "cy"), "", "test")
        with pytest.raises(Refused, match="no change 'shift-9'"):
            undo_shift(night.outside, "shift-9", "ana", "test")
        assert [one[0] for one in trail(night)] == ["deed.refused"] * 3
        assert shift_changes(night.outside) == []

    tell(story(begin(given)))
