"""Metrics and alerts: the real Prometheus with Alertmanager, or mini-prom reading the same two files."""

from pathlib import Path
from typing import Any, Literal

import yaml

from steadyhand.lab import process
from steadyhand.lab.layout import ARMS, HOST, REPLICAS, Layout, replica_name
from steadyhand.lab.process import Child, Program, python
from steadyhand.lab.servers.binary import missing, on_path
from steadyhand.lab.servers.ready import answers

Kind = Literal["auto", "mini", "real"]
Chosen = Literal["mini", "real"]
_READY_S = 30.0
_NOBODY = f"http://{HOST}:9/"  # the discard port: mini-prom must have an address to post to
_RULES = Path(__file__).parent / "rules.yml"


def choose(wanted: Kind) -> Chosen:
    """The real ones when both are on the PATH and mini was not asked for. Raises LabError if they lack."""
    if wanted == "mini":
        return "mini"
    if _prometheus() and _alertmanager():
        return "real"
    if wanted == "real":
        raise missing("Prometheus with Alertmanager", "put both on the PATH or choose metrics mini")
    return "mini"


async def start(layout: Layout, kind: Chosen, alerts_url: str, token_file: Path | None) -> list[Child]:
    """Write the configuration and start what scrapes, judges and posts; returns it in the order to stop."""
    config = layout.directory / "prometheus.yml"
    rules = layout.directory / "rules.yml"
    rules.write_text(_RULES.read_text())
    config.write_text(yaml.safe_dump(scraping(layout, with_alertmanager=kind == "real"), sort_keys=False))
    if kind == "mini":
        return [await _mini(layout, config, rules, alerts_url, token_file)]
    return [await _prom(layout, config), await _alerts(layout, alerts_url, token_file)]


def scraping(layout: Layout, *, with_alertmanager: bool) -> dict[str, Any]:
    """What prometheus.yml says: everything each second, rules too."""
    shop = [
        _targets(layout.replica_port(arm, one), service="shop", arm=arm, replica=replica_name(arm, one))
        for arm in ARMS
        for one in REPLICAS
    ]
    document: dict[str, Any] = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {"job_name": "shop", "static_configs": shop},
            {"job_name": "load", "static_configs": [_targets(layout.port("load"), service="shop")]},
            {"job_name": "lab", "static_configs": [_targets(layout.port("exporter"))]},
            {
                "job_name": "envoy",
                "metrics_path": "/stats/prometheus",
                "static_configs": [_targets(layout.port("envoy-admin"), service="shop")],
            },
        ],
    }
    if with_alertmanager:
        post_to = {"static_configs": [_targets(layout.port("alertmanager"))]}
        document["alerting"] = {"alertmanagers": [post_to]}
    return document


def routing(alerts_url: str, token_file: Path | None) -> dict[str, Any]:
    """What alertmanager.yml says: one group for each service, posted after a second."""
    hook: dict[str, Any] = {"url": alerts_url, "send_resolved": True}
    if token_file is not None:
        hook["http_config"] = {"authorization": {"type": "Bearer", "credentials_file": str(token_file)}}
    receiver = {"name": "steadyhand", **({"webhook_configs": [hook]} if alerts_url else {})}
    return {
        "route": {
            "receiver": "steadyhand",
            "group_by": ["service"],
            "group_wait": "1s",
            "group_interval": "5s",
            "repeat_interval": "1m",
        },
        "receivers": [receiver],
    }


async def _prom(layout: Layout, config: Path) -> Child:
    options = (
        f"--config.file={config}",
        f"--storage.tsdb.path={layout.run / 'prometheus'}",
        "--storage.tsdb.retention.time=6h",
        f"--web.listen-address={HOST}:{layout.port('metrics')}",
        "--log.level=warn",
    )
    child = await process.start(Program("prometheus", (str(_prometheus()), *options)), layout)
    await child.until(lambda: answers(f"{layout.url('metrics')}/-/ready"), _READY_S)
    return child


async def _alerts(layout: Layout, alerts_url: str, token_file: Path | None) -> Child:
    config = layout.directory / "alertmanager.yml"
    config.write_text(yaml.safe_dump(routing(alerts_url, token_file), sort_keys=False))
    options = (
        f"--config.file={config}",
        f"--storage.path={layout.run / 'alertmanager'}",
        f"--web.listen-address={HOST}:{layout.port('alertmanager')}",
        "--cluster.listen-address=",  # else it gossips on all interfaces
        "--log.level=warn",
    )
    child = await process.start(Program("alertmanager", (str(_alertmanager()), *options)), layout)
    await child.until(lambda: answers(f"{layout.url('alertmanager')}/-/ready"), _READY_S)
    return child


async def _mini(layout: Layout, config: Path, rules: Path, alerts_url: str, token_file: Path | None) -> Child:
    options = ["--config", str(config), "--rules", str(rules), "--listen", f"{HOST}:{layout.port('metrics')}"]
    options += ["--webhook", alerts_url or _NOBODY]
    options += ["--token-file", str(token_file)] if token_file else []
    child = await process.start(Program("mini-prom", python("steadyhand.lab.miniprom", *options)), layout)
    await child.until(lambda: answers(f"{layout.url('metrics')}/-/ready"), _READY_S)
    return child


def _prometheus() -> Path | None:
    return on_path("prometheus")


def _alertmanager() -> Path | None:
    return on_path("alertmanager", "prometheus-alertmanager")


def _targets(port: int, **labels: str) -> dict[str, Any]:
    targets: dict[str, Any] = {"targets": [f"{HOST}:{port}"]}
    return {**targets, "labels": labels} if labels else targets
