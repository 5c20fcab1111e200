"""How each kind of connection is tried: one small read-only question, as the service would ask it."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2

from steadyhand.adapters.changes.sources import ChangeSettings, build_changes
from steadyhand.adapters.channels.registry import build_all
from steadyhand.adapters.checks.catalogue import build_checks
from steadyhand.adapters.checks.settings import CheckSettings
from steadyhand.adapters.databases.probes import DatabaseSettings, build_probe
from steadyhand.adapters.edges.promql import EdgeSettings, PromqlEdges
from steadyhand.adapters.logs.files import FileLogSettings
from steadyhand.adapters.logs.registry import LogSettings, build_logs
from steadyhand.adapters.machine import SystemClock, secret
from steadyhand.adapters.metrics.prometheus import PrometheusSettings
from steadyhand.adapters.metrics.registry import MetricSettings, build_others, build_promql
from steadyhand.adapters.rollouts.drivers import TrafficSettings, build
from steadyhand.adapters.traces.registry import TraceSettings, build_traces
from steadyhand.config import Connections, IncidentConfig, home
from steadyhand.journey.evidence.model import Window
from steadyhand.journey.rule import show_duration
from steadyhand.ports import ConfigError, SourceRefused
from steadyhand.wiring import needed, traffic_tools

_BACK = timedelta(minutes=15)
_BACK_FOR_CHANGES = timedelta(days=1)
_FEW_LINES = 100
_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a small question brought: in words, the newest data, and what was missing."""

    told: str
    newest: datetime | None = None
    gaps: tuple[str, ...] = ()
    expects_data: bool = True


Try = Callable[[httpx2.AsyncClient, datetime], Awaitable[Seen]]


def tries(config: IncidentConfig) -> Iterator[tuple[str, str, Try]]:
    """Every connection of the configuration: its section, its name, and the question."""
    yield from _telemetry(config.connections)
    yield from _doors(config)


def _telemetry(links: Connections) -> Iterator[tuple[str, str, Try]]:
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
    for edges in links.edges:
        yield "edges", edges.name, _edges(edges, links)


def _doors(config: IncidentConfig) -> Iterator[tuple[str, str, Try]]:
    links = config.connections
    for changes in links.changes:
        yield "changes", changes.name, _changes(changes, [one.name for one in config.services])
    for check in links.checks:
        yield "checks", f"{check.kind} {check.target}", _check(check, links)
    for database in links.databases:
        yield "databases", database.name, _database(database)
    for traffic in links.traffic:
        yield "traffic", traffic.name, _traffic(traffic, links)
    for channel in links.channels:
        yield "channels", channel.called, _channel(channel.called, links)


def _logs(settings: LogSettings) -> Try:
    async def ask(client: httpx2.AsyncClient, now: datetime) -> Seen:
        small = settings
        if not isinstance(settings, FileLogSettings):
            small = settings.model_copy(update={"most_lines": _FEW_LINES})
        services = list(small.files if isinstance(small, FileLogSettings) else small.services)
        report = await build_logs(small, client, secret).read(services, Window(start=now - _BACK, end=now))
        if report.gaps and not report.lines:
            raise SourceRefused(settings.name, "; ".join(report.gaps))
        silent = [one for one in services if one not in {line.service for line in report.lines}]
        known = [one.matched for one in report.coverage if one.matched is not None]
        count = sum(known) if known else len(report.lines)
        told = f"{count:,} lines of {len(services)} services in {show_duration(_BACK)}"
        if silent:
            told += f"; none of {', '.join(silent)}: quiet, or is its query right?"
        return Seen(told, report.lines[-1].at if report.lines else None, report.gaps)

    return ask


def _metrics(settings: MetricSettings) -> Try:
    async def ask(client: httpx2.AsyncClient, now: datetime) -> Seen:
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
        return Seen(f"{len(found)} series of {len(source.services)} services in {show_duration(_BACK)}", at)

    return ask


def _promql(settings: PrometheusSettings) -> Try:
    async def ask(client: httpx2.AsyncClient, now: datetime) -> Seen:
        (source,) = build_promql([settings], client, secret)
        newest = await source.value("max(timestamp(up))", now)
        count = await source.value("count(up)", now)
        at = None if newest is None else datetime.fromtimestamp(newest, UTC)
        return Seen(f"{count or 0:.0f} targets" if at else "it answers, but holds no series `up`", at)

    return ask


def _traces(settings: TraceSettings, links: Connections) -> Try:
    async def ask(client: httpx2.AsyncClient, now: datetime) -> Seen:
        metrics = {one.name: one for one in build_promql(links.metrics, client, secret)}
        source = build_traces(settings, client, secret, metrics)
        edges = await source.edges(Window(start=now - _BACK, end=now))
        services = {name for one in edges for name in (one.caller, one.callee)}
        told = f"{len(edges)} pairs among {len(services)} services in {show_duration(_BACK)}"
        return Seen(told, max((one.seen_at for one in edges), default=None))

    return ask


def _database(settings: DatabaseSettings) -> Try:
    async def ask(_: httpx2.AsyncClient, now: datetime) -> Seen:
        report = await build_probe(settings, needed).look(now)
        if report.saw_nothing:
            raise SourceRefused(settings.name, "; ".join(report.gaps))
        size = f", a file of {report.file.bytes:,} bytes" if report.file else ""
        return Seen(f"{len(report.sessions)} sessions seen{size}", gaps=report.gaps, expects_data=False)

    return ask


def _traffic(settings: TrafficSettings, links: Connections) -> Try:
    async def ask(client: httpx2.AsyncClient, _: datetime) -> Seen:
        metrics = build_promql(links.metrics, client, secret)
        seen = await build(settings, traffic_tools(home(), client, metrics)).observe()
        return Seen(f"the canary has {seen.share:.0%}", expects_data=False)

    return ask


def _channel(name: str, links: Connections) -> Try:
    async def ask(client: httpx2.AsyncClient, _: datetime) -> Seen:
        ours = [one for one in links.channels if one.called == name]
        (channel,) = build_all(ours, client, SystemClock(), needed).values()
        problems = tuple(await channel.ready())
        if problems:
            raise ConfigError("; ".join(problems))
        return Seen("ready; nobody was disturbed", expects_data=False)

    return ask


def _edges(settings: EdgeSettings, links: Connections) -> Try:
    async def ask(client: httpx2.AsyncClient, now: datetime) -> Seen:
        metrics = {one.name: one for one in build_promql(links.metrics, client, secret)}
        if settings.source not in metrics:
            raise ConfigError(f"there is no metrics source {settings.source!r}")
        edges = await PromqlEdges(settings, metrics[settings.source]).edges(
            Window(start=now - _BACK, end=now)
        )
        newest = max((one.seen_at for one in edges), default=None)
        return Seen(f"{len(edges)} pairs in {show_duration(_BACK)}", newest)

    return ask


def _changes(settings: ChangeSettings, services: Sequence[str]) -> Try:
    async def ask(client: httpx2.AsyncClient, now: datetime) -> Seen:
        source = build_changes(settings, client, secret, needed)
        window = Window(start=now - _BACK_FOR_CHANGES, end=now)
        found = await source.changes(sorted({*services, *getattr(settings, "services", ())}), window)
        whose = len({one.service for one in found})
        told = f"{len(found)} changes of {whose} services in {show_duration(_BACK_FOR_CHANGES)}"
        return Seen(told, found[-1].started_at if found else None, expects_data=False)

    return ask


def _check(settings: CheckSettings, links: Connections) -> Try:
    async def ask(client: httpx2.AsyncClient, now: datetime) -> Seen:
        metrics = build_promql(links.metrics, client, secret)
        (check,) = build_checks([settings], client, secret, metrics, ())
        found = await check.run(now)
        unwell = (f"not fine: {found.words}",) if found.fine is False else ()
        return Seen("it was run" if unwell else found.words, gaps=unwell, expects_data=False)

    return ask
