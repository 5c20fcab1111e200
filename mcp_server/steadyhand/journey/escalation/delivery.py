"""A message that did not get through: when it is tried again, and when another way is taken beside it."""

import zlib
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from steadyhand.journey.commands import Act
from steadyhand.journey.rule import Duration, Instant, Rule, Value

WAKING: tuple[Act, ...] = ("page", "ask")
_LONGEST_PAUSE = timedelta(minutes=1)
_LONGEST_REST = timedelta(minutes=5)
_PARTS = 1024


class DeliveryRule(Rule):
    """How long a channel is given. Both times count from the moment the message was written."""

    page_within: Duration = Field(
        default=timedelta(minutes=2),
        description="A page that is not through by then goes by the person's next way as well.",
    )
    give_up_after: Duration = Field(
        default=timedelta(days=1),
        description="Everything is tried again this long, if it is not taken back.",
    )


class Receipt(Value):
    """What became of one message, for people to read."""

    key: str
    act: Act
    channel: str
    target: str
    subject: str
    severity: str
    queued_at: Instant = Field(description="Written then, or held until then from the start.")
    due_at: Instant = Field(description="When it might leave, or was last to be tried again.")
    state: str = Field(
        description="sent: the channel took it; delivered, seen: it said so, or its person answered."
    )
    attempts: int
    error: str


class Trouble(Value):
    """What came of one try: it was refused for good, may pass, or nobody knows whether it arrived."""

    kind: Literal["refused", "later", "unknown"]
    asked: timedelta | None = Field(default=None, description="The wait the channel asked for.")


class Retry(Value):
    """What follows: another try at an instant or none, and whether the incident must hear of it now."""

    again_at: Instant | None
    lost: bool


class Waiting(Value):
    """A message under way."""

    key: str
    act: Act
    queued_at: Instant
    attempts: int = Field(ge=1, description="Tries so far, this one included.")
    lost: bool = Field(default=False, description="Whether the incident has heard of it already.")


def after_trouble(message: Waiting, trouble: Trouble, rule: DeliveryRule, now: datetime) -> Retry:
    """Falling back is not giving up: a page goes on trying, until somebody has the incident."""
    waking = message.act in WAKING
    if trouble.kind == "refused":
        return Retry(again_at=None, lost=not message.lost)
    again = now + max(_pause(message, waking=waking), trouble.asked or timedelta())
    over = again > message.queued_at + rule.give_up_after
    late = waking and again > message.queued_at + rule.page_within
    return Retry(again_at=None if over else again, lost=(over or late) and not message.lost)


def _pause(message: Waiting, *, waking: bool) -> timedelta:
    """2, 4, 8 ... seconds, shortened by up to a half, so that many that failed together do not come together.

    The share is drawn from the key: the same try always waits the same.
    """
    longest = _LONGEST_PAUSE if waking else _LONGEST_REST
    doubled = timedelta(seconds=2 ** min(message.attempts, 16))
    drawn = zlib.crc32(f"{message.key}:{message.attempts}".encode(errors="surrogatepass")) % _PARTS
    return min(doubled, longest) * (1 - drawn / _PARTS / 2)
