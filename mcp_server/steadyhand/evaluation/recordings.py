"""Faults recorded in a lab: a capsule's older layout, with raw probes of the database and samples in Parquet.

| file | holds |
|---|---|
| `capsule.json` | `id`, `source`, and `start`, `first_alert_at`, `fix_applied_at` in unix seconds |
| `metrics.parquet` | `ts` (unix seconds), `name`, `labels` (JSON), `value` |
| `logs.jsonl`, `alerts.jsonl` | lines as services wrote them; posts of Alertmanager as they came |
| `deployments.json`, `topology.json` | what was changed; `edges` and `services` |
| `probes_at_incident.json` | looks into the database, 6 s after the first alert |
| `truth.json` | `root_cause_class`, `fault_injected_at`: read by `truth_of` alone |
"""

import importlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from steadyhand.evaluation.case import Truth
from steadyhand.evaluation.errors import BadCase
from steadyhand.evaluation.probes import read_probes
from steadyhand.journey.evidence.capsule import Capsule
from steadyhand.journey.evidence.model import Change, LogLine, Series
from steadyhand.journey.topology import Kind, Service

_BEFORE_FIX_S = 0.5
_PROBED_AFTER_S = 6.0
_SAME_INSTANT_S = 1.0
_KINDS: Mapping[str, Kind] = {  # what an operator writes into the configuration
    "client": "client",
    "haproxy": "balancer",
    "redis": "cache",
    "postgres": "database",
}
_CLASSES: Mapping[str, tuple[str, Kind]] = {  # the recordings' word for a fault -> ours, and what has it
    "connection_exhaustion": ("connection_leak", "service"),
    "memory_leak": ("memory_leak", "service"),
    "runaway_query_lock": ("lock_queue", "database"),
    "third_party_timeout": ("third_party_timeout", "third_party"),
    "cache_miss_storm": ("cache_loss", "cache"),
    "missing_index": ("missing_index", "database"),
}
_OF_THE_RECORD = frozenset({"ts", "level", "msg", "message", "source", "service"})


def is_recording(folder: Path) -> bool:
    """Whether the capsule in this folder is of this layout."""
    return (folder / "metrics.parquet").is_file()


def read_recording(folder: Path) -> Capsule:
    """All that was recorded up to the fix, never truth or the fix. Raises BadCase."""
    try:
        return _capsule(folder)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise BadCase(f"{folder}: {error!r}") from error


def truth_of(folder: Path) -> Truth:
    """What was broken on purpose. Raises BadCase."""
    try:
        told = _json(folder / "truth.json")
        fault, kind = _CLASSES[told["root_cause_class"]]
        [place] = [one.name for one in _services(folder) if one.kind == kind]
        injected = float(told["fault_injected_at"])
        began = {one.id: one.started_at.timestamp() for one in _changes(folder)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadCase(f"{folder / 'truth.json'}: {error!r}") from error
    guilty = frozenset(name for name, at in began.items() if abs(at - injected) <= _SAME_INSTANT_S)
    return Truth(component=place, family=fault, fault_class=fault, changes=guilty, onset=injected)


def _json(path: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads(path.read_text(encoding="utf-8"))


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _capsule(folder: Path) -> Capsule:
    about = _json(folder / "capsule.json")
    services = tuple(_services(folder))
    known = {one.name for one in services}
    probed = _instant(about["first_alert_at"] + _PROBED_AFTER_S)
    return Capsule(
        id=about["id"],
        source=about["source"],
        service=_alerting(folder),
        start=_instant(about["start"]),
        end=_instant(about["fix_applied_at"] - _BEFORE_FIX_S),
        first_alert_at=_instant(about["first_alert_at"]),
        topology=services,
        lines=tuple(_lines(folder)),
        series=tuple(one for one in _series(folder) if one.labels.get("job") in known),
        changes=tuple(_changes(folder)),
        databases=(read_probes(_json(folder / "probes_at_incident.json"), probed),),
    )


def _alerting(folder: Path) -> str:
    with (folder / "alerts.jsonl").open(encoding="utf-8") as posts:
        first = json.loads(next(posts, "{}"))
    return str(first["body"]["alerts"][0]["labels"]["service"])


def _series(folder: Path) -> Iterator[Series]:
    path = folder / "metrics.parquet"
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise BadCase(f"{path}: reading it needs pyarrow; install it beside steadyhand") from error
    table = parquet.read_table(path).to_pydict()
    points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for at, name, labels, value in zip(
        *(table[one] for one in ("ts", "name", "labels", "value")), strict=True
    ):
        points[name, labels].append((at, value))
    for (name, labels), samples in sorted(points.items()):
        times, values = zip(*sorted(samples), strict=True)
        yield Series(name=name, labels=json.loads(labels), times=times, values=values)


def _lines(folder: Path) -> Iterator[LogLine]:
    with (folder / "logs.jsonl").open(encoding="utf-8") as text:
        for number, one in enumerate(map(json.loads, text), start=1):
            yield LogLine(
                at=datetime.fromisoformat(one["ts"]),
                service=one["source"],
                severity=one.get("level") or "INFO",
                message=one.get("msg") or one.get("message") or "",
                fields={key: str(value) for key, value in one.items() if key not in _OF_THE_RECORD},
                ref=f"logs.jsonl:{number}",
            )


def _changes(folder: Path) -> Iterator[Change]:
    for one in _json(folder / "deployments.json"):
        finished = one.get("finished_at")
        settings = [f"{key}: {old} -> {new}" for key, (old, new) in one.get("config_changes", {}).items()]
        yield Change(
            id=one["id"],
            service=one["service"],
            kind=one["kind"],
            version=one.get("version") or "",
            previous=one.get("previous") or "",
            author=one.get("author") or "",
            summary=one.get("summary") or "",
            diff=one.get("sql") or "; ".join(settings),
            started_at=datetime.fromisoformat(one["started_at"]),
            finished_at=datetime.fromisoformat(finished) if finished else None,
        )


def _services(folder: Path) -> Iterator[Service]:
    """Services and arrows, with what each is; a service's series are those whose job carries its name."""
    recorded = _json(folder / "topology.json")
    outside = {name for name, facts in recorded["services"].items() if facts.get("external")}
    edges = [(source.split()[0], target.split()[0]) for source, target in recorded["edges"]]
    for name in sorted({name for edge in edges for name in edge}):
        yield Service(
            name=name,
            kind="third_party" if name in outside else _KINDS.get(name, "service"),
            depends_on=tuple(target for source, target in edges if source == name),
            metrics=(f'{{job="{name}"}}',),
        )
