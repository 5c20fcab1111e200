"""A capsule is plain files: what goes in comes out, masked, and nothing later than its end is in it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from journey.diagnosis.pages import START, TOPOLOGY, at

from steadyhand.adapters.capsules.exports import read_changes, read_metrics
from steadyhand.adapters.capsules.folder import read_capsule, read_csv, write_capsule
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.evidence.capsule import Capsule, CapsuleTruth, cut, page_of
from steadyhand.journey.evidence.model import Change, DatabaseReport, LogLine, Series
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.ports import ConfigError

SECRET = "ghp_c4n4ry5ecretc4n4ry5ecret0001"


def series() -> Series:
    times = tuple(START.timestamp() + second for second in range(-120, 61))
    values = tuple(2.0 if second < 0 else 2.0 + second / 4 for second in range(-120, 61))
    labels = {"job": "shop", "state": "in_use", "note": f"token={SECRET}"}
    return Series(name="shop_pool_connections", labels=labels, times=times, values=values)


def capsule(**changes: object) -> Capsule:
    whole = {
        "id": "inc-1",
        "source": "steadyhand inc-1",
        "service": "shop",
        "start": at(-120),
        "end": at(60),
        "first_alert_at": at(30),
        "alerts": (
            Alert(source="a", dedup_key="k", name="Slow", service="shop", status="firing", starts_at=at(30)),
        ),
        "topology": TOPOLOGY.services,
        "lines": (
            LogLine(at=at(20), service="shop", severity="ERROR", message=f"pool empty {SECRET}", ref="f:1"),
            LogLine(at=at(50), service="shop", severity="INFO", message="operator rolls back", ref="f:2"),
        ),
        "series": (series(),),
        "changes": (
            Change(id="dep-1", service="shop", kind="code", started_at=at(-2), finished_at=at(45)),
            Change(id="dep-2", service="shop", kind="code", started_at=at(48)),
        ),
        "databases": (DatabaseReport(database="orders-db", at=at(36)),),
        "truth": CapsuleTruth(root_cause_class="connection_leak", component="shop"),
    }
    return Capsule.model_validate(whole | changes)


def test_what_was_written_is_read_again_without_its_secrets_and_its_truth(tmp_path: Path) -> None:
    write_capsule(capsule(), tmp_path / "inc-1")
    found = read_capsule(tmp_path / "inc-1")
    assert found.truth is None
    assert read_capsule(tmp_path / "inc-1", truth=True).truth == capsule().truth
    assert found.series[0].values == series().values
    assert [one.id for one in found.changes] == ["dep-1", "dep-2"]
    assert found.alerts == capsule().alerts
    everything = "".join(path.read_text() for path in (tmp_path / "inc-1").iterdir())
    assert SECRET not in everything
    assert "pool empty" in everything


def test_a_capsule_never_overwrites_another(tmp_path: Path) -> None:
    write_capsule(capsule(), tmp_path / "one")
    with pytest.raises(ConfigError, match="is not empty"):
        write_capsule(capsule(), tmp_path / "one")


def test_what_came_after_the_cut_is_not_in_it() -> None:
    early = cut(capsule(), at(40))
    assert early.end == at(40)
    assert [one.ref for one in early.lines] == ["f:1"]
    assert max(early.series[0].times) <= at(40).timestamp()
    assert [(one.id, one.finished_at) for one in early.changes] == [("dep-1", None)]


def test_its_page_shows_what_moved_as_of_its_end() -> None:
    page = page_of(cut(capsule(), at(40)), EvidenceRule(lookback=timedelta(minutes=2)))
    assert any(one.entity == "shop" and one.direction == "up" for one in page.items)
    assert all(one.onset is None or one.onset.at <= at(40) for one in page.items)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("capsule.json", '{"schema_version": 9}', "schema_version"),
        ("capsule.json", "{", "is not JSON"),
        ("logs.jsonl", "{}\nnope\n", "line 2"),
        ("metrics.csv", "ts,name,labels,value\n1,a,{},x\n", "line 2"),
        ("metrics.csv", "ts,value\n1,2\n", "no column name"),
        ("changes.json", "{}", "must hold a list"),
        ("changes.json", '[{"id": "x"}]', "changes.0.service"),
    ],
)
def test_a_broken_file_is_named_with_its_place(tmp_path: Path, name: str, text: str, says: str) -> None:
    folder = tmp_path / "one"
    write_capsule(capsule(), folder)
    (folder / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_capsule(folder)
    assert says in str(caught.value)


def test_an_answer_of_query_range_and_a_wide_csv_become_series(tmp_path: Path) -> None:
    metric = {"__name__": "up", "job": "shop"}
    result = [{"metric": metric, "values": [[2, "0"], [1, "1"], [3, "NaN"]]}]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    (tmp_path / "up.json").write_text(json.dumps(answer))
    [one] = read_metrics(tmp_path / "up.json")
    assert (one.name, one.labels, one.times, one.values[:2]) == ("up", {"job": "shop"}, (1, 2, 3), (1, 0))
    (tmp_path / "up.csv").write_text("ts,name,value,job\n1,up,1,shop\n2,up,0,shop\n")
    [same] = read_csv(tmp_path / "up.csv")
    assert (same.name, same.labels, same.values) == ("up", {"job": "shop"}, (1, 0))
    (tmp_path / "bad.json").write_text('{"data": {"resultType": "vector"}}')
    with pytest.raises(ConfigError, match="must be matrix"):
        read_metrics(tmp_path / "bad.json")


def test_changes_are_read_as_the_door_for_changes_takes_them(tmp_path: Path) -> None:
    given = [{"id": "d", "service": "shop", "kind": "code", "started_at": "2026-01-31T02:00:00Z"}]
    (tmp_path / "c.json").write_text(json.dumps(given))
    assert read_changes(tmp_path / "c.json")[0].id == "d"
    (tmp_path / "c.json").write_text('[{"id": "d"}]')
    with pytest.raises(ConfigError, match=r"c\.json: 0\.service"):
        read_changes(tmp_path / "c.json")
