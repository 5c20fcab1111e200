"""Raw rows of PostgreSQL's views, as a recording holds them, as the report of a look into the database."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from steadyhand.journey.evidence.model import DatabaseReport, Index, Scan, Session

_FULL_SCAN = re.compile(r"Seq Scan on (\w+).*?Filter: \((\w+) ", re.DOTALL)
_MOST_CONNECTIONS = 60  # of the lab's database; the probes do not hold it
Probes = Mapping[str, Any]


def read_probes(probes: Probes, at: datetime) -> DatabaseReport:
    """The look into the database at this instant. Raises KeyError, ValueError where a row is not whole."""
    gaps: list[str] = []
    sessions = tuple(_sessions(probes, gaps))
    sizes = {one["relname"]: one["n_live_tup"] for one in _rows(probes, "tables", gaps)}
    return DatabaseReport(
        database="postgres",
        at=at,
        sessions=sessions,
        max_connections=_MOST_CONNECTIONS,
        indexes=tuple(_index(one) for one in _rows(probes, "indexes", gaps)),
        scans=tuple(_scans(probes, sessions, sizes)),
        gaps=tuple(gaps),
    )


def _rows(probes: Probes, name: str, gaps: list[str]) -> list[dict[str, Any]]:
    """The rows of a probe; a probe that hung left an error text instead."""
    found = probes.get(name)
    if isinstance(found, list):
        return [one for one in found if isinstance(one, dict)]
    gaps.append(f"{name}: {found}"[:200])
    return []


def _index(record: Mapping[str, str]) -> Index:
    definition = record["indexdef"]
    table = definition.split(" ON ")[1].split(" ")[0].rsplit(".", 1)[-1]
    columns = definition.rsplit("(", 1)[1].rstrip(")").split(", ")
    return Index(name=record["indexname"], table=table, columns=tuple(columns), valid=True)


def _sessions(probes: Probes, gaps: list[str]) -> Iterator[Session]:
    """The sessions with whom they wait for."""
    blocked = {
        one["pid"]: tuple(int(pid) for pid in str(one["blocked_by"]).strip("{}").split(",") if pid)
        for one in _rows(probes, "blocking", gaps)
    }
    for one in _rows(probes, "pg_stat_activity", gaps):
        yield Session(
            pid=one["pid"],
            application=one.get("application_name") or "",
            state=one.get("state") or "",
            wait="/".join(filter(None, (one.get("wait_event_type"), one.get("wait_event")))),
            transaction_s=float(one.get("xact_s") or 0),
            state_s=float(one.get("xact_s") or 0),
            query=one.get("query") or "",
            blocked_by=blocked.get(one["pid"], ()),
        )


def _scans(probes: Probes, sessions: tuple[Session, ...], sizes: Mapping[str, int]) -> Iterator[Scan]:
    """Plans that read a whole table, for statements that were running just then."""
    for plan in (str(value) for name, value in probes.items() if name.startswith("explain")):
        match = _FULL_SCAN.search(plan)
        running = [one for one in sessions if match and f"{match[2]}=" in one.query.replace(" ", "")]
        if match and running:
            yield Scan(
                table=match[1], columns=(match[2],), rows=sizes.get(match[1], 0), query=running[0].query
            )
