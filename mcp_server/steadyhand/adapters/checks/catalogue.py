"""Every check that the configuration names, and one for each database that is connected."""

from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

import httpx2
from pydantic import SecretStr

from steadyhand.adapters.checks.inside import DatabaseCheck, MetricCheck, PodsCheck
from steadyhand.adapters.checks.network import DnsCheck, HttpCheck, TcpCheck, TlsCheck
from steadyhand.adapters.checks.redis import RedisCheck
from steadyhand.adapters.checks.settings import (
    CheckSettings,
    DnsSettings,
    HttpSettings,
    MetricSettings,
    PodsSettings,
    RedisSettings,
    TcpSettings,
    TlsSettings,
)
from steadyhand.adapters.http import Web
from steadyhand.adapters.rollouts.kubernetes.cluster import Cluster
from steadyhand.ports import Check, ConfigError, DatabaseProbe, MetricSource

_LARGEST = 256 * 1024
Secret = Callable[[str], SecretStr | None]


def build_checks(
    given: Iterable[CheckSettings],
    client: httpx2.AsyncClient,
    secret: Secret,
    metrics: Iterable[MetricSource],
    probes: Iterable[DatabaseProbe],
) -> tuple[Check, ...]:
    """All of them. Raises ConfigError for a secret or a metrics source that is not there."""
    sources = {one.name: one for one in metrics}
    named = tuple(_check(one, client, secret, sources) for one in given)
    return (*named, *(DatabaseCheck(one) for one in probes))


def _check(
    settings: CheckSettings, client: httpx2.AsyncClient, secret: Secret, sources: Mapping[str, MetricSource]
) -> Check:
    match settings:
        case DnsSettings() | TcpSettings() | TlsSettings():
            return _network(settings)
        case HttpSettings():
            return HttpCheck(settings, _web(settings, client))
        case MetricSettings():
            if settings.source not in sources:
                raise ConfigError(f"connections.checks: there is no metrics source {settings.source!r}")
            return MetricCheck(settings, sources[settings.source])
        case RedisSettings():
            return RedisCheck(settings, secret(settings.secret_env))
        case PodsSettings():
            return PodsCheck(settings, Cluster(settings, client, secret(settings.token_env)))
        case _:
            assert_never(settings)


def _network(settings: DnsSettings | TcpSettings | TlsSettings) -> Check:
    match settings:
        case DnsSettings():
            return DnsCheck(settings)
        case TcpSettings():
            return TcpCheck(settings)
        case TlsSettings():
            return TlsCheck(settings)
        case _:
            assert_never(settings)


def _web(settings: HttpSettings, client: httpx2.AsyncClient) -> Web:
    return Web(
        source=f"health of {settings.target}",
        client=client,
        deadline=settings.timeout,
        tries=1,
        largest_bytes=_LARGEST,
        later=frozenset(),  # a 503 is what a health page says of itself
    )
