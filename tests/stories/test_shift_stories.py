"""Days of people on call: quiet hours, hand-offs, a weekend. Whatever rings unexpected fails the story."""

from datetime import UTC, datetime, timedelta

from steadyhand.ports import SourceRefused
from steadyhand.responder.rules import Rules
from stories.shift import Begin, Shift, patient, rules, tell, tier

# hours


def test_a_lesser_thing_wakes_nobody_at_night_and_a_grave_one_does(begin: Begin) -> None:
    quiet = {"time_zone": "Europe/Berlin", "starts": "22:00", "ends": "07:00"}
    given = rules(tier("ana"), tier("lead"), people=patient(), escalation={"quiet_hours": quiet})

    async def story(night: Shift) -> None:
        await night.fires(service="wiki", severity="warning")
        assert night.phone("ana").silent
        await night.fires()
        assert night.phone("ana").says("SEV2 shop")
        night.acks(night.incidents()[0].id)
        await night.passes(hours=3, minutes=59)
        assert night.phone("ana").silent
        await night.passes(minutes=1)
        assert night.phone("ana").says("SEV3 wiki")

    tell(story(begin(given, datetime(2026, 1, 31, 2, 0, tzinfo=UTC))))


def test_a_weekend_of_seventy_two_hours(begin: Begin) -> None:
    """Friday evening to Monday evening over the change of clocks: a rotation, three incidents, one kill."""
    layer = {"people": ["ana", "bo", "cy"], "starts": "2026-03-27T18:00", "shift": "1d"}
    schedules = [
        {"name": "primary", "time_zone": "Europe/Berlin", "handoff_notice": False, "layers": [layer]}
    ]
    primary = {"name": "primary", "contacts": [{"schedule": "primary"}], "escalate_after": 30}
    services = [{"name": name, "tier": 1} for name in ("shop", "cart", "search")]
    given = rules(primary, tier("lead", after=60), schedules=schedules, people=patient(), services=services)

    async def story(night: Shift) -> None:
        await night.passes(hours=4)
        friday = await night.fires()
        assert night.phone("ana").rang_once
        night.acks(friday)
        await night.passes(hours=27, minutes=45)
        saturday = await night.fires(service="cart")
        assert night.phone("bo").rang_once
        night.restart()
        await night.passes(minutes=30)  # the clocks go forward meanwhile
        assert night.phone("lead").says("primary did not answer")
        night.acks(saturday, "lead")
        await night.passes(hours=15)  # 16:15 UTC: a quarter past six in Berlin by now, and cy has come
        sunday = await night.fires(service="search")
        assert night.phone("cy").rang_once
        night.acks(sunday, "cy")
        await night.passes(hours=24, minutes=45)
        assert night.clock.now() == datetime(2026, 3, 30, 17, 0, tzinfo=UTC)

    tell(story(begin(given, datetime(2026, 3, 27, 17, 0, tzinfo=UTC))))


# hand-offs


def _daily(**given: object) -> Rules:
    layer = {"people": ["ana", "bo"], "starts": "2026-01-30T18:00", "shift": "1d"} | given
    schedules = [{"name": "primary", "time_zone": "Europe/Berlin", "layers": [layer]}]
    return rules({"name": "primary", "contacts": [{"schedule": "primary"}]}, schedules=schedules)


def test_whoever_comes_on_call_is_told_and_whoever_goes_and_nobody_is_rung(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        await night.passes(hours=5)
        assert night.sms("bo").says(
            "You are on call for primary until Sun 2026-02-01 18:00 CET", "ana was before you"
        )
        assert night.sms("ana").says("bo is on call for primary now: your shift is over.")
        await night.passes(hours=24)
        assert night.sms("ana").says("You are on call")
        assert night.sms("bo").says("your shift is over")

    tell(story(begin(_daily())))


def test_a_hand_off_that_was_missed_is_told_once_and_late(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        await night.passes(minutes=1)
        await night.clock.advance(timedelta(hours=53))  # three hand-offs
        night.restart()
        await night.passes(minutes=1)
        assert night.sms("bo").says("You are on call", "late by")
        assert night.sms("ana").says("your shift is over")
        await night.clock.advance(timedelta(hours=48))  # two more: it is bo again, who never noticed
        night.restart()
        await night.passes(minutes=1)

    tell(story(begin(_daily())))


def test_a_gap_is_told_to_whoever_goes_and_recorded(begin: Begin) -> None:
    hours = [{"starts": "08:00", "ends": "20:00"}]

    async def story(night: Shift) -> None:
        await night.passes(hours=5)
        assert night.sms("bo").says("You are on call")
        assert night.sms("ana").says("your shift is over")
        await night.passes(hours=3)
        assert night.sms("bo").says("NOBODY is on call for primary now")
        with night.outside.ledger.read() as tx:
            assert [one.action for one in tx.trail() if one.action == "schedule.gap"]

    tell(story(begin(_daily(hours=hours))))


# many at once


def test_many_pages_at_once_are_one_ring_and_the_rest_one_more_a_minute_later(begin: Begin) -> None:
    services = [{"name": f"s{number}", "tier": 1} for number in range(6)]
    given = rules(tier("ana", after=60), people=patient(), services=services)

    async def story(night: Shift) -> None:
        first = [night.alert(service="s0"), night.alert(service="s1")]
        for incident in first:
            night.leave_alone(incident)
        await night.turn()
        assert night.phone("ana").says("2 pages, the first: SEV2 s0", "SEV2 s1")
        for number in (2, 3, 4):
            await night.fires(service=f"s{number}")
        assert night.phone("ana").silent
        await night.passes(minutes=1)
        assert night.phone("ana").says("3 pages", "SEV2 s2", "SEV2 s3", "SEV2 s4")
        states = {one.state for incident in night.incidents() for one in night.view(incident.id).receipts}
        assert states == {"sent"}

    tell(story(begin(given)))


def test_a_page_that_waits_is_taken_back_by_an_answer(begin: Begin) -> None:
    services = [{"name": f"s{number}", "tier": 1} for number in range(2)]
    given = rules(tier("ana", after=60), people=patient(), services=services)

    async def story(night: Shift) -> None:
        await night.fires(service="s0")
        assert night.phone("ana").says("SEV2 s0")
        night.acks(await night.fires(service="s1"))
        await night.passes(minutes=5)

    tell(story(begin(given)))


def test_pages_that_failed_together_go_on_by_the_next_way_each(begin: Begin) -> None:
    services = [{"name": f"s{number}", "tier": 1} for number in range(2)]
    given = rules(tier("ana", after=60), services=services)

    async def story(night: Shift) -> None:
        night.phone.failure = SourceRefused("phone", "number not in use")
        for number in range(2):
            night.leave_alone(night.alert(service=f"s{number}"))
        await night.turn()
        await night.turn()
        assert night.sms("ana").says("2 pages", "SEV2 s0", "SEV2 s1")

    tell(story(begin(given)))
