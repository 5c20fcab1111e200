"""Envoy as the balancer.

Two arms, a share of traffic that can be set while it runs, counters and a latency histogram for each arm.
"""

import json
from typing import Any

import httpx2
import yaml

from steadyhand.lab import process
from steadyhand.lab.failure import LabError
from steadyhand.lab.layout import ARMS, HOST, REPLICAS, Arm, Layout
from steadyhand.lab.process import Child, Program
from steadyhand.lab.servers.binary import in_wheel, missing, on_path
from steadyhand.lab.servers.ready import answers

SHARE_KEY = "canary.share"
LATENCY_BUCKETS_MS = (5, 10, 25, 50, 100, 200, 300, 400, 500, 750, 1000, 2000, 3000, 5000, 10000)
_READY_S = 20.0
_ADMIN_S = 2.0
_TYPE = "type.googleapis.com/envoy.extensions"
_DENOMINATORS = {"HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": 1_000_000}
_KEPT_STATS = (
    *(f"cluster.{arm}.{kept}" for arm in ARMS for kept in ("upstream_rq", "upstream_cx", "membership_")),
    "http.shop.downstream_rq",
    "server.live",
    "server.uptime",
)


def bootstrap(layout: Layout) -> dict[str, Any]:
    """The whole configuration. The share lives in memory only: after a restart it is 0."""
    return {
        "admin": {"address": _address(layout.port("envoy-admin"))},
        "stats_flush_interval": "1s",
        "stats_config": _stats(),
        "layered_runtime": {"layers": [{"name": "admin", "admin_layer": {}}]},
        "static_resources": {
            "listeners": [_listener(layout)],
            "clusters": [_cluster(layout, arm) for arm in ARMS],
        },
    }


async def start(layout: Layout) -> Child:
    """Start it and wait for its administration door. Raises LabError where there is none."""
    program = in_wheel("envoy", "_bin", "envoy") or on_path("envoy")
    if program is None:
        raise missing("Envoy", "install the extra steadyhand[demo] on Linux or macOS")
    config = layout.run / "envoy.json"
    config.write_text(json.dumps(bootstrap(layout), indent=1))
    options = ("-c", str(config), "--disable-hot-restart", "--concurrency", "1", "--log-level", "error")
    child = await process.start(Program("envoy", (str(program), *options)), layout)
    await child.until(lambda: answers(f"{layout.url('envoy-admin')}/ready"), _READY_S)
    return child


async def share(layout: Layout) -> float:
    """The share of traffic, 0..1, that the canary arm is given. Raises LabError without an answer."""
    entries = (await _admin(layout, "GET", "/runtime"))["entries"]
    return share_of(entries.get(SHARE_KEY, {}).get("final_value", ""))


def share_of(value: str) -> float:
    """The share, 0..1, that Envoy reads from a runtime value.

    A bare number means percent, whatever the route's denominator says; a mapping carries its own denominator.
    What is neither counts as 0, since Envoy then falls back to the route's default.
    """
    match yaml.safe_load(value):
        case int() | float() as percent:
            return percent / 100
        case {"numerator": int() as numerator, "denominator": str() as per} if per in _DENOMINATORS:
            return numerator / _DENOMINATORS[per]
        case _:
            return 0.0


def runtime_value(share: float) -> str:
    """What to send as `canary.share` for a share of 0..1, exact to 1/100 %.

    Without blanks on purpose: Envoy does not read "+" as a blank; what it cannot parse gives no traffic.
    """
    return json.dumps(
        {"numerator": round(share * 10_000), "denominator": "TEN_THOUSAND"}, separators=(",", ":")
    )


async def healthy(layout: Layout, arm: Arm) -> set[int]:
    """The ports of the arm's replicas that may get traffic now. Raises LabError without an answer."""
    statuses = (await _admin(layout, "GET", "/clusters?format=json"))["cluster_statuses"]
    hosts = next(one for one in statuses if one["name"] == arm).get("host_statuses", [])
    return {
        host["address"]["socket_address"]["port_value"]
        for host in hosts
        if not host["health_status"].get("failed_active_health_check")
        and not host["health_status"].get("pending_active_hc")
    }


async def withdraw(layout: Layout) -> None:
    """Give the canary arm no traffic. Raises LabError when Envoy does not answer."""
    await _admin(layout, "POST", f"/runtime_modify?{SHARE_KEY}=0")


async def _admin(layout: Layout, method: str, path: str) -> dict[str, Any]:
    try:
        async with httpx2.AsyncClient(timeout=_ADMIN_S, trust_env=False) as client:
            answer = (await client.request(method, layout.url("envoy-admin") + path)).raise_for_status()
    except httpx2.HTTPError as error:
        raise LabError(f"Envoy's administration did not answer {path}: {error}") from error
    return dict(answer.json()) if method == "GET" else {}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": HOST, "port_value": port}}


def _stats() -> dict[str, Any]:
    return {
        "stats_matcher": {"inclusion_list": {"patterns": [{"prefix": kept} for kept in _KEPT_STATS]}},
        "histogram_bucket_settings": [
            {"match": {"suffix": "upstream_rq_time"}, "buckets": list(LATENCY_BUCKETS_MS)}
        ],
    }


def _listener(layout: Layout) -> dict[str, Any]:
    share = {"default_value": {"numerator": 0, "denominator": "HUNDRED"}, "runtime_key": SHARE_KEY}
    routes = [
        {
            "match": {"prefix": "/", "runtime_fraction": share},
            "route": {"cluster": "canary", "timeout": "15s"},
        },
        {"match": {"prefix": "/"}, "route": {"cluster": "stable", "timeout": "15s"}},
    ]
    router = {"name": "router", "typed_config": {"@type": f"{_TYPE}.filters.http.router.v3.Router"}}
    manager = {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "shop",
        "route_config": {"virtual_hosts": [{"name": "shop", "domains": ["*"], "routes": routes}]},
        "http_filters": [router],
    }
    return {
        "name": "shop",
        "address": _address(layout.port("shop")),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def _cluster(layout: Layout, arm: Arm) -> dict[str, Any]:
    endpoints = [{"endpoint": {"address": _address(layout.replica_port(arm, one))}} for one in REPLICAS]
    check = {
        "interval": "0.5s",
        "no_traffic_interval": "0.5s",  # the canary arm is checked before it has traffic
        "timeout": "1s",
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
        "http_health_check": {"path": "/healthz"},
    }
    return {
        "name": arm,
        "type": "STATIC",
        "connect_timeout": "1s",
        "lb_policy": "ROUND_ROBIN",
        "common_lb_config": {
            "healthy_panic_threshold": {"value": 0},
            "update_merge_window": "0s",  # else a replica gets traffic for a second after it failed its check
        },
        "health_checks": [check],
        "load_assignment": {"cluster_name": arm, "endpoints": [{"lb_endpoints": endpoints}]},
    }
