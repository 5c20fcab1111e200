"""Metrics of systems with a language of their own: the configuration holds each service's queries."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import isfinite
from types import MappingProxyType
from typing import Protocol

from pydantic import Field

from steadyhand.journey.evidence.model import Series, Window
from steadyhand.journey.rule import Rule
from steadyhand.ports import SourceRefused

_AT_ONCE = 4
_FRESH = timedelta(minutes=5)  # an older point is not "now", as Prometheus has it too
_MINUTE = timedelta(minutes=1)
_NONE: Mapping[str, str] = MappingProxyType({})


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
        found = self._few([one for some in answers for one in some], f"{service}: ")
        return [_kept(one, window, {"service": service}) for one in found]

    async def series(self, selector: str, window: Window, step: timedelta) -> Sequence[Series]:
        """The series of one query in the system's own words, which may only read. Raises SourceError."""
        found = self._few(await self._store.query(selector, window, step))
        return [_kept(one, window) for one in found]

    async def value(self, expression: str, at: datetime) -> float | None:
        """The newest number of the one series of a query; None where the last minutes have none.

        Raises SourceRefused where it gives more than one series.
        """
        found = await self.series(expression, Window(start=at - _FRESH, end=at), _MINUTE)
        filled = [one for one in found if one.values]
        if len(filled) > 1:
            raise SourceRefused(self.name, f"the query gives {len(filled)} series; aggregate it")
        return filled[0].values[-1] if filled else None

    def _few(self, found: Sequence[Series], what: str = "") -> Sequence[Series]:
        if len(found) > self._settings.most_series:
            why = f"{what}{len(found)} series, more than {self._settings.most_series}; aggregate them"
            raise SourceRefused(self.name, why)
        return found


def _kept(series: Series, window: Window, labels: Mapping[str, str] = _NONE) -> Series:
    """With these labels as well, and only the points of the window that are a number."""
    first, last = window.start.timestamp(), window.end.timestamp()
    pairs = zip(series.times, series.values, strict=True)
    kept = sorted((at, value) for at, value in pairs if first <= at < last and isfinite(value))
    return Series(
        name=series.name,
        labels={**series.labels, **labels},
        times=tuple(at for at, _ in kept),
        values=tuple(value for _, value in kept),
    )
