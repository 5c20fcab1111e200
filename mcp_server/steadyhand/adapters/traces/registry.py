"""Every kind of trace source: the settings by kind, and how each is put together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, assert_never

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.traces.jaeger import Jaeger, JaegerSettings
from steadyhand.adapters.traces.otlp_file import OtlpFiles, OtlpFileSettings
from steadyhand.adapters.traces.tempo import Tempo, TempoSettings
from steadyhand.ports import ConfigError, MetricSource, TraceSource

TraceSettings = Annotated[JaegerSettings | TempoSettings | OtlpFileSettings, Field(discriminator="kind")]


def build_traces(
    settings: TraceSettings,
    client: httpx2.AsyncClient,
    secret: Callable[[str], SecretStr | None],
    metrics: Mapping[str, MetricSource],
) -> TraceSource:
    """The source. Raises ConfigError that names it where a secret or its graph's metrics are missing."""
    try:
        match settings:
            case JaegerSettings():
                return Jaeger(settings, client, secret(settings.secret_env))
            case TempoSettings():
                graph = _graph(settings, metrics)
                return Tempo(settings, client, secret(settings.secret_env), graph)
            case OtlpFileSettings():
                return OtlpFiles(settings)
            case _:
                assert_never(settings)
    except ValueError as error:
        raise ConfigError(f"connections.traces: {settings.name}: {error}; set secret_env") from error


def build_all_traces(
    given: Sequence[TraceSettings],
    client: httpx2.AsyncClient,
    secret: Callable[[str], SecretStr | None],
    metrics: Sequence[MetricSource],
) -> tuple[TraceSource, ...]:
    """All sources. Raises ConfigError as `build_traces` does."""
    known = {one.name: one for one in metrics}
    return tuple(build_traces(one, client, secret, known) for one in given)


def _graph(settings: TempoSettings, metrics: Mapping[str, MetricSource]) -> MetricSource | None:
    if settings.service_graph and settings.service_graph not in metrics:
        known = ", ".join(metrics) or "none"
        where = f"connections.traces: {settings.name}: service_graph"
        raise ConfigError(f"{where}: no metrics are called {settings.service_graph!r}; connected: {known}")
    return metrics.get(settings.service_graph)
