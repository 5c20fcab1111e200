"""Logs, metrics, changes and edges held in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from steadyhand.journey.evidence.model import (
    Change,
    Coverage,
    LogLine,
    LogReport,
    Series,
    Window,
)
from steadyhand.journey.seen import CallEdge
from steadyhand.ports import SourceError


class MemoryLogs:
    """A LogSource over lines it was given.

    `services` are those it holds a log of, silent or not: without it, those that have a line.
    """

    def __init__(
        self,
        lines: Sequence[LogLine] = (),
        name: str = "memory-logs",
        services: Sequence[str] | None = None,
    ) -> None:
        self.name = name
        self.held = list(lines)
        self.services = services
        self.gaps: tuple[str, ...] = ()
        self.failure: SourceError | None = None

    async def read(self, services: Sequence[str], window: Window, text: str = "") -> LogReport:
        """Lines of these services in the window, oldest first; raises `failure` when one is set."""
        if self.failure is not None:
            raise self.failure
        mine = [one for one in self.held if one.service in services and window.start <= one.at < window.end]
        wanted = [one for one in mine if one.holds(text)]
        known = {one.service for one in self.held} if self.services is None else set(self.services)
        seen = [one for one in services if text and any(line.service == one for line in self.held)]
        return LogReport(
            coverage=tuple(_looked_through(self.name, one, mine, window) for one in seen),
            lines=tuple(sorted(wanted, key=lambda one: one.at)),
            gaps=self.gaps,
            unlogged=tuple(one for one in services if one not in known),
        )


def _looked_through(source: str, service: str, lines: Sequence[LogLine], window: Window) -> Coverage:
    """All lines of a service were looked at for a text."""
    count = sum(one.service == service for one in lines)
    return Coverage(source=source, service=service, matched=count, read=count, window=window)


class MemoryMetrics:
    """A MetricSource that knows some selectors and some expressions by heart."""

    def __init__(
        self,
        series: Mapping[str, Sequence[Series]] | None = None,
        values: Mapping[str, float | None] | None = None,
        name: str = "memory-metrics",
    ) -> None:
        self.name = name
        self.held = dict(series or {})
        self.values = dict(values or {})
        self.failure: SourceError | None = None

    async def series(self, selector: str, window: Window, step: timedelta) -> Sequence[Series]:
        """What is held under this very selector, cut to the window and thinned to the step."""
        if self.failure is not None:
            raise self.failure
        cut = (_cut(one, window, step) for one in self.held.get(selector, ()))
        return [one for one in cut if one.times]

    async def value(self, expression: str, at: datetime) -> float | None:  # noqa: ARG002 -- the same at all times
        """The number held under this expression, None when there is none."""
        if self.failure is not None:
            raise self.failure
        return self.values.get(expression)


def _cut(series: Series, window: Window, step: timedelta) -> Series:
    start, end = window.start.timestamp(), window.end.timestamp()
    kept: list[tuple[float, float]] = []
    for time, value in zip(series.times, series.values, strict=True):
        if start <= time < end and (not kept or time - kept[-1][0] >= step.total_seconds()):
            kept.append((time, value))
    return series.model_copy(
        update={"times": tuple(time for time, _ in kept), "values": tuple(value for _, value in kept)}
    )


class MemoryChanges:
    """A ChangeSource over changes it was given."""

    def __init__(self, changes: Sequence[Change] = (), name: str = "memory-changes") -> None:
        self.name = name
        self.held = list(changes)
        self.failure: SourceError | None = None

    async def changes(self, services: Sequence[str], window: Window) -> Sequence[Change]:
        """Changes to these services that began in the window, oldest first; raises `failure` when set."""
        if self.failure is not None:
            raise self.failure
        wanted = [
            one
            for one in self.held
            if one.service in services and window.start <= one.started_at < window.end
        ]
        return sorted(wanted, key=lambda one: one.started_at)

    async def diff(self, change: Change) -> str:
        """The diff it holds of that change; raises `failure` when one is set."""
        if self.failure is not None:
            raise self.failure
        return next((one.diff for one in self.held if one.id == change.id), "")


class MemoryEdges:
    """An EdgeSource over edges it was given."""

    def __init__(self, edges: Sequence[CallEdge] = (), name: str = "memory-edges") -> None:
        self.name = name
        self.held = list(edges)
        self.failure: SourceError | None = None

    async def edges(self, window: Window) -> Sequence[CallEdge]:
        """Edges last seen in the window; raises `failure` when one is set."""
        if self.failure is not None:
            raise self.failure
        return [one for one in self.held if window.start <= one.seen_at < window.end]
