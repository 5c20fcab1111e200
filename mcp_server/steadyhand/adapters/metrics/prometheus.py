"""Metrics of Prometheus, or anything that answers like its HTTP API."""

import asyncio
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import httpx2
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator

from steadyhand.adapters.http import Answer, Web, authorization
from steadyhand.adapters.metrics.native import Sample, classic
from steadyhand.journey.evidence.model import Series, Window
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import SourceError, SourceRefused, SourceUnavailable

_log = logging.getLogger(__name__)
_MOST_POINTS = 11_000  # a series' limit in one answer of Prometheus


class PrometheusSettings(Rule):
    """Where it listens and how one signs in."""

    kind: Literal["prometheus"] = "prometheus"
    name: str = "prometheus"
    url: str = Field(pattern=r"^https?://", description="Base address, without /api/v1.")
    auth: Literal["none", "bearer", "basic"] = "none"
    user: str = Field(default="", description="For auth: basic.")
    secret_env: str = Field(default="", description="Environment variable with the token or password.")
    tenant: str = Field(default="", description="Sent as X-Scope-OrgID: Mimir, Cortex.")
    params: dict[str, str] = Field(
        default={}, description="Sent with each query, e.g. Thanos: dedup and partial_response."
    )
    timeout: Duration = timedelta(seconds=10)
    most_series: int = Field(default=2000, gt=0, description="An answer with more is refused.")

    @field_validator("url")
    @classmethod
    def _without_credentials(cls, url: str) -> str:
        if "@" in url.split("/")[2]:
            raise ValueError("holds a user or password; use auth, user and secret_env")
        return url.rstrip("/")


_Point = tuple[float, float]  # the API writes values as strings: "0.5", "NaN", "+Inf"


class _Stream(BaseModel):
    metric: dict[str, str]
    values: list[_Point] = []
    histograms: list[Sample] = []


class _Sample(BaseModel):
    metric: dict[str, str]
    value: _Point | None = None  # None: it is a native histogram


class _Matrix(BaseModel):
    kind: Literal["matrix"] = Field(alias="resultType")
    result: list[_Stream]


class _Vector(BaseModel):
    kind: Literal["vector"] = Field(alias="resultType")
    result: list[_Sample]


class _Scalar(BaseModel):
    kind: Literal["scalar"] = Field(alias="resultType")
    result: _Point


class _Success(BaseModel):
    status: Literal["success"]
    data: _Matrix | _Vector | _Scalar = Field(discriminator="kind")
    warnings: list[str] = []


class _Failure(BaseModel):
    status: Literal["error"]
    kind: str = Field(alias="errorType")
    error: str


class Prometheus:
    """A MetricSource over /api/v1/query and /api/v1/query_range. Points that are no number are left out."""

    def __init__(
        self, settings: PrometheusSettings, client: httpx2.AsyncClient, secret: SecretStr | None = None
    ) -> None:
        """Raises ValueError when the sign-in needs a secret and none is given."""
        self.name = settings.name
        self._settings = settings
        tenant = {"X-Scope-OrgID": settings.tenant} if settings.tenant else {}
        headers = {**authorization(settings.auth, settings.user, secret), **tenant}
        self._web = Web(
            source=settings.name,
            client=client,
            deadline=settings.timeout,
            headers=headers,
            secrets=(secret,) if secret else (),
        )

    async def series(self, selector: str, window: Window, step: timedelta) -> Sequence[Series]:
        """Every series the expression gives, sampled each `step`; asked in parts when the window is long.

        Native histograms come as the series of classic ones.
        """
        streams: dict[tuple[tuple[str, str], ...], _Stream] = {}
        for start, end in _parts(window, step):
            times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step.total_seconds():g}"}
            data = await self._ask("query_range", {"query": selector, **times})
            if not isinstance(data, _Matrix):
                raise SourceRefused(self.name, f"answered a {data.kind} to a range query")
            for stream in data.result:
                known = streams.setdefault(tuple(sorted(stream.metric.items())), stream)
                if known is not stream:
                    known.values.extend(stream.values)
                    known.histograms.extend(stream.histograms)
            if len(streams) > self._settings.most_series:
                raise SourceRefused(
                    self.name, f"more than {self._settings.most_series} series; narrow the selector"
                )
        return await asyncio.to_thread(_told, list(streams.values()))

    async def value(self, expression: str, at: datetime) -> float | None:
        """The one number of the expression at that instant; None without a sample or for NaN.

        Raises SourceRefused when the expression gives more than one series.
        """
        data = await self._ask("query", {"query": expression, "time": f"{at.timestamp():.3f}"})
        if isinstance(data, _Matrix):
            raise SourceRefused(self.name, "the expression gives a range; ask for an instant")
        if isinstance(data, _Vector) and len(data.result) > 1:
            raise SourceRefused(self.name, f"the expression gives {len(data.result)} series; aggregate it")
        if isinstance(data, _Vector):
            first = data.result[0].value if data.result else (0.0, math.nan)
            if first is None:
                raise SourceRefused(
                    self.name, "the expression gives a histogram; ask histogram_quantile of it"
                )
            number = first[1]
        else:
            number = data.result[1]
        return None if math.isnan(number) else number

    async def _ask(self, path: str, params: Mapping[str, str]) -> _Matrix | _Vector | _Scalar:
        answer = await self._web.read(
            f"{self._settings.url}/api/v1/{path}", {**self._settings.params, **params}
        )
        if not answer.ok:
            raise self._failure(answer)
        try:
            success = await asyncio.to_thread(_Success.model_validate_json, answer.body)
        except ValidationError as error:
            raise SourceRefused(self.name, "the answer is not one of the Prometheus API") from error
        for warning in success.warnings:
            _log.warning("prometheus.warning source=%s text=%s", self.name, self._web.clean(warning))
        return success.data

    def _failure(self, answer: Answer) -> SourceError:
        try:
            failure = _Failure.model_validate_json(answer.body)
        except ValidationError:
            return self._web.refusal(answer)
        if failure.kind in {"timeout", "canceled", "internal"}:
            return SourceUnavailable(self.name, self._web.clean(f"{failure.kind}: {failure.error}"))
        return self._web.refusal(answer, f"{failure.kind}: {failure.error}")


def _parts(window: Window, step: timedelta) -> Iterator[tuple[float, float]]:
    """First and last instant of each part, on one grid; the window's end itself is left out."""
    start, width = window.start.timestamp(), step.total_seconds()
    points = math.ceil(window.length.total_seconds() / width)
    for first in range(0, points, _MOST_POINTS):
        last = min(first + _MOST_POINTS, points) - 1
        yield start + first * width, start + last * width


def _told(streams: Sequence[_Stream]) -> list[Series]:
    """What the answer holds; series sampled at the same instants share these."""
    shared: dict[tuple[float, ...], tuple[float, ...]] = {}
    found = []
    for stream in streams:
        name = stream.metric.pop("__name__", "")
        if stream.values:
            times, values = _real(stream.values)
            found.append(_series(name, stream.metric, shared.setdefault(times, times), values))
        if stream.histograms:
            found.extend(classic(name, stream.metric, stream.histograms))
    return found


def _real(points: Sequence[_Point]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Times and values of the points that are a number."""
    times, values = zip(*points, strict=True)
    if not math.isfinite(sum(values)):
        kept = [one for one in points if math.isfinite(one[1])]
        times, values = zip(*kept, strict=True) if kept else ((), ())
    return times, values


def _series(name: str, labels: dict[str, str], times: tuple[float, ...], values: tuple[float, ...]) -> Series:
    """Made without a second check: the answer's points were read as numbers already."""
    return Series.model_construct(name=name, labels=labels, times=times, values=values)
