"""Cases that ask for the guilty commit."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from steadyhand.evaluation.engines import engine
from steadyhand.evaluation.score import score
from steadyhand.evaluation.sources import find_cases

ALERT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
GUILTY = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"
LATER = "f" * 40


def _at(minutes: float) -> str:
    return (ALERT + timedelta(minutes=minutes)).isoformat()


TOLD = {
    "case.json": {
        "id": "till",
        "system": "commits",
        "t_alert": _at(0),
        "target": {"service": "till", "metric": "http_5xx_ratio"},
    },
    "truth.json": {
        "root_cause_commit": GUILTY,
        "first_failing_service": "till",
        "decoy_deploy_commits": [LATER],
    },
    "context/commits.json": [
        {"sha": sha, "author": "a", "message": text, "diff": diff}
        for sha, text, diff in (
            (GUILTY, "read the price as a number", "-price = Decimal(text)\n+price = int(pricetag)"),
            (LATER, "colours", "-red\n+blue"),
        )
    ],
    "context/deploys.json": [
        {"timestamp": _at(-6), "service": "till", "commit_sha": GUILTY, "version": "2"},
        {"timestamp": _at(2), "service": "till", "commit_sha": LATER, "version": "3"},
    ],
    "context/flags.json": [],
    "traces.json": [],
}


def _folder(root: Path) -> Path:
    """A till that cannot read a price since a release; another release comes after the alert."""
    folder = root / "till"
    (folder / "context").mkdir(parents=True)
    for name, text in TOLD.items():
        (folder / name).write_text(json.dumps(text))
    series = [f"{_at(at)},till,http_5xx_ratio,{0.5 if at >= -5 else 0.002}" for at in range(-60, 5)]
    lines = [
        {
            "timestamp": _at(at / 10),
            "service": "till",
            "severity_text": "ERROR",
            "msg": "bad pricetag in cart",
        }
        for at in range(-50, 40)
    ]
    table = "\n".join(["timestamp,service,metric,value", *series])
    (folder / "metrics.csv.gz").write_bytes(gzip.compress(table.encode()))
    (folder / "logs.ndjson.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    return folder


def test_the_commit_whose_text_speaks_of_the_failure_is_named(tmp_path: Path) -> None:
    _folder(tmp_path)
    (found,) = score(find_cases(str(tmp_path)), engine)
    assert (found.answer.components[0], found.answer.change, found.right) == ("till", GUILTY[:10], True)


def test_nothing_from_after_the_alert_is_on_the_page(tmp_path: Path) -> None:
    _folder(tmp_path)
    (case,) = find_cases(str(tmp_path))
    page = case.inputs.page
    assert [one.facts["change_id"] for one in page.items if one.kind == "change"] == [GUILTY[:10]]
    assert all(one.onset is None or one.onset.at <= ALERT for one in page.items)
