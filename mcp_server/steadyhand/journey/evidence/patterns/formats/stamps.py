"""The stamps of log lines as instants."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from math import isfinite

_MONTH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
MONTHS = {name: at for at, name in enumerate(_MONTH.split("|"), start=1)}
_TIME = r"\d\d:\d\d:\d\d"
_ZONE = r"Z|UTC|GMT|[+-]\d\d:?\d\d"
ISO = rf"\d{{4}}[-/]\d\d[-/]\d\d[T ]{_TIME}(?:[.,]\d{{1,9}})?(?: ?(?:{_ZONE})\b)?"
ISO_START = re.compile(rf"\W{{0,2}}(?P<stamp>{ISO})")
SYSLOG = rf"(?:{_MONTH}) [ \d]\d {_TIME}"
CLF = rf"\d\d/(?:{_MONTH})/\d{{4}}:{_TIME} [+-]\d{{4}}"
KLOG = rf"\d{{4}} {_TIME}\.\d{{6}}"
APACHE = rf"[A-Z][a-z]{{2}} (?:{_MONTH}) [ \d]\d {_TIME}(?:\.\d+)? \d{{4}}"
DAYTIME = rf"{_TIME}[.,]\d{{3}}"

_DATED = re.compile(
    rf"""(?P<year>\d{{4}})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T ](?P<time>{_TIME})
        (?:[.,](?P<part>\d+))?\ ?(?P<zone>{_ZONE})?
    |(?P<day2>\d\d)/(?P<name2>{_MONTH})/(?P<year2>\d{{4}}):(?P<time2>{_TIME})\ (?P<zone2>[+-]\d{{4}})
    |(?:[A-Z][a-z]{{2}}\ )?(?P<name3>{_MONTH})\ +(?P<day3>\d\d?)\ (?P<time3>{_TIME})
        (?:\.(?P<part3>\d+))?(?:\ (?P<year3>\d{{4}}))?
    |(?P<month4>\d\d)(?P<day4>\d\d)\ (?P<time4>{_TIME})\.(?P<part4>\d+)
    |(?P<time5>{_TIME})[.,](?P<part5>\d+)""",
    re.VERBOSE,
)
_EPOCH_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # larger than this: nano, micro, milliseconds
_HALF_YEAR = timedelta(days=183)
_HALF_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Clock:
    """What a stamp leaves out: the zone where it names none, and an instant near which a date is missing."""

    zone: tzinfo = UTC
    near: datetime = datetime(1970, 1, 1, tzinfo=UTC)


NO_TIME = "time"


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant in UTC, and what of it was assumed: nothing, its zone, its date too, or all of it."""

    at: datetime
    assumed: str = ""


def assumption(assumed: str, service: str, clock: Clock) -> str:
    """What was assumed of the stamps of a service, for people."""
    if assumed == NO_TIME:
        return f"lines of {service} whose time cannot be read counted at that of the line before"
    return f"stamps of {service} that name no zone read as {clock.zone}"


def moment(given: object, clock: Clock) -> Moment | None:
    """The instant of a stamp: text in one of the known forms, or epoch (milli-, micro-, nano)seconds.

    A stamp without a zone is read in the clock's zone, one without a year or a date near the clock's
    instant; both are told. None when it is no time.
    """
    if isinstance(given, str):
        return _from_text(given.strip(), clock) or _from_digits(given)
    if isinstance(given, int | float) and not isinstance(given, bool):
        return _from_epoch(given)
    return None


def _from_text(text: str, clock: Clock) -> Moment | None:
    match = _DATED.match(text)
    if match is None:
        return None
    parts = {name.rstrip("2345"): value for name, value in match.groupdict().items() if value}
    try:
        return _assembled(parts, clock)
    except (ValueError, OverflowError):
        return None


def _assembled(parts: dict[str, str], clock: Clock) -> Moment:
    near = clock.near.astimezone(clock.zone)
    month = int(parts["month"]) if "month" in parts else MONTHS.get(parts.get("name", ""), near.month)
    hour, minute, second = map(int, parts["time"].split(":"))
    micro = int(parts.get("part", "0")[:6].ljust(6, "0"))
    zone = _zone(parts.get("zone", ""))
    local = datetime(
        int(parts.get("year", near.year)), month, int(parts.get("day", near.day)),
        hour, minute, min(second, 59), micro, zone or clock.zone,
    )  # fmt: skip
    assumed = "" if zone else "zone"
    if "day" not in parts:
        return Moment(_nearest(local, near, timedelta(days=1), _HALF_DAY), "date and zone")
    if "year" not in parts:
        local = _nearest_year(local, near)
    return Moment(local.astimezone(UTC), assumed)


def _nearest(local: datetime, near: datetime, step: timedelta, half: timedelta) -> datetime:
    if local - near > half:
        local -= step
    elif near - local > half:
        local += step
    return local.astimezone(UTC)


def _nearest_year(local: datetime, near: datetime) -> datetime:
    if local - near > _HALF_YEAR:
        return local.replace(year=local.year - 1)
    return local.replace(year=local.year + 1) if near - local > _HALF_YEAR else local


def _zone(written: str) -> tzinfo | None:
    if not written:
        return None
    if written[0] not in "+-":
        return UTC
    sign = -1 if written[0] == "-" else 1
    digits = written[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def _from_digits(text: str) -> Moment | None:
    try:
        return _from_epoch(float(text))
    except ValueError:
        return None


def _from_epoch(number: float) -> Moment | None:
    if not isfinite(number) or number <= 0:
        return None
    divisor = next((unit for limit, unit in _EPOCH_UNITS if number > limit), 1.0)
    try:
        return Moment(datetime.fromtimestamp(number / divisor, UTC))
    except (ValueError, OverflowError, OSError):
        return None
