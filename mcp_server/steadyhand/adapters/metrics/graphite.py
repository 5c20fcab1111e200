"""Metrics in Graphite, by its render API."""

import re
from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import Literal

import httpx2
from pydantic import BaseModel, Field, RootModel, SecretStr

from steadyhand.adapters.access import Access, scope_of, told, web_for
from steadyhand.adapters.metrics.queried import QueriedRule
from steadyhand.journey.evidence.model import Series, Window
from steadyhand.ports import SourceRefused

_ENDS = 2  # a point more than asked for would have it join all of them by twos


class GraphiteSettings(Access, QueriedRule):
    """Targets such as aliasByNode(stats.timers.shop.*.upper_95, 3)."""

    kind: Literal["graphite"]
    name: str = "graphite"


class _Target(BaseModel):
    target: str
    tags: dict[str, str | float] = {}
    points: list[tuple[float | None, float]] = Field(alias="datapoints")


class _Targets(RootModel[list[_Target]]):
    """All series of an answer."""


class Graphite:
    """A MetricStore over /render."""

    def __init__(
        self, settings: GraphiteSettings, client: httpx2.AsyncClient, secret: SecretStr | None
    ) -> None:
        self.name = settings.name
        self._url = f"{settings.url}/render"
        self._web = web_for(settings.name, settings, client, secret, scope_of(settings))

    async def query(self, query: str, window: Window, step: timedelta) -> Sequence[Series]:
        """Every series of the target; joined to about one point each `step` where it holds more."""
        if not _whole(query):  # it would look for a metric of that name and find none
            raise SourceRefused(self.name, f"the brackets or quotes do not match in {query[:200]}")
        start = window.start.timestamp() - 1  # the instant it is asked from is left out there
        span = {"from": f"{start:.0f}", "until": f"{window.end.timestamp():.0f}"}
        most = ceil(window.length / step) + _ENDS
        params = {**span, "target": query, "format": "json", "maxDataPoints": str(most)}
        found = told(self._web, await self._web.read(self._url, params), _Targets)
        return [_told(one) for one in found.root]


def _whole(target: str) -> bool:
    """Whether every bracket and quote that is opened is closed."""
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", target)
    open_, closing = [], {")": "(", "}": "{", "]": "["}
    for one in bare:
        if one in closing.values():
            open_.append(one)
        elif one in closing and (not open_ or open_.pop() != closing[one]):
            return False
    return not open_ and not re.search(r"['\"]", bare)


def _told(target: _Target) -> Series:
    points = [(at, value) for value, at in target.points if value is not None]
    return Series(
        name=target.target,
        labels={key: str(value) for key, value in target.tags.items() if key != "name"},
        times=tuple(at for at, _ in points),
        values=tuple(value for _, value in points),
    )
