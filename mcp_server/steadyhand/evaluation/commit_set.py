"""Cases that ask for the guilty commit: logs, metrics, traces, and the commits and deploys around them."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from steadyhand.evaluation.case import Case, Held, Inputs, Truth
from steadyhand.evaluation.errors import BadCase
from steadyhand.evaluation.pages import slug
from steadyhand.evaluation.tables import number, rows
from steadyhand.journey.evidence.bearings.taken import gauges_of
from steadyhand.journey.evidence.grid import grid_for
from steadyhand.journey.evidence.model import Change, LogLine, Series, Window
from steadyhand.journey.evidence.page import assemble
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.series import signals
from steadyhand.journey.topology import Service, Topology

_CALM_SHARE = 0.5
_DIFF = 4_000
_SHA = 10  # of a commit's name; the whole looks like a secret and would be masked
_SUMMARY = 400


def read_case(folder: Path) -> Case:
    """The case in this folder. Raises BadCase."""
    about = _json(folder / "case.json")
    return Case(str(about["id"]), str(about["system"]), lambda: _look(folder, about), lambda: _truth(folder))


def _json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadCase(f"{path}: {error}") from error


def _truth(folder: Path) -> Truth:
    told = _json(folder / "truth.json")
    guilty = told["root_cause_commit"]
    return Truth(
        component=slug(told["first_failing_service"]) if told.get("first_failing_service") else None,
        family="no guilty commit" if guilty == "none" else "guilty commit",
        changes=frozenset() if guilty == "none" else frozenset({guilty[:_SHA]}),
        decoys=frozenset(one[:_SHA] for one in told.get("decoy_deploy_commits", ())),
    )


def _look(folder: Path, about: Mapping[str, Any]) -> Inputs:
    alert = datetime.fromisoformat(about["t_alert"])
    known = _series(folder, alert)
    said = _lines(folder, alert)
    starts = [one.times[0] for one in known] or [alert.timestamp() - 3600]
    start = datetime.fromtimestamp(min(starts), alert.tzinfo)
    window = Window(start=start, end=alert + timedelta(seconds=1))
    baseline = Window(start=start, end=start + (alert - start) * _CALM_SHARE)
    topology = _topology(folder, {one.labels["service"] for one in known} | {one.service for one in said})
    target = slug(str(about["target"]["service"]))
    changed = _changes(folder, alert)
    page = assemble(
        incident="case",
        service=target,
        window=window,
        baseline=baseline,
        topology=topology,
        lines=said,
        series=known,
        changes=changed,
        alert_at=alert,
        rule=EvidenceRule(max_items=60),
    )
    grid = grid_for(known, window)
    return Inputs(
        page,
        topology,
        lambda: tuple(gauges_of(signals(known, grid, topology, target), topology, baseline)),
        lambda: Held(tuple(said), tuple(known), tuple(changed)),
    )


def _series(folder: Path, alert: datetime) -> list[Series]:
    points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in rows(folder / "metrics.csv.gz"):
        at, value = datetime.fromisoformat(row["timestamp"]), number(row["value"])
        if at <= alert and value is not None:
            points[slug(row["service"]), row["metric"]].append((at.timestamp(), value))
    return [
        Series(
            name=metric.replace(".", "_"),
            labels={"service": service},
            times=tuple(at for at, _ in sorted(samples)),
            values=tuple(value for _, value in sorted(samples)),
        )
        for (service, metric), samples in sorted(points.items())
    ]


def _lines(folder: Path, alert: datetime) -> list[LogLine]:
    path = folder / "logs.ndjson.gz"
    if not path.is_file():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as text:
        records = [json.loads(line) for line in text if line.strip()]
    return [
        LogLine(
            at=at,
            service=slug(one["service"]),
            severity=one.get("severity_text") or "INFO",
            message=one["msg"],
            ref=f"{path.name}:{place}",
        )
        for place, one in enumerate(records, start=1)
        if (at := datetime.fromisoformat(one["timestamp"])) <= alert
    ]


def _topology(folder: Path, names: set[str]) -> Topology:
    """Who calls whom, as the spans tell: the service of a span's parent calls the span's own."""
    path = folder / "traces.json"
    spans: Sequence[Mapping[str, Any]] = _json(path) if path.is_file() else ()
    owners = {one["span_id"]: slug(one["service"]) for one in spans}
    calls: dict[str, set[str]] = defaultdict(set)
    for one in spans:
        caller, callee = owners.get(one.get("parent_id")), slug(one["service"])
        if caller and caller != callee:
            calls[caller].add(callee)
    every = names | set(owners.values())
    return Topology(
        services=tuple(Service(name=one, depends_on=tuple(sorted(calls[one]))) for one in sorted(every))
    )


def _changes(folder: Path, alert: datetime) -> list[Change]:
    return [one for one in (*_deploys(folder), *_flags(folder)) if one.started_at <= alert]


def _deploys(folder: Path) -> Iterator[Change]:
    """Each commit as it was deployed, with its message and diff."""
    commits = {one["sha"]: one for one in _json(folder / "context/commits.json")}
    for one in _json(folder / "context/deploys.json"):
        commit = commits.get(one["commit_sha"], {})
        yield Change(
            id=one["commit_sha"][:_SHA],
            service=slug(one["service"]),
            kind="code",
            version=one.get("version") or "",
            author=commit.get("author") or "",
            summary=(commit.get("message") or "")[:_SUMMARY],
            diff=(commit.get("diff") or "")[:_DIFF],
            started_at=datetime.fromisoformat(one["timestamp"]),
        )


def _flags(folder: Path) -> Iterator[Change]:
    path = folder / "context/flags.json"
    for one in _json(path) if path.is_file() else ():
        yield Change(
            id=f"flag {one['flag']}",
            service=slug(one["service"]),
            kind="flag",
            author=one.get("actor") or "",
            summary=f"{one['flag']}: {one['change']}"[:_SUMMARY],
            started_at=datetime.fromisoformat(one["timestamp"]),
        )
