"""Incidents of one's own as cases: seen as they were soon after the alert, judged by what a person said."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from journey.diagnosis.pages import START, TOPOLOGY, at

from steadyhand.adapters.capsules.folder import write_capsule
from steadyhand.evaluation.answers import Answer
from steadyhand.evaluation.case import Case
from steadyhand.evaluation.engines import engine
from steadyhand.evaluation.errors import BadCase
from steadyhand.evaluation.score import Scored, score
from steadyhand.evaluation.sources import find_cases
from steadyhand.journey.evidence.capsule import Capsule, CapsuleTruth
from steadyhand.journey.evidence.model import Change, LogLine, Series

FOUND = CapsuleTruth(
    root_cause_class="connection_leak", component="shop", change="dep-1", fault_injected_at=START.timestamp()
)


def written(folder: Path, truth: CapsuleTruth | None = FOUND, **changes: Any) -> Case:
    times = tuple(START.timestamp() + second for second in range(-300, 121))
    used = tuple(2.0 + second % 3 / 10 if second < 0 else 9.0 + second for second in range(-300, 121))
    labels = {"job": "shop", "state": "in_use"}
    known: dict[str, Any] = {
        "id": "leak-in-shop",
        "source": "told",
        "service": "shop",
        "start": at(-300),
        "end": at(120),
        "first_alert_at": at(30),
        "topology": TOPOLOGY.services,
        "series": (Series(name="shop_pool_connections", labels=labels, times=times, values=used),),
        "lines": (
            LogLine(at=at(35), service="shop", severity="ERROR", message="pool is empty", ref="f:1"),
            LogLine(at=at(90), service="shop", severity="ERROR", message="operator rolls back", ref="f:2"),
        ),
        "changes": (
            Change(id="dep-1", service="shop", kind="code", started_at=at(-2)),
            Change(id="fix-1", service="shop", kind="code", started_at=at(80)),
        ),
        "truth": truth,
    }
    write_capsule(Capsule.model_validate(known | changes), folder / "leak-in-shop")
    [case] = find_cases(str(folder))
    return case


def judged(case: Case, *names: str, fault: str | None = None, change: str | None = None) -> Scored:
    answer = Answer(
        components=names,
        confidence=0.9,
        abstained=not names,
        fault_class=fault,
        change=change,
        onset=at(5).timestamp(),
    )
    return score((case,), lambda _: answer)[0]


def test_a_capsule_is_seen_as_it_was_ten_seconds_after_the_alert(tmp_path: Path) -> None:
    page = written(tmp_path).inputs.page
    seen = page.model_dump_json()
    assert page.window.end == at(40)
    assert "pool is empty" in seen
    assert "rolls back" not in seen
    assert "fix-1" not in seen


def test_who_answers_sees_neither_the_name_nor_the_truth_of_a_capsule(tmp_path: Path) -> None:
    case = written(tmp_path)
    assert "leak-in-shop" not in case.inputs.page.model_dump_json()
    (tmp_path / "leak-in-shop/truth.json").write_text("no JSON at all")
    assert not engine(Case(case.id, case.system, case.look, case.reveal)).tokens


def test_an_answer_is_judged_by_component_change_and_onset_of_the_capsule(tmp_path: Path) -> None:
    case = written(tmp_path)
    right = judged(case, "shop", fault="connection_leak", change="dep-1")
    assert (right.right, right.rank, right.onset_error) == (True, 1, 5.0)
    assert not judged(case, "shop", fault="connection_leak", change="fix-1").right
    assert not judged(case, "orders-db", change="dep-1").right
    assert right.candidates
    assert 1 in right.baselines.values()


def test_where_only_the_class_is_known_the_class_decides(tmp_path: Path) -> None:
    case = written(tmp_path, CapsuleTruth(root_cause_class="memory_leak"))
    assert judged(case, "shop", fault="memory_leak").right
    assert not judged(case, "shop", fault="connection_leak").right
    assert not judged(case).right


@pytest.mark.parametrize("truth", [None, CapsuleTruth(root_cause_class="")])
def test_a_capsule_of_unknown_cause_is_refused_with_what_to_write(
    tmp_path: Path, truth: CapsuleTruth | None
) -> None:
    with pytest.raises(BadCase, match=r"truth\.json: no cause to score by; write root_cause_class"):
        judged(written(tmp_path, truth), "shop")


def files_of_a_recording(folder: Path) -> None:
    """All but the samples of a fault as a lab records it: a deploy of the shop leaks connections."""
    start = START.timestamp()
    alert = {"body": {"alerts": [{"labels": {"service": "shop", "alertname": "Slow"}}]}}
    line = {
        "ts": at(12).isoformat(),
        "source": "shop",
        "level": "ERROR",
        "msg": "pool is empty",
        "route": "/",
    }
    deploy = {"id": "dep-1", "service": "shop", "kind": "code", "started_at": at(0).isoformat()}
    session = {"pid": 7, "application_name": "s1", "state": "idle in transaction", "xact_s": 9}
    about = {"start": start - 60, "first_alert_at": start + 10, "fix_applied_at": start + 40}
    for name, value in {
        "capsule.json": {"id": "night-1", "source": "lab", **about},
        "alerts.jsonl": alert,
        "logs.jsonl": line,
        "deployments.json": [deploy],
        "topology.json": {"edges": [["client", "shop"], ["shop", "postgres"]], "services": {"shop": {}}},
        "probes_at_incident.json": {"pg_stat_activity": [session], "blocking": "timed out"},
        "truth.json": {"root_cause_class": "connection_exhaustion", "fault_injected_at": start + 0.5},
    }.items():
        (folder / name).write_text(json.dumps(value) + "\n")


def recorded(folder: Path) -> Case:
    parquet = pytest.importorskip("pyarrow.parquet", reason="samples in Parquet need pyarrow")
    table = pytest.importorskip("pyarrow").table
    (folder / "night-1").mkdir()
    files_of_a_recording(folder / "night-1")
    seconds = range(-60, 61)
    columns = {
        "ts": [START.timestamp() + one for one in seconds],
        "name": ["shop_pool_connections"] * len(seconds),
        "labels": [json.dumps({"job": "shop", "state": "in_use"})] * len(seconds),
        "value": [1.0 + one % 2 if one < 0 else 10.0 + one for one in seconds],
    }
    parquet.write_table(table(columns), folder / "night-1/metrics.parquet")
    [case] = find_cases(str(folder))
    return case


def test_a_recorded_fault_is_a_case_too(tmp_path: Path) -> None:
    case = recorded(tmp_path)
    seen = case.inputs.page.model_dump_json()
    assert case.inputs.page.window.end == at(20)
    assert "pool is empty" in seen
    assert "night-1" not in seen
    assert judged(case, "shop", fault="connection_leak", change="dep-1").right
    assert not judged(case, "shop", fault="connection_leak").right


def test_a_recording_with_a_broken_file_is_named(tmp_path: Path) -> None:
    case = recorded(tmp_path)
    (tmp_path / "night-1/deployments.json").write_text('[{"id": "dep-1"}]')
    with pytest.raises(BadCase, match=r"night-1: KeyError\('service'\)"):
        _ = case.inputs


def test_a_recording_says_what_it_needs_to_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files_of_a_recording(tmp_path)
    (tmp_path / "metrics.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    [case] = find_cases(str(tmp_path))
    with pytest.raises(BadCase, match=r"metrics\.parquet: reading it needs pyarrow"):
        _ = case.inputs
    assert case.reveal().changes == {"dep-1"}
