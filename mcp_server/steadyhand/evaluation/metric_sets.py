"""Cases of the three metric sets: a table of series, a topology, and where there are any, logs and calls."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from steadyhand.evaluation.call_tables import read_calls
from steadyhand.evaluation.case import Case, Inputs, Truth
from steadyhand.evaluation.errors import BadCase
from steadyhand.evaluation.pages import inputs_of, slug
from steadyhand.evaluation.tables import number, rows
from steadyhand.journey.evidence.bearings.observed import Gauge, Kind, Observed, Said
from steadyhand.journey.evidence.bearings.taken import divided
from steadyhand.journey.evidence.model import LogLine, Window
from steadyhand.journey.evidence.patterns.compare import compare
from steadyhand.journey.evidence.patterns.lines import tally_lines

_SUSPECT_S = 300.0  # look back this long before the alert for what went wrong
_FEWEST_STEPS = 2
_RECENT = 5
_WELL_BEFORE_S = 120.0  # the fault: its first minute may already hold some of it
_CALM_PART = 0.6  # of a baseline; fault-free windows come from the rest
_MOST_TEMPLATES = 5_000
_OLDEST_S = 3600.0  # a line older than this has a broken clock
_KINDS: tuple[tuple[str, Kind], ...] = (  # a part of a metric's name -> what it measures
    ("source", "edge_far"),
    ("destination", "edge_near"),
    ("latency", "latency"),
    ("availability", "success"),
    ("successrate", "success"),
    ("requests", "load"),
    ("workload", "load"),
    ("cpu", "cpu"),
    ("memory", "memory"),
)
_LEFT_OUT = frozenset({"p50", "p90"})  # the mean, p95 and p99 say the same
_COUNTED = frozenset({"success", "latency"})  # of so many requests as the load tells
Column = tuple[float | None, ...]


@dataclass(frozen=True)
class Sources:
    """The files of one case, as its case.json names them."""

    about: Mapping[str, Any]
    folder: Path

    @property
    def alert_at(self) -> float:
        """Unix seconds of the alert."""
        return float(self.about["t_alert"])

    @property
    def step(self) -> float:
        """Seconds between samples."""
        return float(self.about["step_s"])

    def shared(self, key: str) -> Path | None:
        """A file that several cases share; None if it is not named or not there."""
        name = self.about.get(key)
        path = self.folder.parent / name if name else None
        return path if path is not None and path.is_file() else None


def read_sources(folder: Path) -> Sources:
    """What a case says of itself. Raises BadCase."""
    path = folder / "case.json"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        return Sources(
            {**about, "t_alert": float(about["t_alert"]), "step_s": float(about["step_s"])}, folder
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadCase(f"{path}: {error!r}") from error


def read_case(folder: Path) -> Case:
    """The case in this folder. Raises BadCase."""
    known = read_sources(folder)

    def look() -> Inputs:
        return inputs_of(observe(known), known.alert_at, known.step)

    return Case(str(known.about["id"]), str(known.about["system"]), look, lambda: _truth(known))


def is_case(path: Path) -> bool:
    """Whether this case.json is of a metric set; others lack a step. Raises BadCase."""
    try:
        return "step_s" in json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadCase(f"{path}: {error}") from error


def calm_cases(root: Path, many: int) -> tuple[Case, ...]:
    """Fault-free windows of each set under `root`: rows of the last part of its baseline, where all is well.

    Each asks as the set's own alerts do, of the same targets in turn, and has neither lines nor calls.
    """
    sets = sorted({path.parent.parent for path in root.rglob("case.json") if is_case(path)})
    return tuple(one for folder in sets for one in _calm_of(folder, many))


def quiet_cases(root: Path) -> tuple[Case, ...]:
    """The minutes before the fault of each open case that has enough of them, with their lines and calls.

    For training: the only cases that need the truth, the instant of the injection, to be made.
    """
    paths = sorted(path.parent for path in root.rglob("case.json") if is_case(path))
    found = (_quiet(folder) for folder in paths if not read_case(folder).kept_aside)
    return tuple(one for one in found if one is not None)


def _quiet(folder: Path) -> Case | None:
    known, case = read_sources(folder), read_case(folder)
    injected = case.reveal().onset
    if injected is None:
        return None
    before = Sources({**known.about, "t_alert": injected - _WELL_BEFORE_S}, folder)
    seen = [float(row["t"]) for row in rows(folder / "metrics.csv.gz")]
    if sum(before.alert_at - _SUSPECT_S < at <= before.alert_at for at in seen) <= _FEWEST_STEPS:
        return None

    def look() -> Inputs:
        return inputs_of(observe(before), before.alert_at, before.step)

    def reveal() -> Truth:
        return Truth(component=None, family="fault-free")

    return Case(f"before-{case.id}", case.system, look, reveal)


def _calm_of(folder: Path, many: int) -> Iterable[Case]:
    known = [read_sources(path.parent) for path in sorted(folder.glob("*/case.json"))]
    targets = list({json.dumps(one.about.get("target")): one for one in known}.values())
    for turn in range(many):
        asked = targets[turn % len(targets)]
        yield _calm_case(asked, turn, (turn + 0.5) / many)


def _calm_case(asked: Sources, number: int, place: float) -> Case:
    def look() -> Inputs:
        return inputs_of(_observe_calm(asked, place), asked.alert_at, asked.step)

    def reveal() -> Truth:
        return Truth(component=None, family="fault-free")

    return Case(f"calm-{number}", str(asked.about["system"]), look, reveal)


def _observe_calm(asked: Sources, place: float) -> Observed:
    """The fault-free window at this place, 0 to 1, of the baseline's last part."""
    arrows = _arrows(asked.shared("topology"))
    columns = _columns(asked.shared("baseline"))
    size = max((len(one) for one in columns.values()), default=0)
    steps = max(_FEWEST_STEPS, round(_SUSPECT_S / asked.step))
    border = round(_CALM_PART * size)
    first = border + round(place * (size - border - steps))
    calm = {name: one[:border] for name, one in columns.items()}
    before, suspect = (
        [{name: _text(one[at]) for name, one in columns.items()} for at in range(since, since + steps)]
        for since in (first - steps, first)
    )
    target, hidden = _target(asked.about.get("target") or {}, arrows, columns)
    return Observed(
        target=target,
        symptom=_kind(str((asked.about.get("target") or {}).get("metric") or ""), None),
        depends_on=arrows,
        gauges=tuple(_gauges(calm, before, suspect, hidden)),
        hidden=hidden,
    )


def _text(value: float | None) -> str:
    return "" if value is None else str(value)


def _truth(known: Sources) -> Truth:
    path = known.folder / "truth.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        fault = str(told["fault"])
        return Truth(
            component=slug(told["service"]),
            family=fault if fault.isidentifier() else f"{known.about['target'].get('metric')} alert",
            onset=told.get("t_inject"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadCase(f"{path}: {error!r}") from error


def observe(known: Sources) -> Observed:
    """What could be seen when the alert came, the samples then in progress included. Raises BadCase."""
    baseline = known.shared("baseline")
    arrows = _arrows(known.shared("topology"))
    table = list(rows(known.folder / "metrics.csv.gz"))
    until = known.alert_at + known.step / 2
    seen = [row for row in table if float(row["t"]) <= until]
    since_at = known.alert_at - max(_SUSPECT_S, _FEWEST_STEPS * known.step / 2)
    suspect = [row for row in seen if float(row["t"]) > since_at]
    calm = _columns(baseline)
    earlier = [row for row in seen if float(row["t"]) <= since_at]
    said, split = _said(known, since_at, until)
    target, hidden = _target(known.about.get("target") or {}, arrows, calm)
    return Observed(
        target=target,
        symptom=_kind(str((known.about.get("target") or {}).get("metric") or ""), None),
        depends_on=arrows,
        gauges=tuple(_gauges(calm, earlier, suspect, hidden)),
        said=said,
        calls=tuple(read_calls(known.shared("baseline_edges"), known.folder / "edges.csv.gz", split, until)),
        hidden=hidden,
    )


@lru_cache(maxsize=8)
def _columns(path: Path | None) -> Mapping[str, Column]:
    """The fault-free table by column; every column has an entry for every row."""
    found: dict[str, list[float | None]] = defaultdict(list)
    for row in rows(path):
        for name, text in row.items():
            if name != "t":
                found[name].append(number(text))
    return {name: tuple(values) for name, values in found.items()}


def _arrows(path: Path | None) -> dict[str, tuple[str, ...]]:
    if path is None:
        return {}
    found: dict[str, list[str]] = defaultdict(list)
    for caller, callee in json.loads(path.read_text(encoding="utf-8"))["edges_caller_callee"]:
        found[slug(caller)].append(slug(callee))
    return {name: tuple(callees) for name, callees in found.items()}


def _target(
    target: Mapping[str, Any], arrows: Mapping[str, tuple[str, ...]], calm: Iterable[str]
) -> tuple[str, frozenset[str]]:
    """Who alerts, and those who are seen from outside only and no vertex of the topology: the users' side."""
    vertices = set(arrows) | {one for many in arrows.values() for one in many}
    users = frozenset(
        name
        for name in {slug(one.split("|")[0]) for one in calm}
        if name not in vertices and name.endswith("-entry")
    )
    name = slug(str(target.get("service") or ""))
    if name in users:
        name = name.removesuffix("-entry")
    return (name if name in vertices else ""), users


def _kind(metric: str, otherwise: Kind | None) -> Kind | None:
    low = metric.lower()
    return next((kind for part, kind in _KINDS if part in low), otherwise)


def _gauges(
    calm: Mapping[str, Column],
    earlier: Sequence[Mapping[str, str]],
    suspect: Sequence[Mapping[str, str]],
    hidden: frozenset[str],
) -> Iterable[Gauge]:
    size = max((len(one) for one in calm.values()), default=0)
    nothing: Column = (None,) * size
    names = sorted(set(calm) | {name for row in suspect for name in row if name != "t"})
    loads = {name.split("|")[0]: name for name in names if _kind(name.split("|")[1], None) == "load"}
    for name in names:
        raw, metric, stat = name.split("|")
        entity = slug(raw)
        if entity in hidden or stat in _LEFT_OUT:
            continue
        kind = _kind(metric, "resource")
        assert kind is not None
        before = tuple(number(row.get(name)) for row in earlier)
        since = tuple(number(row.get(name)) for row in suspect)
        load = loads.get(raw, "") if kind in _COUNTED else ""
        yield Gauge(
            entity=entity,
            kind=kind,
            calm=calm.get(name, nothing) + before,
            since=since,
            other=slug(stat.removeprefix("from:")) if stat.startswith("from:") else "",
            calm_of=calm.get(load, nothing) + tuple(number(row.get(load)) for row in earlier) if load else (),
            since_of=tuple(number(row.get(load)) for row in suspect) if load else (),
            recent=min(_RECENT, len(earlier)),
            mean=stat == "Average",
        )


def _said(known: Sources, since_at: float, until: float) -> tuple[tuple[Said, ...], float]:
    """Kinds of messages, calm and since, and the instant that divides them best.

    The fault-free lines are put right before the case's own.
    """
    own = [
        _line(row)
        for row in rows(known.folder / "logs.csv.gz")
        if until - _OLDEST_S < float(row["t"]) <= until
    ]
    if not own:
        return (), since_at
    earlier = [_line(row) for row in rows(known.shared("baseline_logs"))]
    shift = min(one.at for one in own) - max((one.at for one in earlier), default=own[0].at)
    lines = [*(one.model_copy(update={"at": one.at + shift}) for one in earlier), *own]
    window = Window(start=min(one.at for one in lines), end=datetime.fromtimestamp(until, UTC))
    calm = Window(start=window.start, end=datetime.fromtimestamp(since_at, UTC))
    patterns = compare(tally_lines(lines, window, _MOST_TEMPLATES), window, calm)
    return divided(patterns, window, known.alert_at, since_at)


def _line(row: Mapping[str, str]) -> LogLine:
    level, _, text = row["message"].partition(" ")
    return LogLine(
        at=datetime.fromtimestamp(float(row["t"]), UTC),
        service=slug(row["service"]),
        severity=level,
        message=text or level,
        ref="",
    )
