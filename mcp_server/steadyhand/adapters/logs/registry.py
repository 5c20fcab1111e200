"""Every kind of log source: the settings by kind, and how each is put together."""

from collections.abc import Callable
from typing import Annotated, assert_never

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.datadog import keys_of
from steadyhand.adapters.logs.cloudwatch import CloudWatchLogSettings, CloudWatchStore
from steadyhand.adapters.logs.datadog import DatadogLogSettings, DatadogStore
from steadyhand.adapters.logs.elastic import ElasticLogSettings, ElasticStore
from steadyhand.adapters.logs.files import FileLogs, FileLogSettings
from steadyhand.adapters.logs.journald import JournaldSettings, JournaldStore
from steadyhand.adapters.logs.kubernetes import KubernetesLogSettings, KubernetesStore
from steadyhand.adapters.logs.loki import LokiLogSettings, LokiStore
from steadyhand.adapters.logs.remote import LogStore, RemoteLogs
from steadyhand.adapters.logs.splunk import SplunkLogSettings, SplunkStore
from steadyhand.adapters.logs.victorialogs import VictoriaLogSettings, VictoriaStore
from steadyhand.ports import ConfigError, LogSource

_Searched = ElasticLogSettings | LokiLogSettings | VictoriaLogSettings | SplunkLogSettings
_Hosted = DatadogLogSettings | CloudWatchLogSettings | KubernetesLogSettings
_Remote = _Searched | _Hosted | JournaldSettings
LogSettings = Annotated[FileLogSettings | _Remote, Field(discriminator="kind")]


_Secrets = Callable[[str], SecretStr | None]


def build_logs(settings: LogSettings, client: httpx2.AsyncClient, secret: _Secrets) -> LogSource:
    """The source. Raises ConfigError that names it where its sign-in lacks a secret."""
    if isinstance(settings, FileLogSettings):
        return FileLogs(settings)
    try:
        return RemoteLogs(settings, _store(settings, client, secret))
    except ValueError as error:
        raise ConfigError(f"connections.logs: {settings.name}: {error}; set secret_env") from error


def _store(settings: _Remote, client: httpx2.AsyncClient, secret: _Secrets) -> LogStore:
    match settings:
        case DatadogLogSettings():
            return DatadogStore(settings, client, *keys_of(settings, secret))
        case CloudWatchLogSettings():
            return CloudWatchStore(settings, client)
        case KubernetesLogSettings():
            return KubernetesStore(settings, client, secret(settings.token_env))
        case JournaldSettings():
            return JournaldStore(settings)
        case _:
            return _searched(settings, client, secret(settings.secret_env))


def _searched(settings: _Searched, client: httpx2.AsyncClient, secret: SecretStr | None) -> LogStore:
    match settings:
        case ElasticLogSettings():
            return ElasticStore(settings, client, secret)
        case LokiLogSettings():
            return LokiStore(settings, client, secret)
        case VictoriaLogSettings():
            return VictoriaStore(settings, client, secret)
        case SplunkLogSettings():
            return SplunkStore(settings, client, secret)
        case _:
            assert_never(settings)
