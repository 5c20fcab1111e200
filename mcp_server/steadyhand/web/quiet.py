"""A silence or a maintenance window as a person asks for it, whatever the door."""

from datetime import datetime
from typing import Literal

from pydantic import Field, ValidationError
from starlette.exceptions import HTTPException

from steadyhand.journey.alert.silence import Silence, contradiction, matcher
from steadyhand.journey.rule import Instant, Value
from steadyhand.web.body import first_fault


class Wanted(Value):
    """What a person asks to be quiet; without `starts_at` it begins now."""

    kind: Literal["silence", "maintenance"] = "silence"
    matchers: tuple[str, ...] = Field(min_length=1, max_length=20)
    starts_at: Instant | None = None
    ends_at: Instant
    reason: str = Field(min_length=1, max_length=500)


def made(wanted: Wanted, given_id: str, author: str, now: datetime) -> Silence:
    """What was asked for, from now on unless it says when. Raises HTTPException naming what is wrong."""
    if wanted.starts_at and wanted.ends_at <= now:
        raise HTTPException(400, "ends_at: that is over already")
    try:
        matchers = tuple(matcher(one) for one in wanted.matchers)
        if why := contradiction(matchers):
            raise HTTPException(400, f"matchers: {why}")
        return Silence(
            id=given_id,
            kind=wanted.kind,
            matchers=matchers,
            starts_at=wanted.starts_at or now,
            ends_at=wanted.ends_at,
            author=author,
            reason=wanted.reason,
        )
    except ValidationError as error:
        raise HTTPException(400, first_fault(error)) from None
    except ValueError as error:
        raise HTTPException(400, f"matchers: {error}") from None
