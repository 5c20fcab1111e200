"""A service of its own, started and asked from the terminal."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx2
from cli.terminal import Terminal, typed
from servers import free_port

PORT, OTHER = free_port(), free_port()


def test_one_service_per_home_and_it_says_where_it_is(terminal: Terminal) -> None:
    with terminal.serving(PORT) as said:
        assert f"http://127.0.0.1:{PORT}" in said
        second = terminal.run("serve", "--port", str(OTHER), "--config", str(terminal.config))
        assert second.returncode == 1
        assert f"another Steadyhand service already works on {terminal.home}" in second.stderr
        assert httpx2.get(f"http://127.0.0.1:{PORT}/healthz", trust_env=False).is_success
        detached = terminal.run("serve", "--detach", "--port", str(OTHER), "--config", str(terminal.config))
        assert detached.returncode == 1
        assert "service.log says why" in detached.stderr
    assert not (terminal.home / "service.json").exists()


def test_an_alert_is_told_acknowledged_and_closed_from_the_terminal(terminal: Terminal) -> None:
    assert terminal.run("people", "add", "ana", typed="314159\n").returncode == 0
    with terminal.serving(PORT):
        told = terminal.run("alert", "shop", "it is slow")
        assert told.returncode == 0, told.stderr
        incident = str(json.loads(told.stdout)["incidents"][0])
        again = json.loads(terminal.run("alert", "shop", "it is slow").stdout)
        assert again["incidents"] == [incident]
        name = ("Your name", "ana"), ("PIN", "314159")
        assert incident in typed(terminal, ["incidents"], [*name])
        posts = typed(terminal, ["alerts", incident], [*name])
        assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, terminal, \d+ bytes", posts)
        assert f"ack: {incident}" in typed(terminal, ["ack"], [*name])
        assert "PIN" in typed(terminal, ["ack", "--as", "ana"], [("PIN", "000000")])
        closed = typed(terminal, ["close", "--as", "ana", "--reason", "a drill"], [("PIN", "314159")])
        assert f"close: {incident}" in closed
        assert "no incident is open" in typed(terminal, ["ack", "--as", "ana"], [("PIN", "314159")])
    assert "Closed by ana" in terminal.run("report", incident).stdout
    assert terminal.run("audit", "verify").returncode == 0
    actions = terminal.run("audit", "show", "--incident", incident).stdout
    assert re.search(r" 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d ana \(terminal\) incident.acknowledged", actions)
    log = (terminal.home / "service.log").read_text()
    assert "PAGE ana" in log
    assert f"Steadyhand runs at http://127.0.0.1:{PORT}" in log


def test_a_severity_that_there_is_not_is_refused_before_anything_opens(terminal: Terminal) -> None:
    done = terminal.run("alert", "shop", "it is slow", "--severity", "SEV9")
    assert done.returncode == 2
    assert "'SEV9' is none of SEV1, SEV2, SEV3, SEV4" in done.stderr


def test_a_service_that_is_gone_is_said_so(terminal: Terminal) -> None:
    terminal.home.mkdir()
    (terminal.home / "ingest.token").write_text("t")
    (terminal.home / "service.json").write_text(json.dumps({"url": f"http://127.0.0.1:{OTHER}"}))
    done = terminal.run("alert", "shop", "it is slow")
    assert done.returncode == 1
    assert "the service does not answer" in done.stderr
    assert "it is started by: steadyhand serve" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pin_typed_at_a_terminal_is_asked_for_twice(terminal: Terminal) -> None:
    again = [("New PIN", "pässwörter"), ("Once more", "pässwörter")]
    assert "ana may sign in" in typed(terminal, ["people", "add", "ana"], again)
    assert "the two PINs differ" in typed(
        terminal, ["people", "add", "bo"], [again[0], ("Once more", "passworter")]
    )


def rows(home: Path) -> int:
    with closing(sqlite3.connect(home / "steadyhand.db")) as db:
        return int(db.execute("select count(*) from audit").fetchone()[0])


def test_a_busy_port_leaves_the_trail_as_it_was(terminal: Terminal) -> None:
    terminal.run("people", "add", "ana", typed="314159\n")
    before = rows(terminal.home)
    with terminal.serving(PORT):
        elsewhere = Terminal(terminal.home.parent)
        elsewhere.home = terminal.home.parent / "second"
        done = elsewhere.run("serve", "--port", str(PORT), "--config", str(terminal.config))
        assert f"127.0.0.1:{PORT}" in done.stderr
    assert rows(terminal.home) == before
