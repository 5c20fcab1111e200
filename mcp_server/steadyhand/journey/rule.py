"""What every value and every rule of the journey is made of."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

_DURATION = re.compile(r"(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+(?:\.\d+)?)s)?")


class Value(BaseModel):
    """An immutable value; an unknown field is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(Value):
    """A section of incident-config.yaml, typed beside the code that obeys it."""


def parse_duration(given: object) -> object:
    """Read "5m", "1h30m" or "90s" as a timedelta; leave everything else to pydantic.

    Raises ValueError, with the accepted form, for text that is no duration.
    """
    if not isinstance(given, str):
        return given
    match = _DURATION.fullmatch(given.strip())
    if not given.strip() or match is None:
        raise ValueError(f"{given!r} is no duration; write it like 30s, 5m or 1h30m")
    parts = {unit: float(text) for unit, text in match.groupdict().items() if text is not None}
    return timedelta(**parts)


def show_duration(span: timedelta) -> str:
    """Write a duration the way `parse_duration` reads it, e.g. "1h30m"."""
    minutes, seconds = divmod(span.total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    known = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    parts = [f"{amount:g}{unit}" for amount, unit in known if amount]
    return "".join(parts) or "0s"


def _in_utc(given: datetime) -> datetime:
    if given.tzinfo is None:
        raise ValueError("an instant needs its zone, e.g. 2026-01-31T02:00:00Z")
    return given.astimezone(UTC)


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(show_duration)]
Instant = Annotated[datetime, AfterValidator(_in_utc)]
Share = Annotated[float, Field(ge=0, le=1)]
