"""`steadyhand capsule import`: exported files of any incident become a case, or are refused with a reason."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from steadyhand.adapters.capsules.exports import read_changes, read_metrics, read_spans
from steadyhand.adapters.logs.files import FileLogs, FileLogSettings
from steadyhand.commands.settings import instant_of
from steadyhand.config import IncidentConfig
from steadyhand.journey.diagnosis.mechanisms import MECHANISMS
from steadyhand.journey.evidence.capsule import Capsule, CapsuleTruth, cut
from steadyhand.journey.evidence.model import Change, LogLine, Series, Span, Window
from steadyhand.journey.rule import explain_validation
from steadyhand.ports import ConfigError, SourceError
from steadyhand.wiring import playbooks

_DAY = timedelta(days=1)
_CALM = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported from elsewhere, and what it is about."""

    service: str
    alert_at: str
    until: str = ""
    metrics: Sequence[Path] = ()
    logs: Sequence[str] = ()
    spans: Sequence[Path] = ()
    zone: str = "UTC"
    changes: Path | None = None
    cause: str = ""
    component: str = ""
    change: str = ""


def imported(given: Exported, name: str, known: IncidentConfig, config: Path) -> Capsule:
    """The capsule of exported files, up to the fix. Raises ConfigError: the place and the way out."""
    alert = instant_of(given.alert_at)
    _known_service("--service", given.service, known, config)
    if not (given.metrics or given.logs or given.spans):
        raise ConfigError("nothing to import: give --metrics FILE.., --logs SERVICE=FILE.., --spans FILE..")
    series = [one for path in given.metrics for one in _metrics(path, alert)]
    lines, gaps = _logs(given, alert, known, config)
    spans = [one for path in given.spans for one in _traces(path, alert)]
    changes = read_changes(_there("--changes", given.changes)) if given.changes else ()
    instants = [alert, *(one.at for one in lines), *(one.start for one in spans), *_times(series)]
    capsule = Capsule(
        id=name,
        source="imported",
        service=given.service,
        start=min(instants),
        end=max(instants),
        first_alert_at=alert,
        topology=known.services,
        lines=tuple(lines),
        series=tuple(series),
        spans=tuple(spans),
        changes=changes,
        gaps=(*gaps, *_strangers(spans, known, config), *_lacking(known, config, min(instants), alert)),
        truth=_truth(given, changes, known, config),
    )
    until = instant_of(given.until) if given.until else capsule.end
    if until < alert:
        raise ConfigError("--until lies before --alert-at; give the instant at which the fix began")
    return cut(capsule, until)


def _known_service(option: str, name: str, known: IncidentConfig, config: Path) -> None:
    names = [one.name for one in known.services]
    if names and name not in names:
        raise ConfigError(f"{option} {name}: {config} knows no such service, only {', '.join(names)}")


def _there(option: str, path: Path) -> Path:
    if not path.is_file():
        raise ConfigError(f"{option} {path}: there is no such file")
    return path


def _metrics(path: Path, alert: datetime) -> Sequence[Series]:
    """The series of a file, of which some samples must lie in the day before the alert."""
    found = read_metrics(_there("--metrics", path))
    times = list(_times(found))
    if not times:
        raise ConfigError(f"--metrics {path}: it holds no sample")
    if not any(alert - _DAY <= one <= alert for one in times):
        raise ConfigError(
            f"--metrics {path}: no sample of the day before --alert-at {alert:%Y-%m-%dT%H:%M:%SZ}; "
            f"it holds {min(times):%Y-%m-%dT%H:%M:%SZ} to {max(times):%Y-%m-%dT%H:%M:%SZ}"
        )
    return found


def _traces(path: Path, alert: datetime) -> Sequence[Span]:
    """The spans of a file, of which some must lie in the day before the alert."""
    found = read_spans(_there("--spans", path))
    if not any(alert - _DAY <= one.start <= alert for one in found):
        span = f"it holds {len(found)}" if found else "it holds none at all"
        raise ConfigError(
            f"--spans {path}: no span of the day before --alert-at {alert:%Y-%m-%dT%H:%M:%SZ}; {span}"
        )
    return found


def _strangers(spans: Sequence[Span], known: IncidentConfig, config: Path) -> Iterator[str]:
    """Services of traces that nobody is called here: their calls join nothing."""
    ours = {one.name for one in known.services}
    others = sorted({one.service for one in spans} - ours)
    if ours and others:
        yield f"spans: {config} names no {', '.join(others)}; name them under services: as the traces do"


def _times(series: Sequence[Series]) -> Iterator[datetime]:
    return (datetime.fromtimestamp(at, UTC) for one in series for at in one.times)


def _logs(
    given: Exported, alert: datetime, known: IncidentConfig, config: Path
) -> tuple[list[LogLine], Sequence[str]]:
    """Lines of a day around the alert, by SERVICE=FILE; and what of them was not read or assumed."""
    lines: list[LogLine] = []
    gaps: list[str] = []
    for one in given.logs:
        service, found, path = one.partition("=")
        if not found or not Path(path).is_file():
            raise ConfigError(f"--logs {one}: write SERVICE=FILE, with a file that exists")
        _known_service("--logs", service, known, config)
        read, untold = _log(one, service, path, given.zone, alert)
        lines += read
        gaps += untold
    return sorted(lines, key=lambda line: line.at), gaps


def _log(
    option: str, service: str, path: str, zone: str, alert: datetime
) -> tuple[Sequence[LogLine], Sequence[str]]:
    window = Window(start=alert - _DAY, end=alert + _DAY)
    try:
        settings = FileLogSettings(files={service: (path,)}, zone=zone)
    except ValidationError as error:
        raise ConfigError(explain_validation(error, f"--zone {zone}")) from error
    try:
        # a copied file was written when it was copied, which says nothing of a stamp without a year
        source = FileLogs(settings, written_at=window.end + _DAY)
        report = asyncio.run(source.read([service], window))
    except SourceError as error:
        raise ConfigError(f"--logs {option}: {error}") from error
    if not report.lines:
        why = "; ".join(report.gaps) or f"no line of the day before or after {alert:%Y-%m-%dT%H:%M:%SZ}"
        raise ConfigError(f"--logs {option}: {why}")
    return report.lines, (*report.gaps, *(f"assumed: {one}" for one in report.assumptions))


def _lacking(known: IncidentConfig, config: Path, start: datetime, alert: datetime) -> Iterator[str]:
    """What a diagnosis will miss."""
    if not known.services:
        yield (
            f"topology: {config} names no services, so nobody knows who calls whom, and a cause in a "
            "database or provider cannot be named; list them under services: and give --config FILE"
        )
    if alert - start < _CALM:
        minutes = (alert - start).total_seconds() / 60
        yield f"calm: only {minutes:.0f} min before the alert; at least half an hour tells what is normal"


def _truth(
    given: Exported, changes: Sequence[Change], known: IncidentConfig, config: Path
) -> CapsuleTruth | None:
    """What it turned out to be; a word that no answer could ever match is refused."""
    if not (given.cause or given.component or given.change):
        return None
    if given.component:
        _known_service("--component", given.component, known, config)
    if given.change and given.change not in [one.id for one in changes]:
        raise ConfigError(f"--change {given.change}: --changes holds no change of this id")
    return CapsuleTruth(
        root_cause_class=_fault_class(given.cause) if given.cause else "",
        component=given.component,
        change=given.change,
    )


def _fault_class(cause: str) -> str:
    """The class by any of its names, as hypotheses name it."""
    shelf = playbooks()
    classes = sorted({*shelf.mechanisms, *(one.name for one in MECHANISMS)})
    found = shelf.find(cause)
    if found is None and cause not in classes:
        raise ConfigError(
            f"--cause {cause}: no fault class; known are {', '.join(classes)}. "
            "For a fault of no known class leave it out and give --component"
        )
    return found.mechanism if found else cause
