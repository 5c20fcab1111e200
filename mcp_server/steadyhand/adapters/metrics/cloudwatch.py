"""Metrics in CloudWatch, by GetMetricData: expressions such as SEARCH(...) or SELECT ..., page by page."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Literal
from xml.etree import ElementTree as ET

import httpx2

from steadyhand.adapters.metrics.queried import QueriedRule
from steadyhand.adapters.rollouts.aws.api import Aws, AwsAccess
from steadyhand.journey.evidence.model import Series, Window
from steadyhand.ports import SourceRefused

_VERSION = "2010-08-01"
_MOST_POINTS = 100_000
_MOST_PAGES = 50
_MINUTE = 60
_Points = dict[str, list[tuple[float, float]]]


class CloudWatchMetricSettings(AwsAccess, QueriedRule):
    """Metric math or Metrics Insights expressions."""

    kind: Literal["cloudwatch"]
    name: str = "cloudwatch"


class CloudWatchMetrics:
    """A MetricStore over GetMetricData, a point a minute: finer ones are kept only where that is paid for."""

    def __init__(self, settings: CloudWatchMetricSettings, client: httpx2.AsyncClient) -> None:
        self.name = settings.name
        self._aws = Aws(settings, client)

    async def query(self, query: str, window: Window, step: timedelta) -> Sequence[Series]:
        """Every series of the expression."""
        period = max(_MINUTE, ceil(step.total_seconds() / _MINUTE) * _MINUTE)
        asked = {
            "StartTime": _iso(window.start),
            "EndTime": _iso(window.end),
            "ScanBy": "TimestampAscending",
            "MaxDatapoints": str(_MOST_POINTS),
            "MetricDataQueries.member.1.Id": "q1",
            "MetricDataQueries.member.1.Expression": query,
            "MetricDataQueries.member.1.Period": str(period),
        }
        found: _Points = {}
        token = ""
        for _ in range(_MOST_PAGES):
            more = {"NextToken": token} if token else {}
            answer = await self._aws.query("monitoring", _VERSION, "GetMetricData", asked | more, asks=True)
            for result in answer.findall(".//MetricDataResults/member"):
                self._take(result, found)
            token = answer.findtext(".//NextToken") or ""
            if not token:
                return [_series(label, points) for label, points in found.items()]
        raise SourceRefused(self.name, f"GetMetricData has more than {_MOST_PAGES} pages; ask for less")

    def _take(self, result: ET.Element, found: _Points) -> None:
        status = result.findtext("StatusCode") or "Complete"
        if status in {"Forbidden", "InternalError"}:
            said = result.findtext(".//Messages/member/Value") or ""
            raise SourceRefused(self.name, f"GetMetricData ended as {status} {said}"[:300])
        times = [one.text or "" for one in result.findall("Timestamps/member")]
        values = [one.text or "nan" for one in result.findall("Values/member")]
        points = found.setdefault(result.findtext("Label") or "", [])
        try:
            points += [
                (datetime.fromisoformat(at).timestamp(), float(value))
                for at, value in zip(times, values, strict=True)
            ]
        except ValueError as error:
            raise SourceRefused(self.name, "its answer is not one of GetMetricData") from error


def _series(label: str, points: Sequence[tuple[float, float]]) -> Series:
    return Series(
        name=label, labels={}, times=tuple(at for at, _ in points), values=tuple(value for _, value in points)
    )


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
