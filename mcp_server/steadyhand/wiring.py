"""The one place that picks adapters, reads secrets and starts the clock."""

import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
from pydantic import SecretStr

from steadyhand.adapters.alerts.sources import TERMINAL, AlertSettings, build_source, secrets_of
from steadyhand.adapters.changes.sources import build_changes
from steadyhand.adapters.channels.registry import build_all
from steadyhand.adapters.checkpoints.build import build_sinks
from steadyhand.adapters.checkpoints.key import Ed25519Key
from steadyhand.adapters.checks.catalogue import build_checks
from steadyhand.adapters.databases.postgres_hand import PostgresHand
from steadyhand.adapters.databases.probes import build_probe
from steadyhand.adapters.edges.promql import PromqlEdges
from steadyhand.adapters.ledger.archive import FileArchive
from steadyhand.adapters.ledger.sql import open_store
from steadyhand.adapters.logs.registry import build_logs
from steadyhand.adapters.machine import SystemClock, secret
from steadyhand.adapters.metrics.registry import build_others, build_promql
from steadyhand.adapters.playbooks.folder import PlaybookSettings, load_folder
from steadyhand.adapters.rollouts.drivers import Tools, build
from steadyhand.adapters.traces.registry import build_all_traces
from steadyhand.adapters.watchdog.url import UrlWatchdog
from steadyhand.config import BUNDLED, Connections, IncidentConfig
from steadyhand.journey.diagnosis.playbook import Shelf
from steadyhand.journey.recovery.model import Goal, RecoveryRule
from steadyhand.journey.remedy.model import Fix, SetRelease
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.ports import AlertSource, ChangeHook, Clock, ConfigError, MetricSource, TrafficTarget
from steadyhand.responder.outside import Outside
from steadyhand.web.secret import WebSecrets

PUBLIC_KEYS = "audit.pub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """A service ready to run."""

    outside: Outside
    secrets: WebSecrets
    playbooks: Shelf
    hooks: Mapping[str, ChangeHook] = field(default_factory=dict)
    names: tuple[str, ...] = ()


def wire(config: IncidentConfig, folder: Path, http: httpx2.AsyncClient) -> Wired:
    """Everything the configuration names, put together. Raises ConfigError, LedgerError."""
    links, clock = config.connections, SystemClock()
    metrics = build_promql(links.metrics, http, secret)
    channels = build_all(links.channels, http, clock, needed)
    changes = tuple(build_changes(one, http, secret, needed) for one in links.changes)
    probes = {one.name: build_probe(one, needed) for one in links.databases}
    outside = Outside(
        rules=config,
        clock=clock,
        ledger=open_store(secret(config.store.dsn_env), folder, secret(config.store.vault_key_env)),
        new_id=lambda prefix: f"{prefix}-{secrets.token_hex(4)}",
        owner=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        sources=_sources(links.alerts, http, clock),
        logs=tuple(build_logs(one, http, secret) for one in links.logs),
        metrics=metrics,
        other_metrics=build_others(links.metrics, http, secret),
        traces=build_all_traces(links.traces, http, secret, metrics),
        changes=changes,
        edges=tuple(PromqlEdges(one, _metrics(one.source, metrics)) for one in links.edges),
        checks=build_checks(links.checks, http, secret, metrics, probes.values()),
        probes=probes,
        hands={one.name: PostgresHand(one, needed(one.dsn_env)) for one in links.hands},
        traffic=_traffic(links, traffic_tools(folder, http, metrics)),
        host=_host(),
        archive=FileArchive(folder / "archive"),
        watchdog=_watchdog(config, http),
        channels=channels,
        checkpoint_key=checkpoint_key(config, folder),
        checkpoints=build_sinks(links.checkpoints, folder, channels),
        console=config.listen.url,
        playbooks=playbooks(config.playbooks),
    )
    return Wired(
        outside=outside,
        secrets=_tokens(folder),
        hooks={one.name: one for one in changes if isinstance(one, ChangeHook)},
        playbooks=outside.playbooks,
        names=config.listen.names,
    )


def _traffic(links: Connections, tools: Tools) -> dict[str, TrafficTarget]:
    return {one.name: build(one, tools) for one in links.traffic}


def _sources(
    given: Sequence[AlertSettings], http: httpx2.AsyncClient, clock: Clock
) -> dict[str, AlertSource]:
    """Every alert source by the name in its door's address, and the terminal's own."""
    return {
        one.name: build_source(one, [needed(name) for name in secrets_of(one)], http, clock)
        for one in (TERMINAL, *given)
    }


def _metrics(name: str, known: Sequence[MetricSource]) -> MetricSource:
    """The metrics source of this name. Raises ConfigError."""
    found = next((one for one in known if one.name == name), None)
    if found is None:
        raise ConfigError(f"connections.edges: there is no metrics source {name!r}")
    return found


def _tokens(folder: Path) -> WebSecrets:
    """The locks of the doors, made at the first start."""
    return WebSecrets(
        ingest_token=_kept(folder / "ingest.token"),
        mcp_token=_kept(folder / "mcp.token"),
        session_key=_kept(folder / "session.key").encode(),
    )


def _host() -> str:
    """Marks by which processes know whether they are on one host: its name, and the kernel that runs."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    marks = (socket.gethostname(), boot.read_text(encoding="ascii").strip() if boot.is_file() else "")
    return "|".join(one for one in marks if one)


def _watchdog(config: IncidentConfig, http: httpx2.AsyncClient) -> UrlWatchdog | None:
    url = secret(config.watchdog.url_env)
    return UrlWatchdog(config.watchdog, http, url) if url else None


def needed(name: str) -> SecretStr:
    """The secret in this environment variable. Raises ConfigError when none is named or it is not set."""
    found = secret(name)
    if found is None:
        raise ConfigError("a connection needs the name of an environment variable that holds its secret")
    return found


def traffic_tools(folder: Path, http: httpx2.AsyncClient, metrics: Sequence[MetricSource] = ()) -> Tools:
    """What drivers of traffic are put together with."""
    return Tools(
        client=http,
        clock=SystemClock(),
        leases=folder / "leases",
        secret=secret,
        metrics={one.name: one for one in metrics},
    )


def checkpoint_key(config: IncidentConfig, folder: Path) -> Ed25519Key:
    """The key that signs checkpoints; its public half is noted beside the store. Raises ConfigError."""
    given = secret(config.audit.key_env)
    where = config.audit.key_env if given else str(folder / "audit.key")
    key = Ed25519Key(given or SecretStr(_kept(folder / "audit.key")), where)
    noted = folder / PUBLIC_KEYS
    known = noted.read_text(encoding="ascii").split() if noted.exists() else []
    if key.public not in known:
        noted.write_text("\n".join((*known, key.public)) + "\n", encoding="ascii")
    return key


def _kept(path: Path) -> str:
    """A random token that only this user can read, made at the first start."""
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(32), encoding="ascii")
        fresh.replace(path)
    return path.read_text(encoding="ascii").strip()


def playbooks(own: PlaybookSettings | None = None) -> Shelf:
    """The playbooks that ship with the package, and a team's own. Raises ConfigError for a broken one."""
    bundled = BUNDLED / "playbooks"
    folder = bundled if bundled.is_dir() else Path(__file__).parents[2] / "playbooks"
    shipped = Shelf(load_folder(folder))
    return shipped.with_own(load_folder(Path(own.folder))) if own and own.folder else shipped


def sample_plan(now: datetime) -> Plan:
    """A harmless plan of our own making, on which the fence is tried at start."""
    nowhere = SetRelease(service="self-test", version="0")
    fix = Fix(
        title="self-test",
        action=nowhere,
        rollback=nowhere,
        risk="low",
        why_this_risk="it is never run",
        recovery_s=1,
        canaryable=True,
        blast_radius=("self-test",),
    )
    return Plan(
        id="self-test",
        incident="self-test",
        hypothesis="self-test",
        service="self-test",
        fix=fix,
        confidence=0.0,
        calibrated=False,
        canary=CanaryRule(),
        recovery=RecoveryRule(),
        goals=(Goal(name="none", expression="vector(0)", bound=0),),
        created_at=now,
        expires_at=now + timedelta(minutes=1),
    )
