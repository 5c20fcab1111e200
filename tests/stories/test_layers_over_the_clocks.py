"""Layers and overrides on the nights the clocks change: who is rung, and who is told at each hand-off."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from steadyhand.responder.rules import Rules
from stories.shift import Begin, Shift, patient, rules, tell, tier

BERLIN = ZoneInfo("Europe/Berlin")
EVENING = timedelta(hours=21, minutes=30)


def stacked(day: datetime) -> Rules:
    """Days of ana and bo, nights of cy; the lead stands in for a part of one, the boss for a part of that."""

    def at(hours: int, minutes: int = 0) -> str:
        return (day + timedelta(hours=hours, minutes=minutes)).isoformat(timespec="minutes")

    layers: list[dict[str, Any]] = [
        {"people": ["ana", "bo"], "starts": at(-6), "shift": "1d"},
        {"people": ["cy"], "starts": at(-6), "hours": [{"starts": "22:00", "ends": "06:00"}]},
    ]
    overrides = [
        {"person": "lead", "starts": at(23), "ends": at(24 + 5)},
        {"person": "boss", "starts": at(24 + 1, 30), "ends": at(24 + 3, 30)},
    ]
    primary = {"name": "primary", "time_zone": "Europe/Berlin", "layers": layers, "overrides": overrides}
    first = {"name": "primary", "contacts": [{"schedule": "primary"}], "escalate_after": 15}
    return rules(first, tier("ana"), schedules=[primary], people=patient(), throttle={"limits": {}})


async def comes(night: Shift, at: datetime, who: str, after: str) -> None:
    """At this instant, and not a second before, they are told, and from then on they are rung."""
    ahead = at - night.clock.now()
    await night.passes(seconds=ahead.total_seconds() - 1)
    assert not night.phone.unheard
    await night.passes(seconds=1)
    assert night.phone(who).says("You are on call for primary", f"{after} was before you")
    assert night.phone(after).says("your shift is over")
    incident = await night.fires(f"At{at:%H%M}")
    assert night.phone(who).says("SEV2 shop")
    night.acks(incident, who)


@pytest.mark.parametrize(
    ("day", "lasts"),
    [(datetime(2026, 3, 28), 1), (datetime(2026, 10, 24), 3), (datetime(2026, 1, 24), 2)],  # noqa: DTZ001 - on the wall
    ids=["clocks go forward", "clocks go back", "any night"],
)
def test_what_stands_highest_is_on_call_and_each_hand_off_is_told_at_its_instant(
    begin: Begin, day: datetime, lasts: int
) -> None:
    def wall(hours: int, minutes: int = 0) -> datetime:
        return (day + timedelta(hours=hours, minutes=minutes)).replace(tzinfo=BERLIN).astimezone(UTC)

    async def story(night: Shift) -> None:
        await night.turn()
        await comes(night, wall(22), "cy", "bo")
        await comes(night, wall(23), "lead", "cy")
        begins = wall(24 + 1, 30)
        await comes(night, begins, "boss", "lead")
        await comes(night, begins + timedelta(hours=lasts), "lead", "boss")
        assert night.clock.now() == wall(24 + 3, 30)
        await comes(night, wall(24 + 5), "cy", "lead")
        await comes(night, wall(24 + 6), "bo", "cy")

    tell(story(begin(stacked(day), (day + EVENING).replace(tzinfo=BERLIN).astimezone(UTC))))
