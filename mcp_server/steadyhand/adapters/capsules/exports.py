"""Exports of other systems as parts of a capsule: Prometheus answers, CSV, traces, changes."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from steadyhand.adapters.capsules.folder import read_csv
from steadyhand.adapters.traces.otlp import Export, spans_of
from steadyhand.journey.evidence.model import Change, Series, Span
from steadyhand.journey.rule import explain_validation
from steadyhand.ports import ConfigError

_CHANGES = TypeAdapter(tuple[Change, ...])


def read_metrics(path: Path) -> tuple[Series, ...]:
    """Series of a CSV file, or of an answer of Prometheus' `query_range`. Raises ConfigError."""
    if path.suffix == ".csv":
        return read_csv(path)
    try:
        answer = _json(path)
    except ConfigError as error:
        raise ConfigError(
            f"{error}; metrics are answers of query_range, or CSV in a file named .csv"
        ) from error
    data = answer.get("data", answer) if isinstance(answer, dict) else None
    if isinstance(answer, dict) and answer.get("error"):
        raise ConfigError(f"{path}: holds no data but an error of Prometheus: {answer['error']}")
    if not isinstance(data, dict) or data.get("resultType") != "matrix":
        raise ConfigError(f"{path}: data.resultType: must be matrix, as query_range answers it")
    return tuple(_matrix(one, index, path) for index, one in enumerate(data.get("result", ())))


def _matrix(one: Any, index: int, path: Path) -> Series:  # noqa: ANN401 - JSON
    try:
        labels = {str(key): str(value) for key, value in one["metric"].items()}
        points = sorted((float(at), float(value)) for at, value in one["values"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path}: data.result[{index}]: no series: {error!r}") from error
    name = labels.pop("__name__", path.stem)
    return Series(
        name=name,
        labels=labels,
        times=tuple(at for at, _ in points),
        values=tuple(value for _, value in points),
    )


def read_spans(path: Path) -> tuple[Span, ...]:
    """Spans of OTLP JSON, one export a line as the collector writes it, or one in all. Raises ConfigError."""
    text = path.read_text(encoding="utf-8")
    try:
        return tuple(spans_of(Export.model_validate_json(text).resources))
    except ValidationError:
        return tuple(
            span for number, one in enumerate(text.splitlines(), 1) for span in _spans(one, number, path)
        )


def _spans(text: str, number: int, path: Path) -> tuple[Span, ...]:
    try:
        return tuple(spans_of(Export.model_validate_json(text).resources)) if text.strip() else ()
    except ValidationError as error:
        raise ConfigError(
            f"{path}: line {number}: no OTLP JSON; write one export a line, as the collector does"
        ) from error


def read_changes(path: Path) -> tuple[Change, ...]:
    """A list of changes as `POST /changes` takes them. Raises ConfigError that names file and key."""
    found = _json(path)
    if not isinstance(found, list):
        raise ConfigError(f"{path}: must hold a list of changes, as POST /changes takes them")
    try:
        return _CHANGES.validate_python(found)
    except ValidationError as error:
        raise ConfigError(explain_validation(error, str(path))) from error


def _json(path: Path) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from error
