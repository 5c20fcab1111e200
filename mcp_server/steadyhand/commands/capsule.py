"""`steadyhand capsule`: any incident as a case that can be replayed, and what it shows."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from steadyhand.adapters.capsules.folder import write_capsule
from steadyhand.adapters.channels.terminal import plain
from steadyhand.commands.capsule_import import Exported, imported
from steadyhand.config import IncidentConfig, default_path, home, load
from steadyhand.evaluation.capsules import read_folder
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.evidence.capsule import Capsule, cut, page_of
from steadyhand.journey.evidence.digest import render
from steadyhand.journey.evidence.model import Page
from steadyhand.journey.rule import parse_duration
from steadyhand.journey.topology import Topology
from steadyhand.ports import ConfigError
from steadyhand.responder.investigation.capturing import capture
from steadyhand.tools.telling import tell_diagnosis
from steadyhand.wiring import playbooks


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
    path = config or default_path()
    return _written(imported(given, folder.resolve().name, load(path), path), folder)


def _written(capsule: Capsule, folder: Path) -> int:
    write_capsule(capsule, folder)
    sys.stdout.write(f"{folder}: {_counts(capsule)}\n")
    for gap in capsule.gaps:
        sys.stdout.write(f"  note: {plain(gap)}\n")
    return 0


def _counts(one: Capsule) -> str:
    span = (one.end - one.start).total_seconds()
    return (
        f"{one.service}, {span:.0f} s up to {one.end:%Y-%m-%d %H:%M:%S} UTC, {len(one.series)} series, "
        f"{len(one.lines)} log lines, {len(one.spans)} spans, {len(one.changes)} changes, "
        f"{len(one.databases)} looks into databases"
    )


def show(folder: Path, after: str, config: Path | None) -> int:
    """Print a capsule of either layout: what was known, the evidence, the ranked causes."""
    known = load(config or default_path())
    for line in _shown(read_folder(folder), _span(after), known):
        indent = " " * (len(line) - len(line.lstrip(" ")))
        sys.stdout.write(f"{indent}{plain(line)}\n")
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
    yield from tell_diagnosis(_diagnosed(page, capsule, known), None).splitlines()


def _diagnosed(page: Page, capsule: Capsule, known: IncidentConfig) -> Diagnosis:
    topology, shelf = Topology(services=capsule.topology), playbooks(known.playbooks)
    return diagnose(page, topology, known.diagnosis, playbooks=shelf)
