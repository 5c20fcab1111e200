"""`steadyhand capsule import`: what an export may look like, and how a wrong one is refused."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steadyhand.commands.capsule_import import Exported, imported
from steadyhand.config import IncidentConfig
from steadyhand.journey.evidence.capsule import Capsule
from steadyhand.journey.topology import Service
from steadyhand.ports import ConfigError

ALERT = datetime(2025, 11, 3, 9, 12, tzinfo=UTC)
KNOWN = IncidentConfig(
    services=(Service(name="shop", depends_on=("stock",)), Service(name="stock", kind="database"))
)
STAMPS = {
    "json": '{{"ts": "{at:%Y-%m-%dT%H:%M:%SZ}", "level": "error", "msg": "no connection"}}',
    "logfmt": 'ts={at:%Y-%m-%dT%H:%M:%SZ} level=error msg="no connection"',
    "syslog": "{at:%b %e %H:%M:%S} host1 shop[12]: no connection",
    "nginx": '10.0.0.1 - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET / HTTP/1.1" 500 12 "-" "curl/8"',
    "zoneless": "{at:%Y-%m-%d %H:%M:%S} ERROR no connection",
}


def _csv(folder: Path, stamp: str = "{at:.0f}", name: str = "pool.csv") -> Path:
    path = folder / name
    points = [ALERT - timedelta(minutes=40) + timedelta(minutes=n) for n in range(41)]
    rows = (stamp.format(at=one.timestamp(), text=one, ms=one.timestamp() * 1000) for one in points)
    path.write_text("ts,name,job,value\n" + "".join(f"{one},pool_in_use,shop,4\n" for one in rows))
    return path


def _log(folder: Path, written: str) -> Path:
    path = folder / "shop.log"
    path.write_text(
        "".join(written.format(at=ALERT - timedelta(seconds=n)) + "\n" for n in range(90, -1, -1))
    )
    return path


def _imported(known: IncidentConfig = KNOWN, /, **given: object) -> Capsule:
    whole: Mapping[str, object] = {"service": "shop", "alert_at": ALERT.isoformat(), **given}
    return imported(Exported(**whole), "last-year", known, Path("incident.yaml"))  # type: ignore[arg-type]


@pytest.mark.parametrize("form", sorted(STAMPS))
def test_a_log_of_last_year_is_read_in_any_form_though_its_file_was_copied_today(
    form: str, tmp_path: Path
) -> None:
    found = _imported(logs=(f"shop={_log(tmp_path, STAMPS[form])}",))
    assert (len(found.lines), found.lines[-1].at) == (91, ALERT)


def test_stamps_without_a_zone_are_read_in_the_one_that_was_named(tmp_path: Path) -> None:
    path = _log(tmp_path, STAMPS["zoneless"])
    found = _imported(logs=(f"shop={path}",), zone="Europe/Berlin")
    assert found.lines[-1].at == ALERT - timedelta(hours=1)
    assert any("Europe/Berlin" in one for one in found.gaps)


@pytest.mark.parametrize(
    "stamp", ["{at:.0f}", "{ms:.0f}", "{text:%Y-%m-%dT%H:%M:%SZ}", "{text:%Y-%m-%d %H:%M}"]
)
def test_a_csv_may_stamp_in_seconds_milliseconds_or_iso(stamp: str, tmp_path: Path) -> None:
    (series,) = _imported(metrics=(_csv(tmp_path, stamp),)).series
    assert (len(series.times), series.times[-1]) == (41, ALERT.timestamp())


def test_the_cause_may_be_named_by_any_of_its_names_and_with_its_place(tmp_path: Path) -> None:
    path = _csv(tmp_path)
    truth = _imported(metrics=(path,), cause="third-party-timeout", component="stock").truth
    assert truth is not None
    assert (truth.root_cause_class, truth.component) == ("third_party_timeout", "stock")


def test_what_a_diagnosis_will_miss_is_told(tmp_path: Path) -> None:
    found = _imported(IncidentConfig(), logs=(f"shop={_log(tmp_path, STAMPS['json'])}",))
    assert [one.split(":")[0] for one in found.gaps] == ["topology", "calm"]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({}, "nothing to import: give --metrics"),
        ({"service": "till"}, "--service till: incident.yaml knows no such service, only shop, stock"),
        ({"metrics": ["nowhere.csv"]}, "nowhere.csv: there is no such file"),
        ({"logs": ["shop.log"]}, "write SERVICE=FILE"),
        ({"alert_at": "2024-01-01T00:00:00Z", "metrics": ["pool.csv"]}, "it holds 2025-11-03T08:32:00Z to"),
        (
            {"alert_at": "2024-01-01T00:00:00Z", "logs": ["shop=shop.log"]},
            "no line of the day before or after",
        ),
        (
            {"metrics": ["pool.csv"], "cause": "gremlins"},
            "--cause gremlins: no fault class; known are bad_config",
        ),
        ({"metrics": ["pool.csv"], "change": "dep-1"}, "--change dep-1: --changes holds no change"),
        ({"metrics": ["pool.csv"], "component": "till"}, "--component till"),
        ({"metrics": ["pool.csv"], "changes": "one.json"}, "one.json: must hold a list of changes"),
        ({"metrics": ["one.json"]}, "one.json: data.resultType: must be matrix"),
        ({"metrics": ["failed.json"]}, "failed.json: holds no data but an error of Prometheus: too many"),
        ({"metrics": ["shop.log"]}, "or CSV in a file named .csv"),
        ({"metrics": ["wide.csv"]}, "wide.csv: line 1: no column name, ts, value; write ts,name,value"),
        ({"metrics": ["never.csv"]}, "never.csv: line 2: ts 'soon' is neither unix seconds nor like"),
        ({"logs": ["shop=shop.log"], "zone": "Mars"}, "--zone Mars"),
    ],
)
def test_a_wrong_export_is_refused_with_its_place_and_the_way_out(
    given: dict[str, object], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _csv(tmp_path)
    _log(tmp_path, STAMPS["json"])
    (tmp_path / "one.json").write_text("{}")
    (tmp_path / "failed.json").write_text('{"status": "error", "error": "too many samples"}')
    (tmp_path / "wide.csv").write_text("time,pool\n1,2\n")
    (tmp_path / "never.csv").write_text("ts,name,value\nsoon,pool,2\n")
    paths = {
        key: Path(str(value)) if key == "changes" else tuple(map(Path, value))  # type: ignore[call-overload]
        for key, value in given.items()
        if key in {"changes", "metrics"}
    }
    with pytest.raises(ConfigError) as refused:
        _imported(KNOWN, **given | paths)
    assert place in str(refused.value)
