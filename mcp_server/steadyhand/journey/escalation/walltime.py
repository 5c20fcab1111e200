"""Wall time in a zone, and the instants it stands for. Offsets are never stored: they change twice a year."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

_SECOND = timedelta(seconds=1)
_SPAN = re.compile(r"(\d+)(w|d|h)")
_UNITS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1)}
_DAY_MINUTES = 24 * 60

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which a clock on the wall shows `local` or later.

    So a time that spring leaves out means the first instant after the gap, and one that comes twice in
    autumn its first occurrence.
    """
    found = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall(found, zone) == local:
        return found
    # Within a gap: the clock jumps somewhere between the two readings of `local`.
    low = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while found - low > _SECOND:
        middle = low + (found - low) // 2
        low, found = (low, middle) if wall(middle, zone) >= local else (middle, found)
    return found.replace(microsecond=0)


def wall(at: datetime, zone: ZoneInfo) -> datetime:
    """What a clock on the wall shows at an instant."""
    return at.astimezone(zone).replace(tzinfo=None)


def zone_of(name: str) -> ZoneInfo:
    """The zone of this IANA name. Raises ValueError for one that is not known."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; write one like Europe/Berlin") from error


def _known_zone(name: str) -> str:
    zone_of(name)
    return name


def _time_of_day(given: object) -> object:
    """Read 17:00; YAML takes that for a number of minutes when it stands without quotes."""
    if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= _DAY_MINUTES:
        return time(given // 60 % 24, given % 60)
    return given


def _shift_length(given: object) -> object:
    if not isinstance(given, str):
        return given
    match = _SPAN.fullmatch(given.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{given!r} is no length of a shift; write it like 12h, 1d or 1w")
    return int(match[1]) * _UNITS[match[2]]


def _show_length(span: timedelta) -> str:
    unit = next(name for name, one in _UNITS.items() if span % one == timedelta())
    return f"{span // _UNITS[unit]}{unit}"


def _without_offset(given: datetime) -> datetime:
    if given.tzinfo is not None:
        raise ValueError(
            "wall time has no offset: write it like 2026-01-05T09:00, the zone is the schedule's"
        )
    return given.replace(microsecond=0)


ZoneName = Annotated[str, AfterValidator(_known_zone)]
WallTime = Annotated[datetime, AfterValidator(_without_offset)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day), PlainSerializer(lambda at: f"{at:%H:%M}")]
ShiftLength = Annotated[timedelta, BeforeValidator(_shift_length), PlainSerializer(_show_length)]
