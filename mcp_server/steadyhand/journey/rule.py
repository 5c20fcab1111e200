"""What every value and every rule of the journey is made of."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)
from pydantic_core import ErrorDetails

_DURATION = re.compile(r"(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+(?:\.\d+)?)s)?")
_FORM = "write it like 30s, 5m or 1h30m"


class Value(BaseModel):
    """An immutable value; an unknown field is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(Value):
    """A section of incident-config.yaml, typed beside the code that obeys it."""


def explain_validation(error: ValidationError, where: str) -> str:
    """What is wrong, a line for each key: the place, the key's path, and what is allowed there."""
    found = error.errors(include_url=False, include_input=False)
    lines = []
    for one in found:
        if one["type"] == "too_short" and any(_inside(other["loc"], one["loc"]) for other in found):
            continue  # what it holds is wrong, and said so
        parts = (str(part) for part in one["loc"])
        key = ".".join(part for part in parts if not part.startswith("(")) or "the whole file"
        lines.append(f"{where}: {key}: {say_fault(one)}")
    return "\n".join(lines)


def say_fault(one: ErrorDetails) -> str:
    """What is wrong with one field, and what would be right, without its value."""
    least = one.get("ctx", {}).get("min_length", 1)
    match one["type"]:
        case "extra_forbidden":
            return "no such key"
        case "missing":
            return "it must be given"
        case "too_short":
            return f"it must hold at least {least} entr{'y' if least == 1 else 'ies'}"
        case "string_too_short":
            return "it must not be empty" if least == 1 else f"it must have at least {least} characters"
        case _:
            return one["msg"].removeprefix("Value error, ")


def _inside(place: tuple[int | str, ...], of: tuple[int | str, ...]) -> bool:
    return len(place) > len(of) and place[: len(of)] == of


def parse_duration(given: object) -> object:
    """Read "5m", "1h30m" or "90s" as a timedelta; leave everything else to pydantic.

    Raises ValueError, with the accepted form, for text that is no duration.
    """
    if isinstance(given, bool):
        raise ValueError(f"{given} is no duration; {_FORM}")  # noqa: TRY004 - pydantic asks for ValueError
    return _duration_of(given) if isinstance(given, str) else given


@lru_cache(maxsize=512)  # every incident holds a policy, and every policy many of the same durations
def _duration_of(given: str) -> timedelta:
    match = _DURATION.fullmatch(given.strip())
    if not given.strip() or match is None:
        raise ValueError(f"{given!r} is no duration; {_FORM}")
    parts = {unit: float(text) for unit, text in match.groupdict().items() if text is not None}
    return span_of(**parts)


def span_of(**parts: float) -> timedelta:
    """A timedelta of these hours, minutes or seconds. Raises ValueError when there is no such span."""
    try:
        return timedelta(**parts)
    except OverflowError as error:
        raise ValueError(f"too long for a duration; {_FORM}") from error


@lru_cache(maxsize=512)
def show_duration(span: timedelta) -> str:
    """Write a duration the way `parse_duration` reads it, e.g. "1h30m"."""
    minutes, rest = divmod(span, timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest.total_seconds():.6f}".rstrip("0").rstrip(".")
    known = ((str(hours), "h"), (str(minutes), "m"), (seconds, "s"))
    return "".join(amount + unit for amount, unit in known if amount != "0") or "0s"


def _not_negative(given: timedelta) -> timedelta:
    if given < timedelta():
        raise ValueError("a duration is not negative")
    return given


def _in_utc(given: datetime) -> datetime:
    if given.tzinfo is None:
        raise ValueError("an instant needs its zone, e.g. 2026-01-31T02:00:00Z")
    return given.astimezone(UTC)


Span = Annotated[timedelta, AfterValidator(_not_negative), PlainSerializer(show_duration)]
Duration = Annotated[Span, BeforeValidator(parse_duration)]
Instant = Annotated[datetime, AfterValidator(_in_utc)]
Share = Annotated[float, Field(ge=0, le=1)]
