"""`steadyhand capsule`: exported files of last year's incident become a case that can be shown."""

import json
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli.terminal import Terminal
from shape.tree import ROOT, blocks

ALERT = datetime(2025, 11, 3, 9, 12, tzinfo=UTC)
CONFIG = """services:
  - {name: shop, depends_on: [postgres]}
  - {name: postgres, kind: database}
"""


def exported(folder: Path) -> None:
    """Two minutes calm, then a pool that fills, a release before it, and an error."""
    start = ALERT - timedelta(seconds=180)
    points = [[start.timestamp() + n, str(2 if n < 120 else 2 + (n - 120) / 2)] for n in range(180)]
    result = [{"metric": {"__name__": "pool_in_use", "job": "shop"}, "values": points}]
    (folder / "pool.json").write_text(json.dumps({"data": {"resultType": "matrix", "result": result}}))
    lines = [f"{start + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ} INFO request served" for n in range(180)]
    (folder / "shop.log").write_text("\n".join([*lines, f"{ALERT:%Y-%m-%dT%H:%M:%SZ} ERROR pool is empty\n"]))
    release = {"id": "dep-7", "service": "shop", "kind": "code", "version": "2", "previous": "1"}
    began = (start + timedelta(seconds=118)).isoformat()
    (folder / "changes.json").write_text(json.dumps([release | {"started_at": began}]))
    (folder / "config.yaml").write_text(CONFIG)


def test_exported_files_become_a_capsule_that_is_shown(terminal: Terminal, tmp_path: Path) -> None:
    exported(tmp_path)
    config = ["--config", str(tmp_path / "config.yaml")]
    files = ["--metrics", str(tmp_path / "pool.json"), "--logs", f"shop={tmp_path / 'shop.log'}"]
    about = [
        "--service",
        "shop",
        "--alert-at",
        ALERT.isoformat(),
        "--changes",
        str(tmp_path / "changes.json"),
    ]
    folder = str(tmp_path / "last-year")
    done = terminal.call("capsule", "import", folder, *about, *files, "--cause", "connection_leak", *config)
    assert "1 series, 181 log lines, 0 spans, 1 changes" in done.stdout, done
    shown = terminal.call("capsule", "show", folder, *config)
    assert "change dep-7 of shop, 62 s before it" in shown.stdout, shown
    for word in ("None of these: ", "  path: ", "  check: ", "  for: ", "  hurts: "):
        assert word in shown.stdout, word
    assert "pool_in_use" in shown.stdout


def _called(second: float, took_ms: float, number: int) -> str:
    """An export of one request of the shop that asks the database, as a collector writes it."""
    began = int((ALERT.timestamp() + second) * 1e9)
    ended = began + int(took_ms * 1e6)
    span = {"traceId": f"{number:032x}", "startTimeUnixNano": str(began), "endTimeUnixNano": str(ended)}
    peer = [{"key": "peer.service", "value": {"stringValue": "postgres"}}]
    spans = [
        span | {"spanId": f"{1:016x}", "name": "GET /", "kind": 2},
        span
        | {
            "spanId": f"{2:016x}",
            "parentSpanId": f"{1:016x}",
            "name": "SELECT",
            "kind": 3,
            "attributes": peer,
        },
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    export = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    return json.dumps(export) + "\n"


def test_exported_traces_tell_which_call_grew_slow(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    calm = [_called(-1800 + 20 * n, 10, n) for n in range(60)]
    slow = [_called(-50 + 2 * n, 900, 100 + n) for n in range(20)]
    (tmp_path / "traces.jsonl").write_text("".join([*calm, *slow]))
    config, folder = ["--config", str(tmp_path / "config.yaml")], str(tmp_path / "traced")
    about = ["--service", "shop", "--alert-at", ALERT.isoformat(), "--spans", str(tmp_path / "traces.jsonl")]
    done = terminal.call("capsule", "import", folder, *about, *config)
    assert "0 series, 0 log lines, 160 spans" in done.stdout, done
    shown = terminal.call("capsule", "show", folder, *config).stdout
    assert "traces: capsule: 15 calm traces and 20 since" in shown, shown
    assert '"shop" calls "postgres" "SELECT": p95 90 times as long' in shown


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no json\n", "line 1: no OTLP JSON"),
        ("{}\n", "holds none at all"),
        (_called(90_000, 1, 1), "it holds 2"),
    ],
)
def test_a_file_of_traces_that_cannot_be_right_is_refused(
    terminal: Terminal, tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "traces.jsonl").write_text(text)
    about = ["--service", "shop", "--alert-at", ALERT.isoformat(), "--spans", str(tmp_path / "traces.jsonl")]
    done = terminal.call("capsule", "import", str(tmp_path / "x"), *about)
    assert (done.returncode, says in done.stderr, "Traceback" in done.stderr) == (1, True, False), done


def test_a_file_that_is_not_there_is_named(terminal: Terminal, tmp_path: Path) -> None:
    about = ["--service", "shop", "--alert-at", ALERT.isoformat(), "--logs", "shop=/nowhere.log"]
    done = terminal.call("capsule", "import", str(tmp_path / "x"), *about)
    assert done.returncode == 1
    assert "/nowhere.log" in done.stderr
    assert terminal.call("capsule", "import", str(tmp_path / "x")).returncode == 1


def test_the_example_of_the_how_to_becomes_a_capsule_that_is_scored(
    terminal: Terminal, tmp_path: Path
) -> None:
    page = ROOT / "docs/howto/capsules.md"
    for name in ("metrics.csv", "checkout.log", "deploys.json"):
        (tmp_path / name).write_text(blocks(page, name)[0], encoding="utf-8")
    (tmp_path / "config.yaml").write_text("services: [{name: checkout}]\n")
    lines = [one for one in page.read_text(encoding="utf-8").splitlines() if "--until 2025" in one]
    words = [_placed(one, tmp_path) for one in shlex.split(lines[0])[1:]]
    config = ["--config", str(tmp_path / "config.yaml")]
    done = terminal.call(*words, *config)
    assert "1 series, 4 log lines, 0 spans, 1 changes" in done.stdout, done
    shown = terminal.call("capsule", "show", str(tmp_path / "checkout"), *config).stdout
    assert "change deploy-118 of checkout, 110 s before it" in shown
    assert "restarts the service" not in shown
    scored = terminal.call("eval", str(tmp_path)).stdout
    assert "capsules / connection_leak" in scored


def _placed(word: str, folder: Path) -> str:
    """The word of the how-to, with the files it names in this folder."""
    for name in ("./checkout", "metrics.csv", "checkout.log", "deploys.json"):
        word = word.replace(name, str(folder / name))
    return word
