"""Commands that need no running service."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from cli.terminal import CONFIG, Done, Terminal, taken

from steadyhand.cli import main

BUSY = 27_001


def hire(terminal: Terminal, name: str = "ana", pin: str = "314159") -> Done:
    return terminal.call("people", "add", name, typed=pin + "\n")


def plain_failure(done: Done) -> str:
    """One line of ours, no traceback, exit code 1."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("steadyhand: ")
    return done.stderr


# start


def test_the_command_line_is_light_to_import() -> None:
    code = "import sys, steadyhand.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = {
        "mcp",
        "psycopg",
        "sqlalchemy",
        "pydantic",
        "rich",
        "uvicorn",
        "starlette",
        "httpx2",
        "yaml",
        "jinja2",
    }
    assert heavy & {one.partition(".")[0] for one in loaded.split()} == set()


def test_called_wrongly_it_says_how() -> None:
    for words in ([], ["fly"], ["config", "sing"], ["audit", "burn"]):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2


# config


def test_config_check_says_who_is_told_when(terminal: Terminal) -> None:
    at = ("--at", "2026-01-31T03:00:00+01:00", "--service", "shop")
    done = terminal.call("config", "check", "--config", str(terminal.config), *at)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == [
        "When nobody answers a SEV2 of shop that opens at 2026-01-31 02:00 UTC:",
        "  after 0s: on_call by terminal ana (answer within 15m)",
        "  after 15m: lead by terminal bo (answer within 15m)",
        "  after 45m: on_call by terminal ana (answer within 15m)",
        "  after 1h: lead by terminal bo (answer within 15m)",
        "  after 1h30m: last_resort by terminal ana, terminal bo (answer within 15m)",
        "  then every 30m: last_resort again, until somebody answers",
    ]


def test_config_check_names_who_is_on_call_then_and_every_gap(terminal: Terminal) -> None:
    terminal.config.write_text(
        CONFIG.replace("{type: terminal, user: ana}", "{schedule: primary}")
        + """
people:
  - {name: ana, contacts: [{type: terminal, user: ana}, {type: console}]}
  - {name: bo, contacts: [{type: terminal, user: bo}]}
schedules:
  - name: primary
    time_zone: Europe/Berlin
    layers: [{people: [ana, bo], starts: 2026-01-05T09:00, shift: 1d, hours: [{starts: 06:00, ends: 22:00}]}]
"""
    )
    words = ("config", "check", "--config", str(terminal.config), "--severity", "SEV1", "--at")
    day = terminal.call(*words, "2026-01-05T10:00Z").stdout
    assert "after 0s: on_call by ana (terminal ana, then console)" in day
    night = terminal.call(*words, "2026-01-06T23:00Z")
    assert night.returncode == 1
    assert "after 0s: on_call reaches nobody: an error, the next tier is told at once" in night.stdout
    assert "after 0s: lead by terminal bo" in night.stdout
    assert (
        "schedules primary: nobody is on call from 2026-01-06 23:00 to 2026-01-07 05:00 UTC" in night.stdout
    )


@pytest.mark.parametrize("at", ["soon", "2026-01-31T03:00:00"])
def test_an_instant_that_is_none_is_a_plain_failure(terminal: Terminal, at: str) -> None:
    words = ("config", "check", "--config", str(terminal.config), "--at", at)
    assert "write it like 2026-01-31T02:00:00Z" in plain_failure(terminal.call(*words))


def test_config_check_says_when_a_severity_wakes_nobody_else(terminal: Terminal) -> None:
    done = terminal.call("config", "check", "--severity", "SEV3", "--config", str(terminal.config))
    assert done.stdout.splitlines()[2:] == [
        "  after 0s: on_call by terminal ana (answer within 4h)",
        "  then nobody: this severity does not escalate by itself",
    ]


def test_config_check_finds_what_would_reach_nobody(terminal: Terminal) -> None:
    terminal.config.write_text(
        CONFIG.replace("type: terminal, user: bo", "type: sms, user: bo") + "goals: {x: []}\n"
    )
    done = terminal.call("config", "check", "--config", str(terminal.config))
    assert done.returncode == 1
    assert "PROBLEM: escalation tiers, tier lead: connections.channels has no sms" in done.stdout
    assert "PROBLEM: goals.x: no such service" in done.stdout
    terminal.config.write_text("")
    done = terminal.call("config", "check", "--config", str(terminal.config))
    assert "nobody is woken" in done.stdout


def test_config_check_says_when_nobody_can_approve(terminal: Terminal) -> None:
    words = ("config", "check", "--config", str(terminal.config))
    note = "NOTE: nobody can approve a fix yet: steadyhand people add NAME --role approver"
    assert terminal.run("people", "add", "eve", "--role", "viewer", typed="314159\n").returncode == 0
    assert note in terminal.call(*words).stdout
    assert terminal.run("people", "add", "ana", typed="314159\n").returncode == 0
    assert note not in terminal.call(*words).stdout


def test_config_show_prints_what_can_be_read_again(terminal: Terminal) -> None:
    shown = terminal.call("config", "show", "--config", str(terminal.config)).stdout
    terminal.config.write_text(shown)
    assert terminal.call("config", "show", "--config", str(terminal.config)).stdout == shown


def test_a_wrong_configuration_is_a_plain_failure_that_names_the_key(terminal: Terminal) -> None:
    terminal.config.write_text("canary: {shares: 1}")
    for words in (["config", "check"], ["serve"]):
        found = plain_failure(terminal.run(*words, "--config", str(terminal.config)))
        assert "canary.shares: no such key" in found
    assert "No such file" in plain_failure(terminal.call("config", "check", "--config", "nowhere.yaml"))


# people


def test_a_person_is_added_with_a_pin_from_standard_input_that_is_not_kept(terminal: Terminal) -> None:
    assert hire(terminal).stdout == "ana may sign in as approver.\n"
    assert terminal.call("people", "list").stdout == "ana (approver)\n"
    with closing(sqlite3.connect(terminal.home / "steadyhand.db")) as db:
        stored = str(
            db.execute("select * from person").fetchall() + db.execute("select * from audit").fetchall()
        )
    assert "314159" not in stored
    assert "person.saved" in terminal.call("audit", "show").stdout


@pytest.mark.parametrize("name", ["", "a:b", " ana", "policy", "x\ny", "model"])
def test_a_name_nobody_could_sign_in_with_or_that_is_ours_is_refused(terminal: Terminal, name: str) -> None:
    plain_failure(hire(terminal, name))


def test_a_short_pin_and_no_pin_are_refused_and_nobody_is_added(terminal: Terminal) -> None:
    for pin in ("12345", ""):
        assert "at least 6" in plain_failure(hire(terminal, pin=pin))
    assert terminal.call("people", "list").stdout == "Nobody yet: steadyhand people add NAME\n"


def test_any_letters_make_a_pin(terminal: Terminal) -> None:
    assert hire(terminal, pin="pässwörter").returncode == 0


def test_the_home_is_for_its_owner_alone(terminal: Terminal) -> None:
    hire(terminal)
    assert terminal.home.stat().st_mode & 0o077 == 0


# audit and report


def test_audit_verify_says_how_many_rows_hold_and_their_head(terminal: Terminal) -> None:
    hire(terminal)
    terminal.call("audit", "export", "--to", str(terminal.home / "out"))
    head = json.loads((terminal.home / "out" / "trail.jsonl").read_text().splitlines()[-1])["hash"]
    done = terminal.call("audit", "verify")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"The trail holds: 2 rows, head {head}.",
        "No checkpoint: a tail that was cut off would not show.",
    ]


@pytest.mark.parametrize("statement", ["update audit set actor = 'eve'", "update audit set body = 'x'"])
def test_audit_verify_fails_when_a_row_was_changed(terminal: Terminal, statement: str) -> None:
    hire(terminal)
    with closing(sqlite3.connect(terminal.home / "steadyhand.db")) as db, db:
        db.execute("drop trigger audit_no_update")
        db.execute(statement)
    done = terminal.call("audit", "verify")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "TAMPERED: row 1 was changed after it was written\n"


def test_without_a_store_there_is_nothing_to_verify_and_none_is_made(terminal: Terminal) -> None:
    for words in (["audit", "verify"], ["report", "inc-1"]):
        assert "there is no store" in plain_failure(terminal.call(*words))
    assert not terminal.home.exists()


def test_a_report_of_an_unknown_incident_says_so(terminal: Terminal) -> None:
    hire(terminal)
    assert "there is no incident inc-9" in plain_failure(terminal.call("report", "inc-9"))


# answers, without a service or a person


@pytest.mark.parametrize("verb", ["approve", "reject", "ack", "abort", "close", "incidents"])
def test_without_a_terminal_nobody_answers_for_a_person(terminal: Terminal, verb: str) -> None:
    assert "typed at a terminal, by a person" in plain_failure(terminal.call(verb))
    assert "typed at a terminal, by a person" in plain_failure(
        terminal.call(verb, "--as", "ana", typed="314159\n")
    )


def test_an_alert_without_a_service_says_how_to_start_one(terminal: Terminal) -> None:
    assert "steadyhand serve" in plain_failure(terminal.call("alert", "shop", "it is slow"))


def test_a_word_too_many_is_answered_with_the_usage_of_its_own_command(terminal: Terminal) -> None:
    done = terminal.run("close", "inc-1", "done by hand")
    assert done.returncode == 2
    assert "usage: steadyhand close" in done.stderr
    assert "unrecognized arguments: done by hand" in done.stderr


# serve


def test_a_busy_port_is_named_with_the_way_out_and_the_store_is_left_alone(terminal: Terminal) -> None:
    with taken(BUSY):
        done = terminal.run("serve", "--port", str(BUSY), "--config", str(terminal.config))
    found = plain_failure(done)
    assert f"127.0.0.1:{BUSY}" in found
    assert "--port" in found
    assert "listen.port" in found


@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_port_that_is_none_is_refused(terminal: Terminal, port: str) -> None:
    assert "port" in plain_failure(terminal.run("serve", f"--port={port}", "--config", str(terminal.config)))


def test_a_home_that_cannot_be_made_is_a_plain_failure(terminal: Terminal) -> None:
    terminal.home.write_text("a file stands here")
    plain_failure(terminal.run("serve", "--port", str(BUSY), "--config", str(terminal.config)))
    plain_failure(hire(terminal))
