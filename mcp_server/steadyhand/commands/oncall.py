"""`steadyhand oncall`: who is on call now, from when to when, as a calendar; shifts changed by hand."""

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from steadyhand.adapters.channels.terminal import plain
from steadyhand.adapters.machine import SystemClock
from steadyhand.commands.answers import Door
from steadyhand.commands.settings import instant_of
from steadyhand.commands.store import changed_by_hand
from steadyhand.config import IncidentConfig, load
from steadyhand.journey.escalation.oncall import LOOK_AHEAD, OnCall, on_call, say_change, say_now, say_shifts
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
    every = config.on_call(changed_by_hand(config, min(now, start)))
    wanted = [one for one in every if schedule in ("", one.name)]
    if not wanted:
        known = ", ".join(one.name for one in config.schedules) or "none: write one under schedules"
        raise ConfigError(
            f"no schedule {schedule!r}; schedules: {known}" if schedule else f"schedules: {known}"
        )
    try:
        return on_call(wanted, now, start, end, cut=False)
    except ValueError as error:
        raise ConfigError(f"--from, --to: {error}") from error


def change(wanted: Mapping[str, str], name: str) -> int:
    """Take, give away or swap a shift under one's name.

    Raises ConfigError, SourceUnavailable, SourceRefused.
    """
    if wanted["kind"] != "take" and not wanted["other"]:
        raise ConfigError(f"whom? steadyhand oncall {wanted['kind']} NAME")
    made = Door(name).post("/api/shifts", dict(wanted))
    sys.stdout.write(f"{plain(made['words'])}.\nTo undo it: steadyhand oncall undo {made['id']}\n")
    return 0


def undo(wanted: str, name: str) -> int:
    """The schedule's own people again. Raises ConfigError, SourceUnavailable, SourceRefused."""
    if not wanted:
        raise ConfigError("which one? `steadyhand oncall changes` lists them: steadyhand oncall undo ID")
    over = Door(name).post(f"/api/shifts/{quote(wanted, safe='')}/undo", {})
    sys.stdout.write(f"undone: {plain(over['words'])}\n")
    return 0


def changes(path: Path) -> int:
    """List what was changed by hand and lasts or is to come. Raises ConfigError, LedgerError."""
    config = load(path)
    zones = {one.name: one.time_zone for one in config.schedules}
    found = changed_by_hand(config, SystemClock().now())
    for one in found:
        sys.stdout.write(f"{one.id} {plain(say_change(one, zones.get(one.schedule, 'UTC')))}\n")
    if not found:
        sys.stdout.write("No shift is changed by hand.\n")
    return 0


def _calendar(found: tuple[OnCall, ...], now: datetime) -> int:
    from steadyhand.web.calendar import calendar  # noqa: PLC0415 - only where it is asked for

    if len(found) != 1:
        raise ConfigError(f"which of them? --schedule {' or '.join(one.schedule for one in found)}")
    sys.stdout.write(calendar(found[0], now).decode().replace("\r\n", "\n"))
    return 0
