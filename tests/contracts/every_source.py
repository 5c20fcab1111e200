"""Every connector by its section and kind, pointed at one address."""

from typing import Any

import httpx2
from contracts import change_worlds
from contracts.log_connectors import CONNECTORS
from metric_worlds import SECRET
from pydantic import SecretStr, TypeAdapter

from steadyhand.adapters.changes.sources import ChangeSettings, build_changes
from steadyhand.adapters.edges.promql import EdgeSettings, PromqlEdges
from steadyhand.adapters.logs.registry import LogSettings, build_logs
from steadyhand.adapters.metrics.registry import MetricSettings, build_others, build_promql
from steadyhand.adapters.traces.registry import TraceSettings, build_traces

Json = dict[str, Any]
BEARER = {"auth": "bearer", "secret_env": "TOKEN"}
KEYS = {"api_key_env": "TOKEN", "app_key_env": "TOKEN"}
PLACE = {"shop": {"repository": "acme/shop"}}
WHERE = {"cloudwatch": "endpoint_url", "kubernetes": "api_url"}
INFLUX = "SELECT 1 WHERE $time"
SETTINGS: dict[str, Json] = {
    **{
        f"logs {name}": one.settings | {"services": {"shop": one.named.format("shop")}}
        for name, one in CONNECTORS.items()
    },
    "metrics prometheus": {"kind": "prometheus", **BEARER},
    "metrics datadog": {"kind": "datadog", **KEYS, "services": {"shop": ["avg:x{*}"]}},
    "metrics cloudwatch": {"kind": "cloudwatch", "region": "eu-west-1", "services": {"shop": ["SEARCH(x)"]}},
    "metrics graphite": {"kind": "graphite", **BEARER, "services": {"shop": ["a.b"]}},
    "metrics influxdb": {"kind": "influxdb", "database": "d", **BEARER, "services": {"shop": [INFLUX]}},
    "traces jaeger": {"kind": "jaeger"},
    "traces tempo": {"kind": "tempo"},
    "changes github": {"kind": "github", "token_env": "T", "services": PLACE},
    "changes gitlab": {"kind": "gitlab", "token_env": "T", "services": PLACE},
    "changes argocd": {"kind": "argocd", "token_env": "T", "services": {"shop": "shop"}},
    "changes kubernetes": {"kind": "kubernetes", "token_env": "T"},
    "changes launchdarkly": change_worlds.FLAGS,
    "edges promql": {"kind": "promql"},
}


def _secret(_: str) -> SecretStr:
    return SecretStr(SECRET)


def build(vendor: str, url: str, client: httpx2.AsyncClient, timeout: str) -> Any:
    """The source of this section and kind."""
    section = vendor.split(" ", maxsplit=1)[0]
    kind = SETTINGS[vendor]["kind"]
    place = {} if section == "edges" else {WHERE.get(kind, "url"): url, "timeout": timeout}
    given = SETTINGS[vendor] | place
    match section:
        case "logs":
            return build_logs(TypeAdapter[Any](LogSettings).validate_python(given), client, _secret)
        case "metrics":
            chosen = [TypeAdapter[Any](MetricSettings).validate_python(given)]
            (source,) = (*build_promql(chosen, client, _secret), *build_others(chosen, client, _secret))
            return source
        case "traces":
            return build_traces(TypeAdapter[Any](TraceSettings).validate_python(given), client, _secret, {})
        case "edges":
            metrics = build("metrics prometheus", url, client, timeout)
            return PromqlEdges(EdgeSettings.model_validate(given), metrics)
        case _:
            return build_changes(
                TypeAdapter[Any](ChangeSettings).validate_python(given), client, _secret, _secret
            )
