"""A capsule as a folder of plain files: JSON, JSON lines and CSV, so that anybody can read and make one.

| file | holds |
|---|---|
| `capsule.json` | `schema_version`, `id`, `source`, `service`, `gaps`, and `start`, `end`, `first_alert_at` |
| `alerts.jsonl` | one alert a line |
| `logs.jsonl` | `at`, `service`, `severity`, `message`, `fields`, `ref` |
| `metrics.csv` | `ts` (unix seconds), `name`, `labels` (JSON), `value` |
| `spans.jsonl` | `trace`, `id`, `parent`, `service`, `operation`, `start`, `duration_ms`, `failed`, `peer` |
| `changes.json`, `databases.json` | lists of what was changed and of looks into databases |
| `topology.json` | `services`, as in incident-config.yaml |
| `truth.json` | what it was, by a person's word: to be kept from whatever is under test |
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from steadyhand.journey.evidence.capsule import Capsule, masked
from steadyhand.journey.evidence.model import Series
from steadyhand.journey.rule import Value, explain_validation
from steadyhand.ports import ConfigError

SCHEMA_VERSION = 1
_HEAD = {"schema_version", "id", "source", "service", "start", "end", "first_alert_at", "gaps"}
_COLUMNS = ("ts", "name", "labels", "value")
_LATEST_S = 1e11  # the year 5138: what is later is in milliseconds


def write_capsule(capsule: Capsule, folder: Path) -> None:
    """Write it masked into a folder that must not exist or be empty. Raises ConfigError, OSError."""
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; a capsule goes into a folder of its own")
    folder.mkdir(parents=True, exist_ok=True)
    safe = masked(capsule)
    _json(folder / "capsule.json", safe.model_dump(mode="json", include=_HEAD))
    _lines(folder / "alerts.jsonl", safe.alerts)
    _lines(folder / "logs.jsonl", safe.lines)
    _lines(folder / "spans.jsonl", safe.spans)
    _json(folder / "changes.json", [one.model_dump(mode="json") for one in safe.changes])
    _json(folder / "databases.json", [one.model_dump(mode="json") for one in safe.databases])
    _json(folder / "topology.json", {"services": [one.model_dump(mode="json") for one in safe.topology]})
    with (folder / "metrics.csv").open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(_COLUMNS)
        rows.writerows(_samples(safe.series))
    if safe.truth is not None:
        _json(folder / "truth.json", safe.truth.model_dump(mode="json"))


def read_capsule(folder: Path, *, truth: bool = False) -> Capsule:
    """Read a capsule; its truth only where asked for. Raises ConfigError that names file and key."""
    head = _load(folder / "capsule.json")
    if not isinstance(head, dict) or head.get("schema_version") != SCHEMA_VERSION:
        raise ConfigError(f"{folder / 'capsule.json'}: schema_version: this release reads {SCHEMA_VERSION}")
    topology = _load(folder / "topology.json") if (folder / "topology.json").is_file() else {}
    given = {
        **head,
        "alerts": list(_load_lines(folder / "alerts.jsonl")),
        "lines": list(_load_lines(folder / "logs.jsonl")),
        "spans": list(_load_lines(folder / "spans.jsonl")),
        "changes": _load_list(folder / "changes.json"),
        "databases": _load_list(folder / "databases.json"),
        "topology": topology.get("services", ()),
        "series": read_csv(folder / "metrics.csv") if (folder / "metrics.csv").is_file() else (),
        "truth": _load(folder / "truth.json") if truth and (folder / "truth.json").is_file() else None,
    }
    try:
        return Capsule.model_validate(given)
    except ValidationError as error:
        raise ConfigError(explain_validation(error, str(folder))) from error


def read_csv(path: Path) -> tuple[Series, ...]:
    """Series of a CSV with `ts`, `name`, `value` and `labels` as JSON; other columns are labels too.

    `ts` is unix seconds, or as other tools export it: milliseconds, or ISO 8601. Raises ConfigError that
    names file and line.
    """
    points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as source:
        rows = csv.DictReader(source)
        missing = {"ts", "name", "value"} - set(rows.fieldnames or ())
        if missing:
            wanted = "write ts,name,value and labels as JSON, or a column for each label"
            raise ConfigError(f"{path}: line 1: no column {', '.join(sorted(missing))}; {wanted}")
        for row in rows:
            try:
                at, value = _seconds(row["ts"]), float(row["value"])
                labels = json.loads(row.get("labels") or "{}")
                labels |= {key: text for key, text in row.items() if key not in _COLUMNS and text}
            except (ValueError, TypeError) as error:
                raise ConfigError(f"{path}: line {rows.line_num}: {error}") from error
            points[row["name"], json.dumps(labels, sort_keys=True)].append((at, value))
    return tuple(_series(name, labels, found) for (name, labels), found in sorted(points.items()))


def _seconds(text: str) -> float:
    """Unix seconds of a stamp. Raises ValueError."""
    try:
        number = float(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"ts {text!r} is neither unix seconds nor like 2026-01-31T02:00:00Z") from None
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    seconds = number / 1000 if number > _LATEST_S else number
    if not 0 <= seconds <= _LATEST_S:
        raise ValueError(f"ts {text!r} is no time in unix seconds or milliseconds")
    return seconds


def _series(name: str, labels: str, found: list[tuple[float, float]]) -> Series:
    ordered = sorted(found)
    known = {key: str(value) for key, value in json.loads(labels).items()}
    return Series(
        name=name,
        labels=known,
        times=tuple(at for at, _ in ordered),
        values=tuple(value for _, value in ordered),
    )


def _samples(series: Sequence[Series]) -> Iterator[tuple[object, ...]]:
    for one in series:
        labels = json.dumps(one.labels, sort_keys=True)
        for at, value in zip(one.times, one.values, strict=True):
            yield at, one.name, labels, value


def _json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _lines(path: Path, values: Iterable[Value]) -> None:
    path.write_text("".join(f"{one.model_dump_json()}\n" for one in values), encoding="utf-8")


def _load(path: Path) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is not there; `steadyhand capsule import` makes a capsule") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from error


def _load_list(path: Path) -> list[Any]:
    found = _load(path) if path.is_file() else []
    if not isinstance(found, list):
        raise ConfigError(f"{path}: must hold a list")
    return found


def _load_lines(path: Path) -> Iterator[Any]:
    if not path.is_file():
        return
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            yield json.loads(text)
        except ValueError as error:
            raise ConfigError(f"{path}: line {number} is not JSON: {error}") from error
