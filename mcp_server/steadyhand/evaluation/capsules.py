"""Cases from capsules: incidents of one's own, as `steadyhand capsule` writes them, and recorded faults."""

from datetime import timedelta
from pathlib import Path

from steadyhand.adapters.capsules.folder import read_capsule
from steadyhand.evaluation import recordings
from steadyhand.evaluation.case import Case, Held, Inputs, Truth
from steadyhand.evaluation.errors import BadCase
from steadyhand.journey.evidence.bearings.taken import gauges_of
from steadyhand.journey.evidence.capsule import Capsule, CapsuleTruth, cut, page_of
from steadyhand.journey.evidence.grid import grid_for
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.series import signals
from steadyhand.journey.topology import Topology

LOOKED_FOR = timedelta(seconds=10)
"""How long the evidence is gathered after the first alert; looks into databases take some seconds."""


def read_case(folder: Path) -> Case:
    """The case in this folder. Raises BadCase; reading its inputs or truth, ConfigError too."""

    def look() -> Inputs:
        return inputs_of(read_folder(folder))

    if recordings.is_recording(folder):
        return Case(folder.name, "recorded faults", look, lambda: recordings.truth_of(folder))
    return Case(folder.name, "capsules", look, lambda: _truth(folder, read_capsule(folder, truth=True).truth))


def read_folder(folder: Path) -> Capsule:
    """The capsule in this folder, whichever of the two layouts it has. Raises ConfigError, BadCase."""
    return recordings.read_recording(folder) if recordings.is_recording(folder) else read_capsule(folder)


def as_seen(whole: Capsule) -> Capsule:
    """What was known `LOOKED_FOR` after the first alert; the capsule's name, which may tell, left out."""
    return cut(whole, whole.first_alert_at + LOOKED_FOR).model_copy(update={"id": "case"})


def inputs_of(whole: Capsule) -> Inputs:
    """What of a capsule may be seen by who answers."""
    capsule = as_seen(whole)
    topology = Topology(services=capsule.topology)
    page = page_of(capsule, EvidenceRule())
    grid = grid_for(capsule.series, page.window)
    return Inputs(
        page,
        topology,
        lambda: tuple(
            gauges_of(signals(capsule.series, grid, topology, capsule.service), topology, page.baseline)
        ),
        lambda: Held(capsule.lines, capsule.series, capsule.changes, capsule.databases, capsule.spans),
    )


def _truth(folder: Path, told: CapsuleTruth | None) -> Truth:
    if told is None or not (told.root_cause_class or told.component or told.change):
        raise BadCase(
            f"{folder / 'truth.json'}: no cause to score by; write root_cause_class, component or change"
        )
    return Truth(
        component=told.component or None,
        family=told.root_cause_class or "of no named class",
        fault_class=told.root_cause_class or None,
        changes=frozenset({told.change}) if told.change else None,
        onset=told.fault_injected_at,
    )
