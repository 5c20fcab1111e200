"""Metrics of systems with a language of their own: the configuration holds each service's queries."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from math import isfinite
from typing import Protocol

from pydantic import Field

from steadyhand.journey.evidence.model import Series, Window
from steadyhand.journey.rule import Rule
from steadyhand.ports import SourceRefused

_AT_ONCE = 4


class QueriedRule(Rule):
    """What every such system is told."""

    services: dict[str, tuple[str, ...]] = Field(
        min_length=1, description="Service -> queries in the system's own language, a few each."
    )
    most_series: int = Field(default=500, gt=0, description="An answer with more is refused.")


class MetricStore(Protocol):
    """One such system, read-only."""

    name: str

    async def query(self, query: str, window: Window, step: timedelta) -> Sequence[Series]:
        """Every series the query gives, about one point each `step`. Raises SourceError."""
        ...


class QueriedMetrics:
    """A ServiceMetrics over a MetricStore."""

    def __init__(self, settings: QueriedRule, store: MetricStore) -> None:
        self.name = store.name
        self.services = frozenset(settings.services)
        self._settings = settings
        self._store = store

    async def series_of(self, service: str, window: Window, step: timedelta) -> Sequence[Series]:
        """The series of a service's queries, labelled with it; none for a stranger. Raises SourceError."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def ask(query: str) -> Sequence[Series]:
            async with turns:
                return await self._store.query(query, window, step)

        answers = await asyncio.gather(*(ask(one) for one in self._settings.services.get(service, ())))
        found = [one for some in answers for one in some]
        if len(found) > self._settings.most_series:
            why = f"{service}: {len(found)} series, more than {self._settings.most_series}; aggregate them"
            raise SourceRefused(self.name, why)
        return [_labelled(one, service, window) for one in found]


def _labelled(series: Series, service: str, window: Window) -> Series:
    """With its service as a label, and only the points of the window that are a number."""
    first, last = window.start.timestamp(), window.end.timestamp()
    pairs = zip(series.times, series.values, strict=True)
    kept = sorted((at, value) for at, value in pairs if first <= at < last and isfinite(value))
    return Series(
        name=series.name,
        labels={**series.labels, "service": service},
        times=tuple(at for at, _ in kept),
        values=tuple(value for _, value in kept),
    )
