"""Print the evidence page of every recorded incident, and how well it dates and names what happened.

    python bench/capsule_pages.py PATH [--only TEXT]

PATH holds capsules (folders with capsule.json). The page is built only from what was known ten seconds
after the first alert; truth is read afterwards, by the scoring part alone. Needs pyarrow.
"""

import argparse
import json
import re
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet

from steadyhand.journey.evidence.digest import render
from steadyhand.journey.evidence.model import (
    Change,
    DatabaseReport,
    Index,
    LogLine,
    Page,
    Scan,
    Series,
    Session,
)
from steadyhand.journey.evidence.page import assemble
from steadyhand.journey.evidence.rule import EvidenceRule, windows
from steadyhand.journey.topology import Kind, Service, Topology

AFTER_ALERT_S = 10.0
PROBE_AFTER_S = 6.0
KINDS: dict[str, Kind] = {  # what an operator writes into the configuration
    "client": "client",
    "haproxy": "balancer",
    "payments": "third_party",
    "postgres": "database",
    "redis": "cache",
}
TRUTH_TITLES = {  # truth's name of a signal -> what the title of the same signal holds
    "client_error_ratio": ("failed share of client_requests_total",),
    "p95_product": ("p95", "route=/product"),
    "p95_orders": ("p95", "route=/orders"),
    "p95_checkout": ("p95", "route=/checkout"),
    "pool_in_use": ("pool_connections", "state=in_use"),
    "pool_waiting": ("pool_waiting",),
    "pool_timeouts": ("pool_timeouts_total",),
    "inflight": ("inflight_requests",),
    "rss_max_mb": ("resident_memory",),
    "session_entries": ("session_entries",),
    "pg_idle_in_tx": ("pg_blocked_idle_in_tx",),
    "pg_blocked_sessions": ("pg_blocked_sessions",),
    "pg_oldest_tx_s": ("oldest_tx_seconds",),
    "pg_seq_tup_read_orders": ("seq_tup_read", "relname=orders"),
    "cache_hit_ratio": ("hit share of shop_cache",),
    "redis_up": ("redis_up",),
    "payment_answers_rps": ("rate of shop_outbound", "target=payments"),
}
FIELDS_OF_THE_RECORD = {"ts", "level", "msg", "message", "source", "service"}


@dataclass(frozen=True)
class Recording:
    """What a diagnoser may know at the evaluation time."""

    alert_at: datetime
    now: datetime
    series: list[Series]
    lines: list[LogLine]
    changes: list[Change]
    databases: list[DatabaseReport]
    topology: Topology


def instant(seconds: float) -> datetime:
    """Unix seconds as an aware instant."""
    return datetime.fromtimestamp(seconds, UTC)


def read_series(folder: Path, until: float) -> list[Series]:
    """Every series up to the evaluation time."""
    table = pyarrow.parquet.read_table(folder / "metrics.parquet").to_pydict()
    points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for at, name, labels, value in zip(
        table["ts"], table["name"], table["labels"], table["value"], strict=True
    ):
        if at <= until:
            points[name, labels].append((at, value))
    return [
        Series(
            name=name,
            labels=json.loads(labels),
            times=tuple(at for at, _ in sorted(samples)),
            values=tuple(value for _, value in sorted(samples)),
        )
        for (name, labels), samples in sorted(points.items())
    ]


def read_lines(folder: Path, until: float) -> list[LogLine]:
    """Every log line up to the evaluation time."""
    found = []
    for number, text in enumerate((folder / "logs.jsonl").read_text().splitlines(), start=1):
        record = json.loads(text)
        at = datetime.fromisoformat(record["ts"])
        if at.timestamp() <= until:
            found.append(
                LogLine(
                    at=at,
                    service=record["source"],
                    severity=record.get("level") or "INFO",
                    message=record.get("msg") or record.get("message") or "",
                    fields={
                        key: str(value) for key, value in record.items() if key not in FIELDS_OF_THE_RECORD
                    },
                    ref=f"logs.jsonl:{number}",
                )
            )
    return found


def read_changes(folder: Path, until: float) -> list[Change]:
    """Every change begun before the evaluation time, finished or not by then."""
    found = []
    for record in json.loads((folder / "deployments.json").read_text()):
        finished = record.get("finished_at")
        started = datetime.fromisoformat(record["started_at"])
        if started.timestamp() > until:
            continue
        ended = datetime.fromisoformat(finished) if finished else None
        settings = [f"{key}: {old} -> {new}" for key, (old, new) in record.get("config_changes", {}).items()]
        found.append(
            Change(
                id=record["id"],
                service=record["service"],
                kind=record["kind"],
                version=record.get("version") or "",
                previous=record.get("previous") or "",
                author=record.get("author") or "",
                summary=record.get("summary") or "",
                diff=record.get("sql") or "; ".join(settings),
                started_at=started,
                finished_at=ended if ended and ended.timestamp() <= until else None,
            )
        )
    return found


def rows_of(probe: Any, gaps: list[str], name: str) -> list[dict[str, Any]]:  # noqa: ANN401 - recorded JSON
    """The rows of a probe; a probe that hung left an error text instead."""
    if isinstance(probe, list):
        return [one for one in probe if isinstance(one, dict)]
    gaps.append(f"{name}: {probe}"[:200])
    return []


def read_index(record: dict[str, str]) -> Index:
    """An index from its definition."""
    definition = record["indexdef"]
    table = definition.split(" ON ")[1].split(" ")[0].rsplit(".", 1)[-1]
    columns = definition.rsplit("(", 1)[1].rstrip(")").split(", ")
    return Index(name=record["indexname"], table=table, columns=tuple(columns), valid=True)


def read_sessions(probes: dict[str, Any], gaps: list[str]) -> tuple[Session, ...]:
    """The sessions with whom they wait for."""
    blocked = {
        one["pid"]: tuple(int(pid) for pid in str(one["blocked_by"]).strip("{}").split(",") if pid)
        for one in rows_of(probes.get("blocking"), gaps, "blocking")
    }
    return tuple(
        Session(
            pid=one["pid"],
            application=one.get("application_name") or "",
            state=one.get("state") or "",
            wait="/".join(filter(None, (one.get("wait_event_type"), one.get("wait_event")))),
            transaction_s=float(one.get("xact_s") or 0),
            state_s=float(one.get("xact_s") or 0),
            query=one.get("query") or "",
            blocked_by=blocked.get(one["pid"], ()),
        )
        for one in rows_of(probes.get("pg_stat_activity"), gaps, "activity")
    )


def read_scans(
    probes: dict[str, Any], sessions: tuple[Session, ...], rows: dict[str, int]
) -> tuple[Scan, ...]:
    """Plans that read a whole table, for statements that were running just then."""
    found = []
    for plan in (str(value) for name, value in probes.items() if name.startswith("explain")):
        match = re.search(r"Seq Scan on (\w+).*?Filter: \((\w+) ", plan, re.DOTALL)
        running = [one for one in sessions if match and f"{match[2]}=" in one.query.replace(" ", "")]
        if match and running:
            found.append(
                Scan(table=match[1], columns=(match[2],), rows=rows.get(match[1], 0), query=running[0].query)
            )
    return tuple(found)


def read_database(folder: Path, at: datetime) -> list[DatabaseReport]:
    """The recorded look into the database; none if it came later than `at`."""
    probes = json.loads((folder / "probes_at_incident.json").read_text())
    gaps: list[str] = []
    sessions = read_sessions(probes, gaps)
    rows = {one["relname"]: one["n_live_tup"] for one in rows_of(probes.get("tables"), gaps, "tables")}
    return [
        DatabaseReport(
            database="postgres",
            at=at,
            sessions=sessions,
            max_connections=60,
            indexes=tuple(read_index(one) for one in rows_of(probes.get("indexes"), gaps, "indexes")),
            scans=read_scans(probes, sessions, rows),
            gaps=tuple(gaps),
        )
    ]


def read_topology(folder: Path) -> Topology:
    """Services and arrows; a service's series are those whose job carries its name."""
    recorded = json.loads((folder / "topology.json").read_text())
    edges = [(source.split()[0], target.split()[0]) for source, target in recorded["edges"]]
    names = sorted({name for edge in edges for name in edge})
    return Topology(
        services=tuple(
            Service(
                name=name,
                kind=KINDS.get(name, "service"),
                depends_on=tuple(target for source, target in edges if source == name),
                metrics=(f'{{job="{name}"}}',),
            )
            for name in names
        )
    )


def read(folder: Path) -> Recording:
    """What may be known at the evaluation time; never beyond the fix, never truth or actions."""
    about = json.loads((folder / "capsule.json").read_text())
    until = min(about["first_alert_at"] + AFTER_ALERT_S, about["fix_applied_at"] - 0.5)
    topology = read_topology(folder)
    probed = about["first_alert_at"] + PROBE_AFTER_S
    return Recording(
        alert_at=instant(about["first_alert_at"]),
        now=instant(until),
        series=[one for one in read_series(folder, until) if topology.get(one.labels.get("job", ""))],
        lines=read_lines(folder, until),
        changes=read_changes(folder, until),
        databases=read_database(folder, instant(probed)) if probed <= until else [],
        topology=topology,
    )


def page_of(known: Recording) -> Page:
    """The page, as the service would build it."""
    oldest = instant(min(one.times[0] for one in known.series))
    window, baseline = windows(known.alert_at, known.now, EvidenceRule(), oldest)
    return assemble(
        incident="inc-1",
        service="shop",
        window=window,
        baseline=baseline,
        topology=known.topology,
        lines=known.lines,
        series=known.series,
        changes=known.changes,
        databases=known.databases,
        alert_at=known.alert_at,
    )


def onset_errors(folder: Path, page: Page) -> dict[str, float]:
    """For each signal truth dates, the page's onset minus truth's in seconds; others are left out.

    Truth is the first sample over a fixed threshold, so a slope's start is rightly some seconds earlier.
    """
    truth = json.loads((folder / "truth.json").read_text())
    errors = {}
    for signal, seen in truth["onset"].items():
        parts = TRUTH_TITLES.get(signal, ())
        item = next((one for one in page.items if parts and all(part in one.title for part in parts)), None)
        if item is not None and item.onset is not None:
            began = item.onset.at.timestamp() - truth["fault_injected_at"]
            errors[signal] = round(began - seen["after_s"], 1)
    return errors


def score(folder: Path, page: Page) -> dict[str, float]:
    """How the page's metric onsets lie around the injection, in seconds, and how many came before it."""
    injected = json.loads((folder / "truth.json").read_text())["fault_injected_at"]
    moved = [one.onset.at.timestamp() - injected for one in page.items if one.kind == "metric" and one.onset]
    return {
        "metric items": len(moved),
        "first after s": min(moved, default=float("nan")),
        "over 1 s before injection": sum(1 for one in moved if one < -1.0),
    }


def main() -> None:
    """Print page and figures of each capsule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--only", default="", help="part of a folder's name")
    parser.add_argument("--quiet", action="store_true", help="figures only")
    given = parser.parse_args()
    for folder in sorted(
        one.parent for one in given.path.glob("*/capsule.json") if given.only in one.parent.name
    ):
        known = read(folder)
        began = time.perf_counter()
        page = page_of(known)
        took = time.perf_counter() - began
        text = render(page)
        figures = {**score(folder, page), "ms": 1000 * took, "characters": len(text)}
        print(f"== {folder.name}: " + ", ".join(f"{name} {value:.1f}" for name, value in figures.items()))
        print(f"   onset minus truth, s: {onset_errors(folder, page)}")
        if not given.quiet:
            print(text + "\n")


if __name__ == "__main__":
    main()
