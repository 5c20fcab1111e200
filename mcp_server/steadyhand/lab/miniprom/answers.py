"""The JSON of Prometheus' HTTP API; sample values are strings, times are unix seconds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from steadyhand.lab.miniprom.evaluate.functions import Points
from steadyhand.lab.miniprom.evaluate.vector import Vector
from steadyhand.lab.miniprom.formats import plain, scientific
from steadyhand.lab.miniprom.labels import Labels
from steadyhand.lab.miniprom.rules import Alert

Json = dict[str, Any]
Track = Sequence[tuple[int, float]]


def success(data: object) -> Json:
    """Wrap a result."""
    return {"status": "success", "data": data}


def failure(kind: str, reason: str) -> Json:
    """Wrap an error, e.g. of kind bad_data."""
    return {"status": "error", "errorType": kind, "error": reason}


def instant_answer(value: float | Vector, at: int) -> Json:
    """Show the result of an instant query."""
    if isinstance(value, float):
        return {"resultType": "scalar", "result": _point(at, value)}
    result = [{"metric": dict(one.labels), "value": _point(at, one.value)} for one in value]
    return {"resultType": "vector", "result": result}


def matrix_answer(tracks: Mapping[Labels, Track]) -> Json:
    """Show several values per series."""
    result = [
        {"metric": dict(labels), "values": [_point(at, value) for at, value in track]}
        for labels, track in sorted(tracks.items())
    ]
    return {"resultType": "matrix", "result": result}


def raw_answer(found: Iterable[tuple[Labels, Points]]) -> Json:
    """Show the samples of a window."""
    return matrix_answer(
        {labels: list(zip(points.times, points.values, strict=True)) for labels, points in found}
    )


def alert_answer(alert: Alert) -> Json:
    """Show a pending or firing alert."""
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state,
        "activeAt": _rfc3339(alert.active_at),
        "value": scientific(alert.value),
    }


def _point(at: int, value: float) -> list[float | str]:
    return [at / 1000, plain(value)]


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
