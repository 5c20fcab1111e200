"""Diagnose every recorded incident without any model, and say how right it was.

    python bench/capsules.py PATH [--only TEXT] [--pages] [--without SOURCE] [--decoy]

PATH holds capsules (folders with capsule.json). A diagnosis sees only the page of what was known ten
seconds after the first alert; truth is read afterwards, by the scoring part alone. Needs pyarrow.
"""

import argparse
import json
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from capsule_pages import Recording, page_of, read

from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.model import Diagnosis, Hypothesis
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.evidence.model import Change
from steadyhand.journey.topology import Kind, Topology

KINDS: dict[str, Kind] = {"client": "client", "haproxy": "balancer", "redis": "cache", "postgres": "database"}
CLASSES = {  # the recordings' word for a fault -> ours, and where it sits
    "connection_exhaustion": ("connection_leak", "shop"),
    "memory_leak": ("memory_leak", "shop"),
    "runaway_query_lock": ("lock_queue", "postgres"),
    "third_party_timeout": ("third_party_timeout", "payments"),
    "cache_miss_storm": ("cache_loss", "redis"),
    "missing_index": ("missing_index", "postgres"),
}
SAME_INSTANT_S = 1.0
WIDE = "{:22} {:20} {:10} {:7} {:>5} {:>5} {:>7} {:>5} {:>6}"


def with_kinds(folder: Path, topology: Topology) -> Topology:
    """The topology as its owner would configure it: with what each thing is."""
    recorded = json.loads((folder / "topology.json").read_text())["services"]
    outside = {name for name, facts in recorded.items() if facts.get("external")}
    return Topology(
        services=tuple(
            one.model_copy(
                update={
                    "kind": "third_party" if one.name in outside else KINDS.get(one.name, "service"),
                }
            )
            for one in topology.services
        )
    )


def with_decoy(known: Recording) -> Recording:
    """The same night with one more release, a line of copy, 30 s before the alert."""
    decoy = Change(
        id="decoy",
        service="shop",
        kind="code",
        version="2.14.9",
        previous="2.13.4",
        summary="Footer: new year in the copyright line",
        diff="-<small>2025</small>\n+<small>2026</small>",
        started_at=known.alert_at - timedelta(seconds=30),
        finished_at=known.alert_at - timedelta(seconds=28),
    )
    return replace(known, changes=sorted([*known.changes, decoy], key=lambda one: one.started_at))


def scored(folder: Path, found: Diagnosis) -> dict[str, Any]:
    """Truth against the diagnosis: the only place that reads it."""
    truth = json.loads((folder / "truth.json").read_text())
    fault, place = CLASSES[truth["root_cause_class"]]
    injected = truth["fault_injected_at"]
    rank = next((one.rank for one in found.hypotheses if one.cause.fault_class == fault), None)
    top = found.hypotheses[0] if found.hypotheses else None
    return {
        "class": top is not None and top.cause.fault_class == fault,
        "component": top is not None and top.cause.entity == place,
        "culprit": top is not None and top.cause.change_id == culprit_of(folder, injected),
        "onset": top.onset.at.timestamp() - injected if top and top.onset else None,
        "first": min(one["after_s"] for one in truth["onset"].values()),
        "rank": rank,
        "truth": fault,
    }


def culprit_of(folder: Path, injected: float) -> str | None:
    """The change that began at the very instant of the injection, if one did."""
    changes = json.loads((folder / "deployments.json").read_text())
    began = {one["id"]: datetime.fromisoformat(one["started_at"]).timestamp() for one in changes}
    return next((name for name, at in began.items() if abs(at - injected) <= SAME_INSTANT_S), None)


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


def diagnose_recording(known: Recording) -> tuple[Diagnosis, float]:
    """The diagnosis and how many milliseconds it took, the page not counted."""
    page = page_of(known)
    began = time.perf_counter()
    found = diagnose(page, known.topology, DiagnosisRule())
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
        known = read(folder)
        known = replace(
            known, topology=with_kinds(folder, known.topology), **{one: [] for one in given.without}
        )
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
