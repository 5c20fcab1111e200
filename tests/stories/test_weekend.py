"""From Friday evening to Monday morning, with nobody awake but the engine."""

import asyncio
from datetime import timedelta
from pathlib import Path

from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Tier
from steadyhand.journey.escalation.policy import EscalationRule
from stories.night import RULES, Night

WEEKEND = timedelta(hours=72)
NAMES = ("ana", "bo", "cy")
RULE = EscalationRule(
    tiers=tuple(
        Tier(name=name, contacts=(Contact(type="phone", user=name),), escalate_after=timedelta(hours=3))
        for name in NAMES
    ),
    repeat=6,
)


def test_72_hours_pass_and_each_rung_is_told_at_its_hour_and_once_and_nobody_hears_anything_else(
    tmp_path: Path,
) -> None:
    night = Night(tmp_path, RULES.model_copy(update={"escalation": RULE}))
    began, told = night.clock.now(), []

    async def story() -> None:
        night.leave_alone(night.alert())
        while (due := night.outside.ledger.next_due()) and due - began <= WEEKEND:
            await night.clock.advance(max(due - night.clock.now(), timedelta()))
            before = len(night.phone.rings)
            await night.turn()
            hour = (night.clock.now() - began) / timedelta(hours=1)
            told.extend((hour, one.target) for one in night.phone.rings[before:])

    asyncio.run(story())
    rounds = [(3.0 * rung, NAMES[rung % 3]) for rung in range(21)]
    everybody = [(63.0 + half / 2, name) for half in range(19) for name in NAMES]  # and every half hour again
    assert sorted(told) == [*rounds, *everybody]  # these three are rung at once, in any order
