"""`steadyhand connections check`: try each connection with a small read-only question, and explain."""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

import httpx2

from steadyhand.adapters.http import PAGE
from steadyhand.adapters.machine import SystemClock
from steadyhand.commands.connection_tries import Seen, Try, tries
from steadyhand.config import IncidentConfig, load
from steadyhand.ports import SteadyhandError

_DEADLINE_S = 30.0
_SKEW = timedelta(seconds=5)
State = Literal["ok", "partial", "empty", "failed"]
_WORDS = {"ok": "ok", "partial": "PARTIAL", "empty": "NO DATA", "failed": "FAILED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What trying one connection showed. Durations are in seconds; None where it cannot be told."""

    section: str
    name: str
    state: State
    told: str
    seconds: float | None = None
    newest_age: float | None = None
    clock_offset: float | None = None


@dataclass(slots=True)
class _Line:
    """The way to one system, with the clock it shows in its answers."""

    offsets: list[timedelta] = field(default_factory=list)

    async def note(self, response: httpx2.Response) -> None:
        try:
            there = parsedate_to_datetime(response.headers.get("date", ""))
        except (TypeError, ValueError):
            return
        here = SystemClock().now()
        self.offsets.append(there.astimezone(UTC) + timedelta(milliseconds=500) - here)

    @property
    def offset(self) -> timedelta | None:
        """How far its clock is ahead of ours, to about a second."""
        return min(self.offsets, key=abs) if self.offsets else None


def check(path: Path, *, as_json: bool) -> int:
    """Try every connection of the configuration; 1 when one of them fails. Raises ConfigError."""
    outcomes = asyncio.run(_all(load(path)))
    if as_json:
        sys.stdout.write(f"{json.dumps([asdict(one) for one in outcomes], indent=2)}\n")
    else:
        sys.stdout.write("".join(f"{one}\n" for one in _table(outcomes)))
    return 1 if any(one.state == "failed" for one in outcomes) else 0


async def _all(config: IncidentConfig) -> Sequence[Outcome]:
    return await asyncio.gather(*(_one(section, name, ask) for section, name, ask in tries(config)))


async def _one(section: str, name: str, ask: Try) -> Outcome:
    line, clock, loop = _Line(), SystemClock(), asyncio.get_running_loop()
    begun = loop.time()
    try:
        async with (
            httpx2.AsyncClient(trust_env=False, event_hooks={"response": [line.note]}) as client,
            asyncio.timeout(_DEADLINE_S),
        ):
            seen = await ask(client, clock.now())
    except (SteadyhandError, OSError) as error:
        return Outcome(section=section, name=name, state="failed", told=_way_out(str(error), name))
    except TimeoutError:
        why = (
            f"no answer within {_DEADLINE_S:.0f} s: is its address right, and does a firewall let us through?"
        )
        return Outcome(section=section, name=name, state="failed", told=why)
    offset = line.offset
    return Outcome(
        section=section,
        name=name,
        state=_state(seen),
        told="; ".join((seen.told, *seen.gaps, *_skewed(offset))),
        seconds=round(loop.time() - begun, 3),
        newest_age=round((clock.now() - seen.newest).total_seconds(), 1) if seen.newest else None,
        clock_offset=round(offset.total_seconds(), 1) if offset is not None else None,
    )


def _state(seen: Seen) -> State:
    if seen.gaps:
        return "partial"
    return "empty" if seen.expects_data and seen.newest is None else "ok"


def _skewed(offset: timedelta | None) -> tuple[str, ...]:
    if offset is None or abs(offset) < _SKEW:
        return ()
    which = "ahead of" if offset > timedelta() else "behind"
    return (f"its clock is {abs(offset).total_seconds():.0f} s {which} ours: set one of them by NTP",)


def _way_out(text: str, name: str) -> str:
    told = text.removeprefix(f"{name}: ")
    if "not reachable" in told:
        return f"{told}: is its address right, does it run, and does a firewall let us through?"
    if "answered 404" in told or PAGE in told:
        return f"{told}: is it of this kind, and is the path in its url right?"
    if "is named in the configuration but not set" in told:
        return f"{told}: export it for this process, and for the service"
    return told


def _table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A line each; the worst last, where one looks first."""
    if not outcomes:
        yield "No connection is configured: docs/howto/connect-logs.md"
        return
    widths = [max(len(getattr(one, part)) for one in outcomes) for part in ("section", "name")]
    order = list(_WORDS)
    for one in sorted(outcomes, key=lambda found: order.index(found.state)):
        yield (
            f"{_WORDS[one.state]:7}  {one.section:{widths[0]}}  {one.name:{widths[1]}}  "
            f"{one.told}{_figures(one)}"
        )
    failed = sum(one.state == "failed" for one in outcomes)
    yield f"{len(outcomes)} connections tried, {failed} failed."


def _figures(one: Outcome) -> str:
    figures = []
    if one.newest_age is not None:
        figures.append(f"newest {one.newest_age:.0f} s old")
    if one.seconds is not None:
        figures.append(f"{one.seconds * 1000:.0f} ms")
    if one.clock_offset is not None:
        figures.append(f"clock {one.clock_offset:+.1f} s")
    return f" ({', '.join(figures)})" if figures else ""
