"""A metric set of three services, written as the public ones are."""

import csv
import gzip
import io
import json
from pathlib import Path

STEP = 60
ALERT = 1_700_000_000


def pack(path: Path, rows: list[list[object]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode()))


def metric_set(root: Path, *, guilty: str = "Stock", name: str = "case-1") -> Path:
    """Front calls Cart calls Stock; two minutes before the alert the guilty one and its callers slow down."""
    shared, case = root / "shared", root / name
    shared.mkdir(parents=True, exist_ok=True)
    case.mkdir()
    chain = ["Front", "Cart", "Stock"]
    heads = ["t", *(f"{one}|latency|Average" for one in chain), *(f"{one}|CpuUsage|" for one in chain)]
    calm = [[at * STEP, *(0.1 + 0.002 * ((at * k) % 7) for k in (1, 2, 3, 4, 5, 6))] for at in range(200)]
    pack(shared / "calm.csv.gz", [heads, *calm])
    (shared / "topology.json").write_text(
        json.dumps({"edges_caller_callee": [["Front", "Cart"], ["Cart", "Stock"]]})
    )
    slow = chain[: chain.index(guilty) + 1]
    rows = [
        [ALERT + at * STEP, *(2.0 if at >= -2 and one in slow else 0.1 for one in chain)]
        + [0.9 if at >= -2 and one == guilty else 0.1 for one in chain]
        for at in range(-8, 3)
    ]
    pack(case / "metrics.csv.gz", [heads, *rows])
    (case / "case.json").write_text(
        json.dumps(
            {
                "id": name,
                "system": "little",
                "t_alert": ALERT,
                "step_s": STEP,
                "target": {"service": "Front", "metric": "latency", "stat": "Average"},
                "baseline": "shared/calm.csv.gz",
                "topology": "shared/topology.json",
                "baseline_edges": "shared/not-there.csv.gz",
            }
        )
    )
    (case / "truth.json").write_text(
        json.dumps({"service": guilty, "fault": "cpu", "t_inject": ALERT - 2 * STEP})
    )
    return case
