"""Diagnose every recorded incident without any model, and say how right it was.

    python bench/capsules.py PATH [--only TEXT] [--pages] [--without SOURCE] [--decoy]

PATH holds capsules (folders with capsule.json). A diagnosis sees only the page of what was known ten
seconds after the first alert; truth is read afterwards, by the scoring part alone. Needs pyarrow.
"""

import argparse
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from capsule_pages import read

from steadyhand.evaluation.recordings import truth_of
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.model import Diagnosis, Hypothesis
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.evidence.capsule import Capsule, page_of
from steadyhand.journey.evidence.model import Change
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.topology import Topology
from steadyhand.wiring import playbooks

WIDE = "{:22} {:20} {:10} {:7} {:>5} {:>5} {:>7} {:>5} {:>6}"


def with_decoy(known: Capsule) -> Capsule:
    """The same night with one more release, a line of copy, 30 s before the alert."""
    decoy = Change(
        id="decoy",
        service="shop",
        kind="code",
        version="2.14.9",
        previous="2.13.4",
        summary="Footer: new year in the copyright line",
        diff="-<small>2025</small>\n+<small>2026</small>",
        started_at=known.first_alert_at - timedelta(seconds=30),
        finished_at=known.first_alert_at - timedelta(seconds=28),
    )
    changes = sorted((*known.changes, decoy), key=lambda one: one.started_at)
    return known.model_copy(update={"changes": tuple(changes)})


def scored(folder: Path, found: Diagnosis) -> dict[str, Any]:
    """Truth against the diagnosis: the only place that reads it."""
    truth = truth_of(folder)
    seen = json.loads((folder / "truth.json").read_text())["onset"]
    rank = next((one.rank for one in found.hypotheses if one.cause.fault_class == truth.fault_class), None)
    top = found.hypotheses[0] if found.hypotheses else None
    return {
        "class": top is not None and top.cause.fault_class == truth.fault_class,
        "component": top is not None and top.cause.entity == truth.component,
        "culprit": top is not None and {top.cause.change_id} - {None} == truth.changes,
        "onset": top.onset.at.timestamp() - truth.onset if top and top.onset and truth.onset else None,
        "first": min(one["after_s"] for one in seen.values()),
        "rank": rank,
        "truth": truth.fault_class,
    }


def tell(one: Hypothesis) -> str:
    """One hypothesis in a line."""
    return (
        f"   {one.rank}. {one.confidence:.2f} ({one.score:+.1f}) {one.cause.fault_class} {one.cause.entity}"
        f", change {one.cause.change_id}, for {','.join(one.supports)}, against {','.join(one.contradicts)}"
    )


def row(name: str, found: Diagnosis, score: dict[str, Any]) -> str:
    """One line of the table."""
    top = found.hypotheses[0] if found.hypotheses else None
    return WIDE.format(
        name,
        (top.cause.fault_class if top else "nothing") + ("" if score["class"] else " WRONG"),
        (top.cause.entity if top else "-") + ("" if score["component"] else " WRONG"),
        str(top.cause.change_id if top else None) + ("" if score["culprit"] else " WRONG"),
        f"{top.confidence:.2f}" if found.best else "none",
        f"{found.none_of_these:.2f}",
        "-" if score["onset"] is None else f"{score['onset']:+.1f}",
        f"{score['first']:.0f}",
        str(score["rank"]),
    )


def diagnose_recording(known: Capsule) -> tuple[Diagnosis, float]:
    """The diagnosis and how many milliseconds it took, the page not counted."""
    page = page_of(known, EvidenceRule())
    began = time.perf_counter()
    found = diagnose(page, Topology(services=known.topology), DiagnosisRule(), playbooks=playbooks())
    return found, 1000 * (time.perf_counter() - began)


def main() -> int:
    """Print the table; the exit code says whether there was anything to diagnose."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--only", default="", help="part of a folder's name")
    parser.add_argument("--pages", action="store_true", help="list all hypotheses of each capsule")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=["lines", "databases", "changes"],
        help="hide one source: how well does the rest do?",
    )
    parser.add_argument("--decoy", action="store_true", help="add an innocent release 30 s before the alert")
    given = parser.parse_args()
    folders = sorted(one.parent for one in given.path.glob("*/capsule.json") if given.only in one.parent.name)
    heads = ("capsule", "first", "component", "culprit", "conf", "none", "onset s", "first", "rank")
    print(WIDE.format(*heads) if folders else "no capsules found")
    right = 0
    for folder in folders:
        known = read(folder).model_copy(update=dict.fromkeys(given.without, ()))
        known = with_decoy(known) if given.decoy else known
        found, took = diagnose_recording(known)
        score = scored(folder, found)
        right += score["class"] and score["component"] and score["culprit"]
        print(row(folder.name, found, score) + f" {took:6.1f} ms")
        if given.pages:
            print("\n".join(tell(one) for one in found.hypotheses))
            print(f"   unexplained {','.join(found.unexplained)}; gaps {len(found.data_gaps)}")
    print(f"class, component and culprit right in {right} of {len(folders)}; onset s: after the injection,")
    print("beside the earliest any signal moved by the recording's own truth; conf none: it abstained")
    return 0 if folders else 1


if __name__ == "__main__":
    raise SystemExit(main())
