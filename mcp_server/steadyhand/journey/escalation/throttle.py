"""How often one person's telephone rings for pages: the throttle section of incident-config.yaml."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import Field

from steadyhand.journey.escalation.contact import ChannelType
from steadyhand.journey.rule import Duration, Rule

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


class Limit(Rule):
    """So many rings within a time, and no more."""

    most: int = Field(ge=1)
    within: Duration


def _limits(quarter: int, hour: int, three: int) -> tuple[Limit, ...]:
    return (
        Limit(most=1, within=_MINUTE),
        Limit(most=quarter, within=15 * _MINUTE),
        Limit(most=hour, within=_HOUR),
        Limit(most=three, within=3 * _HOUR),
    )


class ThrottleRule(Rule):
    """Limits for one person by one channel. Pages that must wait are told together, in one message.

    A SEV1 never waits, nor does a question for a yes or no. The first page about an incident waits for
    the shortest limit only; those that say more of it wait for all.
    The figures are those that GoAlert ships with.
    """

    limits: dict[ChannelType, tuple[Limit, ...]] = Field(
        default={"phone": _limits(3, 7, 15), "sms": _limits(5, 11, 21)},
        description="By the channel, as contacts call it; one that is not named here is never held back.",
    )

    def earliest(self, channel: str, rings: Sequence[datetime], now: datetime, *, first: bool) -> datetime:
        """When the next page may ring, given when others did; `first`: of its incident, to this person."""
        limits = sorted(self.limits.get(channel, ()), key=lambda one: one.within)
        recent = sorted(rings)
        waits = [
            recent[-one.most] + one.within
            for one in (limits[:1] if first else limits)
            if len(recent) >= one.most
        ]
        return max([now, *waits])

    @property
    def longest(self) -> timedelta:
        """How long a ring matters to those after it."""
        spans = [one.within for limits in self.limits.values() for one in limits]
        return max(spans, default=timedelta())
