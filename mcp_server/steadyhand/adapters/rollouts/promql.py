"""Counters of both arms from a metrics system, for balancers that count nothing by arm themselves.

All expressions are evaluated at one instant, and that instant is the reading's. What they add up is as old as
the last scrape: with 15 s between scrapes the judge sees nothing for 15 s and calls it "no traffic". Scrape
the arms at least every 2 s, or raise `canary.no_traffic` well above the interval.
"""

import asyncio
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from steadyhand.adapters.rollouts.histogram import quantile, slower_than
from steadyhand.journey.evidence.model import Series, Window
from steadyhand.journey.rollout.model import Arms, Counts
from steadyhand.journey.rule import Rule
from steadyhand.ports import Clock, MetricSource, SourceRefused, SourceUnavailable

_INSTANT: Final = timedelta(seconds=1)


class ArmExpressions(Rule):
    """PromQL for one arm; all of them cumulative counters, not rates."""

    requests: str = Field(min_length=1, description="Requests that ended in any way: one series.")
    errors: str = Field(min_length=1, description="Those of them that failed; `or vector(0)` until one did.")
    seconds_bucket: str = Field(
        default="", description="A histogram's buckets, `sum by (le) (...)`; in seconds."
    )


class PromqlCounters(Rule):
    """Where the arms are counted."""

    source: str = Field(default="prometheus", description="The `name` of one of connections.metrics.")
    stable: ArmExpressions
    canary: ArmExpressions


class PromqlCounter:
    """A Counter over a MetricSource."""

    def __init__(self, settings: PromqlCounters, source: MetricSource, clock: Clock) -> None:
        self._settings = settings
        self._source = source
        self._clock = clock

    async def arms(self, slow_ms: tuple[float, float]) -> Arms:
        """Both arms at one instant. Raises SourceUnavailable where one of them has no sample."""
        at = self._clock.now()
        stable, canary = await asyncio.gather(
            self._counts(self._settings.stable, at, slow_ms), self._counts(self._settings.canary, at, slow_ms)
        )
        return Arms(at=at, stable=stable, canary=canary)

    async def slow_limits(self) -> tuple[float, float] | None:
        """The stable arm's p90 and p99 over its histogram; None without one."""
        buckets = await self._buckets(self._settings.stable, self._clock.now())
        p90, p99 = quantile(0.9, buckets), quantile(0.99, buckets)
        return None if p90 is None or p99 is None else (p90, p99)

    def close(self) -> None:
        """Nothing is held open."""

    async def _counts(self, arm: ArmExpressions, at: datetime, slow_ms: tuple[float, float]) -> Counts:
        requests, errors, buckets = await asyncio.gather(
            self._number(arm.requests, at), self._number(arm.errors, at), self._buckets(arm, at)
        )
        slow90, slow99 = (slower_than(limit, buckets) for limit in slow_ms)
        return Counts(requests=max(requests, errors), errors=errors, slow90=slow90, slow99=slow99)

    async def _number(self, expression: str, at: datetime) -> int:
        value = await self._source.value(expression, at)
        if value is None:
            raise SourceUnavailable(self._source.name, f"no sample of {expression}")
        return int(value)

    async def _buckets(self, arm: ArmExpressions, at: datetime) -> Sequence[tuple[float, int]]:
        if not arm.seconds_bucket:
            return ()
        window = Window(start=at, end=at + _INSTANT)
        found = await self._source.series(arm.seconds_bucket, window, _INSTANT)
        return [self._bucket(one, arm.seconds_bucket) for one in found if one.values]

    def _bucket(self, series: Series, expression: str) -> tuple[float, int]:
        try:
            bound = float(series.labels["le"])
        except (KeyError, ValueError) as error:
            why = f"{expression} has no bucket bounds: keep the label le"
            raise SourceRefused(self._source.name, why) from error
        return (bound * 1000 if math.isfinite(bound) else bound), int(series.values[-1])
