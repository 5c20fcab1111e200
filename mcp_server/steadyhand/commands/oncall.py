"""`steadyhand oncall`: who is on call now, who from when to when, and the calendar of it."""

import sys
from datetime import datetime
from pathlib import Path

from steadyhand.adapters.channels.terminal import plain
from steadyhand.adapters.machine import SystemClock
from steadyhand.commands.settings import instant_of
from steadyhand.config import IncidentConfig, load
from steadyhand.journey.escalation.oncall import LOOK_AHEAD, OnCall, on_call, say_now, say_shifts
from steadyhand.ports import ConfigError


def oncall(path: Path, what: str, schedule: str, start: str, end: str) -> int:
    """Say who is on call now; `shifts` and `ical` lay the window out. Raises ConfigError."""
    config = load(path)
    now = SystemClock().now()
    begins = instant_of(start)
    found = _found(config, schedule, now, begins, instant_of(end) if end else begins + LOOK_AHEAD)
    if what == "ical":
        return _calendar(found, now)
    for one in found:
        sys.stdout.write(f"{plain(say_now(one))}\n")
        lines = say_shifts(one) if what == "shifts" else ()
        sys.stdout.write("".join(f"  {plain(line)}\n" for line in lines))
    return 0


def _found(
    config: IncidentConfig, schedule: str, now: datetime, start: datetime, end: datetime
) -> tuple[OnCall, ...]:
    wanted = [one for one in config.schedules if schedule in ("", one.name)]
    if not wanted:
        known = ", ".join(one.name for one in config.schedules) or "none: write one under schedules"
        raise ConfigError(
            f"no schedule {schedule!r}; schedules: {known}" if schedule else f"schedules: {known}"
        )
    try:
        return on_call(wanted, now, start, end)
    except ValueError as error:
        raise ConfigError(f"--from, --to: {error}") from error


def _calendar(found: tuple[OnCall, ...], now: datetime) -> int:
    from steadyhand.web.calendar import calendar  # noqa: PLC0415 - only where it is asked for

    if len(found) != 1:
        raise ConfigError(f"which of them? --schedule {' or '.join(one.schedule for one in found)}")
    sys.stdout.write(calendar(found[0], now).decode().replace("\r\n", "\n"))
    return 0
