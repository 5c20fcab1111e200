"""Every kind of metrics: the settings by kind, and how each is put together."""

from collections.abc import Callable, Sequence
from typing import Annotated, assert_never

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.datadog import keys_of
from steadyhand.adapters.metrics.cloudwatch import CloudWatchMetrics, CloudWatchMetricSettings
from steadyhand.adapters.metrics.datadog import DatadogMetrics, DatadogMetricSettings
from steadyhand.adapters.metrics.graphite import Graphite, GraphiteSettings
from steadyhand.adapters.metrics.influx import Influx, InfluxSettings
from steadyhand.adapters.metrics.prometheus import Prometheus, PrometheusSettings
from steadyhand.adapters.metrics.queried import MetricStore, QueriedMetrics
from steadyhand.ports import ConfigError

OtherMetricSettings = DatadogMetricSettings | CloudWatchMetricSettings | GraphiteSettings | InfluxSettings
MetricSettings = Annotated[PrometheusSettings | OtherMetricSettings, Field(discriminator="kind")]
_Secrets = Callable[[str], SecretStr | None]


def build_promql(
    given: Sequence[MetricSettings], client: httpx2.AsyncClient, secret: _Secrets
) -> tuple[Prometheus, ...]:
    """Those that speak PromQL. Raises ConfigError that names one whose sign-in lacks a secret."""
    chosen = [one for one in given if isinstance(one, PrometheusSettings)]
    return tuple(_promql(one, client, secret) for one in chosen)


def _promql(settings: PrometheusSettings, client: httpx2.AsyncClient, secret: _Secrets) -> Prometheus:
    try:
        return Prometheus(settings, client, secret(settings.secret_env))
    except ValueError as error:
        raise ConfigError(f"connections.metrics: {settings.name}: {error}; set secret_env") from error


def build_others(
    given: Sequence[MetricSettings], client: httpx2.AsyncClient, secret: _Secrets
) -> tuple[QueriedMetrics, ...]:
    """Those with a language of their own. Raises ConfigError as `build_promql` does."""
    chosen = [one for one in given if not isinstance(one, PrometheusSettings)]
    return tuple(QueriedMetrics(one, _store(one, client, secret)) for one in chosen)


def _store(settings: OtherMetricSettings, client: httpx2.AsyncClient, secret: _Secrets) -> MetricStore:
    try:
        match settings:
            case DatadogMetricSettings():
                return DatadogMetrics(settings, client, *keys_of(settings, secret))
            case CloudWatchMetricSettings():
                return CloudWatchMetrics(settings, client)
            case GraphiteSettings():
                return Graphite(settings, client, secret(settings.secret_env))
            case InfluxSettings():
                return Influx(settings, client, secret(settings.secret_env))
            case _:
                assert_never(settings)
    except ValueError as error:
        raise ConfigError(f"connections.metrics: {settings.name}: {error}; set secret_env") from error
