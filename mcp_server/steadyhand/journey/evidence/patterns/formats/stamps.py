"""The stamps of log lines as instants."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from math import isfinite

from steadyhand.journey.evidence.patterns.formats import zones

_MONTH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
MONTHS = {name: at for at, name in enumerate(_MONTH.split("|"), start=1)}
_TIME = r"\d\d:\d\d:\d\d"
ISO = (
    rf"\d{{4}}[-/]\d\d[-/]\d\d[T ]{_TIME}(?:[.,]\d{{1,9}})?"
    rf"(?:{zones.WRITTEN}| (?:{zones.AFTER_SPACE}))?"
)
ISO_START = re.compile(rf"\W{{0,2}}(?P<stamp>{ISO})")
SYSLOG = rf"(?:{_MONTH}) [ \d]\d {_TIME}"
CLF = rf"\d\d/(?:{_MONTH})/\d{{4}}:{_TIME} [+-]\d{{4}}"
KLOG = rf"\d{{4}} {_TIME}\.\d{{6}}"
APACHE = rf"[A-Z][a-z]{{2}} (?:{_MONTH}) [ \d]\d {_TIME}(?:\.\d+)? (?:(?:{zones.WRITTEN}) )?\d{{4}}"
DASHED = rf"\d\d-(?:{_MONTH})-\d{{4}} {_TIME}(?:\.\d+)?(?: (?:{zones.AFTER_SPACE}|{zones.PLACE}))?"
SLASHED = (
    rf"\d\d?/\d\d?/\d{{4}},? \d?\d:\d\d:\d\d(?:[.,]\d{{1,9}})?(?: [AP]M\b)?(?: (?:{zones.AFTER_SPACE}))?"
)
EPOCH = r"1[5-9]\d{8}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?(?=[\] :|])"
DAYTIME = rf"{_TIME}[.,]\d{{3}}"

_DATED = re.compile(
    rf"""(?P<year>\d{{4}})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T ](?P<time>{_TIME})
        (?:[.,](?P<part>\d+))?\ ?(?P<zone>{zones.WRITTEN})?
    |(?P<day2>\d\d)/(?P<name2>{_MONTH})/(?P<year2>\d{{4}}):(?P<time2>{_TIME})\ (?P<zone2>[+-]\d{{4}})
    |(?:[A-Z][a-z]{{2}}\ )?(?P<name3>{_MONTH})\ +(?P<day3>\d\d?)\ (?P<time3>{_TIME})
        (?:\.(?P<part3>\d+))?(?:\ (?P<zone3>{zones.WRITTEN})(?=\ \d))?(?:\ (?P<year3>\d{{4}}))?
    |(?P<month4>\d\d)(?P<day4>\d\d)\ (?P<time4>{_TIME})(?:\.(?P<part4>\d+))?
    |(?P<time5>{_TIME})(?:[.,](?P<part5>\d+))?
    |(?P<day6>\d\d)-(?P<name6>{_MONTH})-(?P<year6>\d{{4}})\ (?P<time6>{_TIME})
        (?:\.(?P<part6>\d+))?(?:\ (?P<zone6>{zones.WRITTEN}|{zones.PLACE}))?
    |(?P<one7>\d\d?)/(?P<two7>\d\d?)/(?P<year7>\d{{4}}),?\ (?P<time7>\d?\d:\d\d:\d\d)
        (?:[.,](?P<part7>\d+))?(?:\ (?P<half7>[AP])M)?(?:\ (?P<zone7>{zones.WRITTEN}))?""",
    re.VERBOSE,
)
_EPOCH_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # larger than this: nano, micro, milliseconds
_HALF_YEAR = timedelta(days=183)
_HALF_DAY = timedelta(hours=12)
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Clock:
    """What a stamp leaves out: the zone where it names none, and an instant near which a date is missing."""

    zone: tzinfo = UTC
    near: datetime = datetime(1970, 1, 1, tzinfo=UTC)


NO_TIME = "time"
DAY_ORDER = "order of day and month"


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant in UTC, and what of it was assumed: nothing, its zone, its date too, or all of it."""

    at: datetime
    assumed: str = ""


def assumption(assumed: str, service: str, clock: Clock) -> str:
    """What was assumed of the stamps of a service, for people."""
    if assumed == NO_TIME:
        return f"lines of {service} whose time cannot be read counted at that of the line before"
    if assumed == DAY_ORDER:
        return f"dates of {service} like 3/4 read as day and month or the reverse, whichever is nearer"
    if (zone := zones.usual(assumed)) is not None:
        return f"stamps of {service} in {assumed}, a name of several zones, read as {zone}"
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
    parts = {name.rstrip("234567"): value for name, value in match.groupdict().items() if value}
    try:
        return _assembled(parts, clock)
    except (ValueError, OverflowError):
        return None


def _assembled(parts: dict[str, str], clock: Clock) -> Moment:
    near = clock.near.astimezone(clock.zone)
    if "one" in parts:
        return _slashed(parts, clock)
    month = int(parts["month"]) if "month" in parts else MONTHS.get(parts.get("name", ""), near.month)
    day = int(parts.get("day", near.day))
    local, assumed = _on(int(parts.get("year", near.year)), month, day, parts, clock)
    if "day" not in parts:
        return Moment(_nearest(local, near, timedelta(days=1), _HALF_DAY), "date and zone")
    if "year" not in parts:
        local = _nearest_year(local, near)
    return Moment(local.astimezone(UTC), assumed)


def _slashed(parts: dict[str, str], clock: Clock) -> Moment:
    """A date with slashes: month and day, or day and month where only that is one, or is nearer."""
    one, two, year = int(parts["one"]), int(parts["two"]), int(parts["year"])
    pairs = dict.fromkeys((month, day) for month, day in ((one, two), (two, one)) if month <= _MONTHS)
    found = [_on(year, month, day, parts, clock) for month, day in pairs]
    local, assumed = min(found, key=lambda known: abs(known[0] - clock.near))
    return Moment(local.astimezone(UTC), DAY_ORDER if len(found) > 1 else assumed)


def _on(year: int, month: int, day: int, parts: dict[str, str], clock: Clock) -> tuple[datetime, str]:
    """The stamp's time on that date in the zone it writes, else in the clock's; and what was assumed."""
    hour, minute, second = map(int, parts["time"].split(":"))
    if half := parts.get("half"):
        hour = hour % 12 + (12 if half == "P" else 0)
    micro = int(parts.get("part", "0")[:6].ljust(6, "0"))
    local = datetime(year, month, day, hour, minute, min(second, 59), micro)  # noqa: DTZ001 - its zone follows
    zone, assumed = zones.zone_of(parts.get("zone", ""), local, clock.zone)
    return local.replace(tzinfo=zone or clock.zone), assumed


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
