"""`steadyhand capsule`: any incident as a case that can be replayed, and what it shows."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from steadyhand.adapters.capsules.exports import read_changes, read_metrics
from steadyhand.adapters.capsules.folder import read_capsule, write_capsule
from steadyhand.adapters.channels.terminal import plain
from steadyhand.adapters.logs.files import FileLogs, FileLogSettings
from steadyhand.commands.settings import instant_of
from steadyhand.config import IncidentConfig, default_path, home, load
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.evidence.capsule import Capsule, CapsuleTruth, cut, page_of
from steadyhand.journey.evidence.digest import render
from steadyhand.journey.evidence.model import LogLine, Window
from steadyhand.journey.rule import parse_duration
from steadyhand.journey.topology import Topology
from steadyhand.ports import ConfigError
from steadyhand.responder.investigation.capturing import capture

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported from elsewhere, and what it is about."""

    service: str
    alert_at: str
    until: str = ""
    metrics: Sequence[Path] = ()
    logs: Sequence[str] = ()
    changes: Path | None = None
    cause: str = ""


def record(incident: str, folder: Path, config: Path | None) -> int:
    """Read the sources of one of our incidents once more, into a capsule. Raises ConfigError, LedgerError."""
    known = load(config or default_path())

    async def run() -> Capsule:
        import httpx2  # noqa: PLC0415 - only here is the network used

        from steadyhand.wiring import wire  # noqa: PLC0415

        async with httpx2.AsyncClient() as http:
            return await capture(wire(known, home(), http).outside, incident)

    return _written(asyncio.run(run()), folder)


def bring_in(given: Exported, folder: Path, config: Path | None) -> int:
    """A capsule of exported files. Raises ConfigError that names the file and the place in it."""
    known = load(config or default_path())
    alert = instant_of(given.alert_at)
    series = [one for path in given.metrics for one in read_metrics(path)]
    lines = _logs(given.logs, alert)
    times = [at for one in series for at in one.times]
    instants = [
        alert,
        *(one.at for one in lines),
        *(datetime.fromtimestamp(at, alert.tzinfo) for at in times),
    ]
    capsule = Capsule(
        id=folder.name,
        source="imported",
        service=given.service,
        start=min(instants),
        end=max(instants),
        first_alert_at=alert,
        topology=known.services,
        lines=tuple(lines),
        series=tuple(series),
        changes=read_changes(given.changes) if given.changes else (),
        truth=CapsuleTruth(root_cause_class=given.cause) if given.cause else None,
    )
    until = instant_of(given.until) if given.until else capsule.end
    if until < alert:
        raise ConfigError("--until lies before --alert-at; give the instant at which the fix began")
    return _written(cut(capsule, until), folder)


def _logs(given: Sequence[str], alert: datetime) -> list[LogLine]:
    """Lines of files, each given as SERVICE=FILE, of a day around the alert."""
    files: dict[str, tuple[str, ...]] = {}
    for one in given:
        service, found, path = one.partition("=")
        if not found or not Path(path).is_file():
            raise ConfigError(f"--logs {one}: write SERVICE=FILE, with a file that exists")
        files[service] = (*files.get(service, ()), path)
    if not files:
        return []
    source = FileLogs(FileLogSettings(files=files))
    window = Window(start=alert - _DAY, end=alert + _DAY)
    return list(asyncio.run(source.read(list(files), window)).lines)


def _written(capsule: Capsule, folder: Path) -> int:
    write_capsule(capsule, folder)
    sys.stdout.write(f"{folder}: {_counts(capsule)}\n")
    for gap in capsule.gaps:
        sys.stdout.write(f"  not in it: {plain(gap)}\n")
    return 0


def _counts(one: Capsule) -> str:
    span = (one.end - one.start).total_seconds()
    return (
        f"{one.service}, {span:.0f} s up to {one.end:%Y-%m-%d %H:%M:%S} UTC, {len(one.series)} series, "
        f"{len(one.lines)} log lines, {len(one.changes)} changes, {len(one.databases)} looks into databases"
    )


def show(folder: Path, after: str, config: Path | None) -> int:
    """Print a capsule as an engineer would look at it: what was known, the evidence, the ranked causes."""
    known = load(config or default_path())
    for line in _shown(read_capsule(folder), _span(after), known):
        sys.stdout.write(f"{plain(line)}\n")
    return 0


def _span(text: str) -> timedelta | None:
    if not text:
        return None
    try:
        span = parse_duration(text)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return span if isinstance(span, timedelta) else None


def _shown(whole: Capsule, after: timedelta | None, known: IncidentConfig) -> Iterator[str]:
    capsule = cut(whole, whole.first_alert_at + after) if after is not None else whole
    yield f"{capsule.id} ({capsule.source}): {_counts(capsule)}"
    yield f"first alert at {capsule.first_alert_at:%H:%M:%S} UTC: " + (
        "; ".join(f"{one.name} of {one.service}" for one in capsule.alerts) or "not recorded"
    )
    for one in capsule.changes:
        lag = (capsule.first_alert_at - one.started_at).total_seconds()
        what = f"{one.kind} {one.version} {one.summary}"
        yield f"change {one.id} of {one.service}, {lag:.0f} s before it: {what}"
    page = page_of(capsule, known.evidence)
    yield from render(page).splitlines()
    yield from _causes(diagnose(page, Topology(services=capsule.topology), known.diagnosis))


def _causes(found: Diagnosis) -> Iterator[str]:
    for one in found.hypotheses:
        yield f"{one.confidence:>4.0%} {one.cause.fault_class} of {one.cause.entity}: {one.claim}"
    yield f"{found.none_of_these:>4.0%} none of these ({found.calibrated_on})"
