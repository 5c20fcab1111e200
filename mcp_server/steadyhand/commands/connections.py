"""`steadyhand connections check`: try each connection with a small read-only question, and explain."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

import httpx2

from steadyhand.adapters.channels.registry import build_all
from steadyhand.adapters.databases.postgres import PostgresProbe, PostgresSettings
from steadyhand.adapters.logs.files import FileLogSettings
from steadyhand.adapters.logs.registry import LogSettings, build_logs
from steadyhand.adapters.machine import SystemClock, secret
from steadyhand.adapters.metrics.prometheus import PrometheusSettings
from steadyhand.adapters.metrics.registry import MetricSettings, build_others, build_promql
from steadyhand.adapters.rollouts.drivers import TrafficSettings, build
from steadyhand.adapters.traces.registry import TraceSettings, build_traces
from steadyhand.config import Connections, home, load
from steadyhand.journey.evidence.model import Window
from steadyhand.journey.rule import show_duration
from steadyhand.ports import ConfigError, SteadyhandError
from steadyhand.wiring import needed, traffic_tools

_BACK = timedelta(minutes=15)
_DEADLINE_S = 30.0
_FEW_LINES = 100
_STEP = timedelta(minutes=1)
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


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a small question brought: in words, the newest data, and what was missing."""

    told: str
    newest: datetime | None = None
    gaps: tuple[str, ...] = ()
    expects_data: bool = True


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


_Try = Callable[[httpx2.AsyncClient, datetime], Awaitable[_Seen]]


def check(path: Path, *, as_json: bool) -> int:
    """Try every connection of the configuration; 1 when one of them fails. Raises ConfigError."""
    outcomes = asyncio.run(_all(load(path).connections))
    if as_json:
        sys.stdout.write(f"{json.dumps([asdict(one) for one in outcomes], indent=2)}\n")
    else:
        sys.stdout.write("".join(f"{one}\n" for one in _table(outcomes)))
    return 1 if any(one.state == "failed" for one in outcomes) else 0


async def _all(links: Connections) -> Sequence[Outcome]:
    return await asyncio.gather(*(_one(section, name, ask) for section, name, ask in _tries(links)))


def _tries(links: Connections) -> Iterator[tuple[str, str, _Try]]:
    for logs in links.logs:
        yield "logs", logs.name, _logs(logs)
    for metrics in links.metrics:
        yield (
            "metrics",
            metrics.name,
            _promql(metrics) if isinstance(metrics, PrometheusSettings) else _metrics(metrics),
        )
    for traces in links.traces:
        yield "traces", traces.name, _traces(traces, links)
    for database in links.databases:
        yield "databases", database.name, _database(database)
    for traffic in links.traffic:
        yield "traffic", traffic.name, _traffic(traffic, links)
    for channel in links.channels:
        yield "channels", channel.called, _channel(channel.called, links)


async def _one(section: str, name: str, ask: _Try) -> Outcome:
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


def _state(seen: _Seen) -> State:
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
    if "is named in the configuration but not set" in told:
        return f"{told}: export it for this process, and for the service"
    return told


def _logs(settings: LogSettings) -> _Try:
    async def ask(client: httpx2.AsyncClient, now: datetime) -> _Seen:
        small = settings
        if not isinstance(settings, FileLogSettings):
            small = settings.model_copy(update={"most_lines": _FEW_LINES})
        services = list(small.files if isinstance(small, FileLogSettings) else small.services)
        report = await build_logs(small, client, secret).read(services, Window(start=now - _BACK, end=now))
        silent = [one for one in services if one not in {line.service for line in report.lines}]
        known = [one.matched for one in report.coverage if one.matched is not None]
        count = sum(known) if known else len(report.lines)
        told = f"{count:,} lines of {len(services)} services in {show_duration(_BACK)}"
        if silent:
            told += f"; none of {', '.join(silent)}: quiet, or is its query right?"
        return _Seen(told, report.lines[-1].at if report.lines else None, report.gaps)

    return ask


def _metrics(settings: MetricSettings) -> _Try:
    async def ask(client: httpx2.AsyncClient, now: datetime) -> _Seen:
        (source,) = build_others([settings], client, secret)
        window = Window(start=now - _BACK, end=now)
        found = [
            series
            for one in sorted(source.services)
            for series in await source.series_of(one, window, _STEP)
            if series.times
        ]
        newest = max((one.times[-1] for one in found), default=None)
        at = None if newest is None else datetime.fromtimestamp(newest, UTC)
        return _Seen(f"{len(found)} series of {len(source.services)} services in {show_duration(_BACK)}", at)

    return ask


def _promql(settings: PrometheusSettings) -> _Try:
    async def ask(client: httpx2.AsyncClient, now: datetime) -> _Seen:
        (source,) = build_promql([settings], client, secret)
        newest = await source.value("max(timestamp(up))", now)
        count = await source.value("count(up)", now)
        at = None if newest is None else datetime.fromtimestamp(newest, UTC)
        return _Seen(f"{count or 0:.0f} targets" if at else "it answers, but holds no series `up`", at)

    return ask


def _traces(settings: TraceSettings, links: Connections) -> _Try:
    async def ask(client: httpx2.AsyncClient, now: datetime) -> _Seen:
        metrics = {one.name: one for one in build_promql(links.metrics, client, secret)}
        source = build_traces(settings, client, secret, metrics)
        edges = await source.edges(Window(start=now - _BACK, end=now))
        services = {name for one in edges for name in (one.caller, one.callee)}
        told = f"{len(edges)} pairs among {len(services)} services in {show_duration(_BACK)}"
        return _Seen(told, max((one.seen_at for one in edges), default=None))

    return ask


def _database(settings: PostgresSettings) -> _Try:
    async def ask(_: httpx2.AsyncClient, now: datetime) -> _Seen:
        report = await PostgresProbe(settings, needed(settings.dsn_env)).look(now)
        return _Seen(f"{len(report.sessions)} sessions seen", gaps=report.gaps, expects_data=False)

    return ask


def _traffic(settings: TrafficSettings, links: Connections) -> _Try:
    async def ask(client: httpx2.AsyncClient, _: datetime) -> _Seen:
        metrics = build_promql(links.metrics, client, secret)
        seen = await build(settings, traffic_tools(home(), client, metrics)).observe()
        return _Seen(f"the canary has {seen.share:.0%}", expects_data=False)

    return ask


def _channel(name: str, links: Connections) -> _Try:
    async def ask(client: httpx2.AsyncClient, _: datetime) -> _Seen:
        ours = [one for one in links.channels if one.called == name]
        (channel,) = build_all(ours, client, SystemClock(), needed).values()
        problems = tuple(await channel.ready())
        if problems:
            raise ConfigError("; ".join(problems))
        return _Seen("ready; nobody was disturbed", expects_data=False)

    return ask


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
