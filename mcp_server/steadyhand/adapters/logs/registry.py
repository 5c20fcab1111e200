"""Every kind of log source: the settings by kind, and how each is put together."""

from collections.abc import Callable
from typing import Annotated, assert_never

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.logs.elastic import ElasticLogSettings, ElasticStore
from steadyhand.adapters.logs.files import FileLogs, FileLogSettings
from steadyhand.adapters.logs.journald import JournaldSettings, JournaldStore
from steadyhand.adapters.logs.loki import LokiLogSettings, LokiStore
from steadyhand.adapters.logs.remote import RemoteLogs
from steadyhand.adapters.logs.victorialogs import VictoriaLogSettings, VictoriaStore
from steadyhand.ports import ConfigError, LogSource

_Remote = ElasticLogSettings | LokiLogSettings | VictoriaLogSettings | JournaldSettings
LogSettings = Annotated[FileLogSettings | _Remote, Field(discriminator="kind")]


def build_logs(
    settings: LogSettings, client: httpx2.AsyncClient, secret: Callable[[str], SecretStr | None]
) -> LogSource:
    """The source. Raises ConfigError that names it where its sign-in lacks a secret."""
    try:
        return _built(settings, client, secret)
    except ValueError as error:
        raise ConfigError(f"connections.logs: {settings.name}: {error}; set secret_env") from error


def _built(
    settings: LogSettings, client: httpx2.AsyncClient, secret: Callable[[str], SecretStr | None]
) -> LogSource:
    match settings:
        case FileLogSettings():
            return FileLogs(settings)
        case ElasticLogSettings():
            return RemoteLogs(settings, ElasticStore(settings, client, secret(settings.secret_env)))
        case LokiLogSettings():
            return RemoteLogs(settings, LokiStore(settings, client, secret(settings.secret_env)))
        case VictoriaLogSettings():
            return RemoteLogs(settings, VictoriaStore(settings, client, secret(settings.secret_env)))
        case JournaldSettings():
            return RemoteLogs(settings, JournaldStore(settings))
        case _:
            assert_never(settings)
