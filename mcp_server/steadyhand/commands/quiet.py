"""`steadyhand silence` and `steadyhand maintenance`: what wakes nobody for a while, by whom and why."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from steadyhand.adapters.channels.terminal import plain
from steadyhand.commands.answers import Door
from steadyhand.journey.alert.silence import LONGEST, TOO_LONG, written
from steadyhand.journey.rule import parse_duration
from steadyhand.ports import ConfigError


def show(name: str) -> int:
    """List those that last or are to come, the first to end first."""
    for one in Door(name).get("/api/silences")["silences"]:
        line = f"{one['id']} {one['kind']} {one['starts_at']} to {one['ends_at']} {one['words']}"
        sys.stdout.write(f"{plain(line)} ({plain(one['author'])}: {plain(one['reason'])})\n")
    return 0


def add(kind: str, given: Sequence[str], begins: str, lasts: str, reason: str, name: str) -> int:
    """Set one. Raises ConfigError where something is missing or cannot be read."""
    if not given or not reason:
        raise ConfigError(f"say what is to be quiet, and why: steadyhand {kind} add ... --reason '...'")
    span, start = _span(lasts), _instant(begins)
    body: dict[str, object] = {"kind": kind, "matchers": written(kind, given), "reason": reason}
    body |= {"starts_at": start.isoformat()} if begins else {}
    body["ends_at"] = (start + span).isoformat()
    made = Door(name).post("/api/silences", body)
    sys.stdout.write(f"{kind}: {made['id']} until {body['ends_at']}\n")
    for one in made.get("doubts", ()):
        sys.stderr.write(f"steadyhand: it is set, but {plain(one)}\n")
    return 0


def end(given: Sequence[str], name: str) -> int:
    """End one now: what still fires pages. Raises ConfigError without an id."""
    if len(given) != 1:
        raise ConfigError("say which one; list shows their ids")
    Door(name).post(f"/api/silences/{given[0]}/end", {})
    sys.stdout.write(f"ended: {given[0]}\n")
    return 0


def _span(text: str) -> timedelta:
    try:
        span = parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"--for: {error}") from None
    assert isinstance(span, timedelta), "text is read as a span, or refused"
    if span > LONGEST:
        raise ConfigError(f"--for: {TOO_LONG}")
    return span


def _instant(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)  # noqa: TID251 - a terminal has no clock but the machine's
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError("--from: write it like 2026-12-01T02:00:00Z") from None
    if found.tzinfo is None:
        raise ConfigError("--from: an instant needs its zone, e.g. 2026-12-01T02:00:00Z")
    return found
