"""Print the evidence page of every recorded incident, and how well it dates and names what happened.

    python bench/capsule_pages.py PATH [--only TEXT]

PATH holds capsules (folders with capsule.json). The page is built only from what was known ten seconds
after the first alert; truth is read afterwards, by the scoring part alone. Needs pyarrow.
"""

import argparse
import json
import time
from pathlib import Path

from steadyhand.evaluation.capsules import as_seen
from steadyhand.evaluation.recordings import read_recording
from steadyhand.journey.evidence.capsule import Capsule, page_of
from steadyhand.journey.evidence.digest import render
from steadyhand.journey.evidence.model import Page
from steadyhand.journey.evidence.rule import EvidenceRule

TRUTH_TITLES = {  # truth's name of a signal -> what the title of the same signal holds
    "client_error_ratio": ("failed share of client_requests_total",),
    "p95_product": ("p95", "route=/product"),
    "p95_orders": ("p95", "route=/orders"),
    "p95_checkout": ("p95", "route=/checkout"),
    "pool_in_use": ("pool_connections", "state=in_use"),
    "pool_waiting": ("pool_waiting",),
    "pool_timeouts": ("pool_timeouts_total",),
    "inflight": ("inflight_requests",),
    "rss_max_mb": ("resident_memory",),
    "session_entries": ("session_entries",),
    "pg_idle_in_tx": ("pg_blocked_idle_in_tx",),
    "pg_blocked_sessions": ("pg_blocked_sessions",),
    "pg_oldest_tx_s": ("oldest_tx_seconds",),
    "pg_seq_tup_read_orders": ("seq_tup_read", "relname=orders"),
    "cache_hit_ratio": ("hit share of shop_cache",),
    "redis_up": ("redis_up",),
    "payment_answers_rps": ("rate of shop_outbound", "target=payments"),
}


def read(folder: Path) -> Capsule:
    """What may be known at the evaluation time."""
    return as_seen(read_recording(folder))


def onset_errors(folder: Path, page: Page) -> dict[str, float]:
    """For each signal truth dates, the page's onset minus truth's in seconds; others are left out.

    Truth is the first sample over a fixed threshold, so a slope's start is rightly some seconds earlier.
    """
    truth = json.loads((folder / "truth.json").read_text())
    errors = {}
    for signal, seen in truth["onset"].items():
        parts = TRUTH_TITLES.get(signal, ())
        item = next((one for one in page.items if parts and all(part in one.title for part in parts)), None)
        if item is not None and item.onset is not None:
            began = item.onset.at.timestamp() - truth["fault_injected_at"]
            errors[signal] = round(began - seen["after_s"], 1)
    return errors


def score(folder: Path, page: Page) -> dict[str, float]:
    """How the page's metric onsets lie around the injection, in seconds, and how many came before it."""
    injected = json.loads((folder / "truth.json").read_text())["fault_injected_at"]
    moved = [one.onset.at.timestamp() - injected for one in page.items if one.kind == "metric" and one.onset]
    return {
        "metric items": len(moved),
        "first after s": min(moved, default=float("nan")),
        "over 1 s before injection": sum(1 for one in moved if one < -1.0),
    }


def main() -> None:
    """Print page and figures of each capsule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--only", default="", help="part of a folder's name")
    parser.add_argument("--quiet", action="store_true", help="figures only")
    given = parser.parse_args()
    for folder in sorted(
        one.parent for one in given.path.glob("*/capsule.json") if given.only in one.parent.name
    ):
        known = read(folder)
        began = time.perf_counter()
        page = page_of(known, EvidenceRule())
        took = time.perf_counter() - began
        text = render(page)
        figures = {**score(folder, page), "ms": 1000 * took, "characters": len(text)}
        print(f"== {folder.name}: " + ", ".join(f"{name} {value:.1f}" for name, value in figures.items()))
        print(f"   onset minus truth, s: {onset_errors(folder, page)}")
        if not given.quiet:
            print(text + "\n")


if __name__ == "__main__":
    main()
