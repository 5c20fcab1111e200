"""How often one person's telephone may ring: the throttle section of incident-config.yaml."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import Field

from steadyhand.journey.rule import Duration, Rule

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


class Limit(Rule):
    """So many messages within a time, and no more."""

    most: int = Field(ge=1)
    within: Duration


class ThrottleRule(Rule):
    """Limits for one person by one channel. Pages that must wait are told together, in one message.

    The figures are those that GoAlert ships with. A channel that is not named here is not held back.
    """

    limits: dict[str, tuple[Limit, ...]] = Field(
        default={
            "sms": (
                Limit(most=1, within=_MINUTE),
                Limit(most=5, within=15 * _MINUTE),
                Limit(most=11, within=_HOUR),
                Limit(most=21, within=3 * _HOUR),
            ),
            "phone": (
                Limit(most=1, within=_MINUTE),
                Limit(most=3, within=15 * _MINUTE),
                Limit(most=7, within=_HOUR),
                Limit(most=15, within=3 * _HOUR),
            ),
        },
        description="By the channel's name.",
    )

    def earliest(self, channel: str, sent: Sequence[datetime], now: datetime) -> datetime:
        """When the next page by this channel may leave, given when the ones before did."""
        recent = sorted(sent)
        waits = [
            recent[-one.most] + one.within for one in self.limits.get(channel, ()) if len(recent) >= one.most
        ]
        return max([now, *waits])

    @property
    def longest(self) -> timedelta:
        """How long a message that has left matters to those after it."""
        spans = [one.within for limits in self.limits.values() for one in limits]
        return max(spans, default=timedelta())
