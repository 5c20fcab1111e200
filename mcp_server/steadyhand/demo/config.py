"""The configuration of a Steadyhand that watches a lab."""

from pathlib import Path

import yaml

from steadyhand.lab.settings import Description

ENV_READ, ENV_FIX, ENV_DEPLOY = "LAB_READ_DSN", "LAB_FIX_DSN", "LAB_DEPLOY_TOKEN"
ERRORS = '1 - sum(rate(client_requests_total{code=~"2.."}[10s])) / sum(rate(client_requests_total[10s]))'
LATENCY = (
    "max(histogram_quantile(0.95, sum by (le, route) (rate(client_request_duration_seconds_bucket[10s]))))"
)


def lab_config(lab: Description, port: int, pages: Path) -> str:
    """incident-config.yaml for this lab, with the service on this port and pages written to a file."""
    return yaml.safe_dump(_sections(lab, port, pages), sort_keys=False)


def lab_environment(lab: Description) -> dict[str, str]:
    """The secrets that the configuration names."""
    return {ENV_READ: lab.read_only_dsn, ENV_FIX: lab.admin_dsn, ENV_DEPLOY: lab.platform_token}


def _sections(lab: Description, port: int, pages: Path) -> dict[str, object]:
    return {
        "listen": {"port": port},
        "services": _services(),
        "goals": {
            "shop": [
                {"name": "failed answers", "kind": "errors", "expression": ERRORS, "bound": 0.02},
                {"name": "p95", "kind": "latency", "expression": LATENCY, "bound": 0.4, "unit": "s"},
            ]
        },
        "escalation": {
            "tiers": [
                {
                    "name": "on_call",
                    "contacts": [{"type": "console", "target": "ana"}, {"type": "terminal", "target": "ana"}],
                    "escalate_after": "5m",
                },
                {"name": "team_lead", "contacts": [{"type": "terminal", "target": "bo"}]},
            ]
        },
        "connections": _connections(lab, pages),
    }


def _services() -> list[dict[str, object]]:
    return [
        {
            "name": "shop",
            "tier": 1,
            "depends_on": ["postgres", "redis", "payments"],
            "metrics": ['{job="shop"}', '{job="load"}'],
        },
        {"name": "postgres", "kind": "database", "tier": 1, "metrics": ['{__name__=~"pg_.*"}']},
        {"name": "redis", "kind": "cache", "metrics": ['{__name__=~"redis_.*"}']},
        {"name": "payments", "kind": "third_party"},
    ]


def _connections(lab: Description, pages: Path) -> dict[str, object]:
    return {
        "logs": [{"files": {"shop": [lab.shop_logs], "postgres": [lab.postgres_log]}}],
        "metrics": [{"kind": "prometheus", "url": lab.metrics_url}],
        # Guests' orders come twice a second: in one second there may be none of them to be seen.
        "databases": [{"kind": "postgres", "name": "postgres", "dsn_env": ENV_READ, "sample": "3s"}],
        "hands": [{"kind": "postgres", "name": "postgres", "dsn_env": ENV_FIX}],
        "traffic": [
            {
                "kind": "envoy",
                "name": "shop",
                "admin_url": lab.envoy_admin_url,
                "deploy_url": lab.platform_url,
                "deploy_secret_env": ENV_DEPLOY,
            }
        ],
        "channels": [{"kind": "terminal", "path": str(pages)}],
    }
