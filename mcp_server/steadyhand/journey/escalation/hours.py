"""Hours of the week: when a layer is on, when lesser things are quiet, and when a team works."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field

from steadyhand.journey.escalation.walltime import DAYS, Day, TimeOfDay, ZoneName, instant, wall, zone_of
from steadyhand.journey.rule import Rule

_DAY = timedelta(days=1)
_MOST_DAYS = 3660


class WeeklyHours(Rule):
    """The same hours on some days of the week, by the clock on the wall; they may pass midnight."""

    days: tuple[Day, ...] = Field(default=DAYS, min_length=1)
    starts: TimeOfDay
    ends: TimeOfDay = Field(description="The same as starts: a whole day.")

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Its instants for the day it begins on, in UTC; None where it has none."""
        if DAYS[day.weekday()] not in self.days:
            return None
        last = day if self.ends > self.starts else day + _DAY
        return instant(datetime.combine(day, self.starts), zone), instant(
            datetime.combine(last, self.ends), zone
        )

    def around(self, at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Its instants if they hold `at`."""
        today = wall(at, zone).date()
        found = (self.on(day, zone) for day in (today - _DAY, today))
        return next((one for one in found if one is not None and one[0] <= at < one[1]), None)


class QuietHours(WeeklyHours):
    """When a SEV3 or SEV4 wakes nobody: its messages and clocks wait until these hours end."""

    time_zone: ZoneName

    def over(self, at: datetime) -> datetime:
        """`at` itself, or the end of the quiet hours it falls in, hours that follow at once included."""
        zone = zone_of(self.time_zone)
        for _ in range(_MOST_DAYS):
            found = self.around(at, zone)
            if found is None:
                return at
            at = found[1]
        return at


class BusinessHours(WeeklyHours):
    """When a team works: deadlines of a SEV3 or SEV4 are counted in these hours only."""

    time_zone: ZoneName
    days: tuple[Day, ...] = Field(default=DAYS[:5], min_length=1)
    holidays: tuple[date, ...] = ()

    def add(self, at: datetime, span: timedelta) -> datetime:
        """The instant by which so much working time has passed since `at`."""
        for start, end in self._days_from(at):
            begin = max(at, start)
            if end - begin >= span:
                return begin + span
            span -= max(timedelta(), end - begin)
        return at + span

    def _days_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        zone = zone_of(self.time_zone)
        first = wall(at, zone).date() - _DAY
        for number in range(_MOST_DAYS):
            day = first + number * _DAY
            found = None if day in self.holidays else self.on(day, zone)
            if found is not None and found[1] > at:
                yield found
