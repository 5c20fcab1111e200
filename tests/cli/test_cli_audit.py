"""`steadyhand audit`: verify, export and erase, as an auditor and an operator use them."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from cli.terminal import Done, Terminal
from ledger.shelf import NOW, opening

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.config import load
from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.commands import Record
from steadyhand.responder.engine.sealing import signed
from steadyhand.store import Person
from steadyhand.wiring import checkpoint_key

ANA = Record(
    action="plan.approved", actor="ana", actor_kind="human", via="console", body={"reason": "ana agrees"}
)


@pytest.fixture
def store(terminal: Terminal) -> SqlLedger:
    """Two incidents, some rows, and one checkpoint after the fifth."""
    terminal.home.mkdir()
    ledger = SqlLedger(terminal.home / "steadyhand.db")
    with ledger.write() as tx:
        tx.save_person(Person(name="ana", role="approver", pin_hash="x", locked_until=NOW))
        for wanted, service in (("inc-1", "shop"), ("inc-2", "pay")):
            tx.save(*opening(wanted, service), NOW)
        tx.record("inc-1", ANA, NOW)
    seal(terminal, ledger)
    with ledger.write() as tx:
        tx.record("inc-1", Record(action="rollout.started", body={"rollout": "roll-1"}), NOW)
        tx.record("", Record(action="sign_in.refused"), NOW)
    return ledger


def seal(terminal: Terminal, ledger: SqlLedger) -> None:
    key = checkpoint_key(load(terminal.config), terminal.home)
    with ledger.write() as tx:
        point = signed(tx.audit.join(NOW), key)
    with (terminal.home / "checkpoints.jsonl").open("a") as file:
        file.write(json.dumps(point) + "\n")


def tamper(terminal: Terminal, *statements: str) -> None:
    with closing(sqlite3.connect(terminal.home / "steadyhand.db")) as db, db:
        for verb in ("update", "delete"):
            db.execute(f"drop trigger audit_no_{verb}")
        for one in statements:
            db.execute(one)


def checked(folder: Path, *key: str) -> Done:
    """The export, verified on its own: isolated, without site packages, without us."""
    command = [sys.executable, "-I", "-S", str(folder / "verify.py"), *key]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/", env={})


# verify


def test_verify_tells_how_much_the_checkpoints_vouch_for(terminal: Terminal, store: SqlLedger) -> None:
    done = terminal.call("audit", "verify", "--config", str(terminal.config))
    assert done.returncode == 0, done.stdout
    assert "The trail holds: 6 rows" in done.stdout
    assert "1 checkpoints, the last at row 4; 2 rows after it." in done.stdout


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "delete from audit where seq > 3",
            "the end is missing: row 3 is the last, a checkpoint vouches for row 4",
        ),
        ("update audit set actor = 'eve' where seq = 3", "row 3 was changed"),
        ("delete from audit where seq = 2", "row 2 is missing"),
    ],
)
def test_verify_finds_what_was_done_to_the_store(
    terminal: Terminal, store: SqlLedger, statement: str, words: str
) -> None:
    tamper(terminal, statement)
    done = terminal.call("audit", "verify", "--config", str(terminal.config))
    assert (done.returncode, done.stdout.partition(": ")[0]) == (1, "TAMPERED")
    assert words in done.stdout


def test_a_forged_checkpoint_and_one_of_another_key_are_found(terminal: Terminal, store: SqlLedger) -> None:
    path = terminal.home / "checkpoints.jsonl"
    point = json.loads(path.read_text())
    path.write_text(json.dumps(point | {"at": 1}) + "\n")
    done = terminal.call("audit", "verify", "--config", str(terminal.config))
    assert "the signature of the checkpoint of row 4 is wrong" in done.stdout
    path.write_text(json.dumps(point) + "\n")
    done = terminal.call("audit", "verify", "--key", "ab" * 32, "--config", str(terminal.config))
    assert "was signed with another key" in done.stdout


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            ["verify", "--checkpoints", "/nowhere/points"],
            "--checkpoints /nowhere/points: there is no such file",
        ),
        (["verify", "--key", "zz"], "--key zz: a public key is 64 hexadecimal digits"),
        (["show", "--incident", "nope"], "no row of the trail is about an incident 'nope'"),
        (["erase"], "whose name? steadyhand audit erase NAME"),
    ],
)
def test_what_was_mistyped_is_said_and_never_taken_for_a_trail_that_holds(
    terminal: Terminal, store: SqlLedger, given: list[str], words: str
) -> None:
    done = terminal.call("audit", *given, "--config", str(terminal.config))
    assert done.returncode != 0
    assert words in done.stderr
    assert "TAMPERED" not in done.stdout
    assert "holds" not in done.stdout


def test_an_export_is_not_called_tampered_because_of_a_key_that_is_none(
    terminal: Terminal, store: SqlLedger, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    words = ("--incident", "inc-1", "--to", str(folder), "--config", str(terminal.config))
    assert terminal.call("audit", "export", *words).returncode == 0
    done = checked(folder, "deadbeef")
    assert done.returncode == 2
    assert "deadbeef is no public key: that is 64 hexadecimal digits. Nothing was checked." in done.stdout


def test_from_a_checkpoint_only_what_follows_is_read(terminal: Terminal, store: SqlLedger) -> None:
    words = ("audit", "verify", "--from", "4", "--config", str(terminal.config))
    assert terminal.call(*words).returncode == 0
    tamper(terminal, "update audit set actor = 'eve' where seq = 3")
    assert terminal.call(*words).returncode == 0  # vouched for, and so believed
    with closing(sqlite3.connect(terminal.home / "steadyhand.db")) as db, db:
        db.execute("update audit set actor = 'eve' where seq = 5")
    assert "row 5 was changed" in terminal.call(*words).stdout


def test_a_start_that_is_no_checkpoint_is_a_plain_failure(terminal: Terminal, store: SqlLedger) -> None:
    done = terminal.call("audit", "verify", "--from", "99", "--config", str(terminal.config))
    assert (done.returncode, done.stdout) == (1, "")
    assert "99 is neither a file with a checkpoint" in done.stderr


# export


def exported(terminal: Terminal, *words: str) -> Path:
    folder = terminal.home / "out"
    done = terminal.call("audit", "export", "--to", str(folder), *words, "--config", str(terminal.config))
    assert done.returncode == 0, done.stderr
    assert f"python -I {folder}" in done.stdout
    return folder


def public(terminal: Terminal) -> str:
    return (terminal.home / "audit.pub").read_text().strip()


@pytest.mark.parametrize("words", [(), ("--incident", "inc-1")], ids=["whole", "one incident"])
def test_an_export_proves_itself_without_us(
    terminal: Terminal, store: SqlLedger, words: tuple[str, ...]
) -> None:
    folder = exported(terminal, *words)
    done = checked(folder, public(terminal))
    assert (done.returncode, done.stdout, done.stderr) == (0, "The export holds, signed by your key.\n", "")
    assert "not confirmed" in checked(folder).stdout
    assert checked(folder, "ab" * 32).returncode == 1


def test_an_export_of_one_incident_holds_no_row_and_no_name_of_another(
    terminal: Terminal, store: SqlLedger
) -> None:
    folder = exported(terminal, "--incident", "inc-1")
    rows = [Entry.model_validate_json(one) for one in (folder / "trail.jsonl").read_text().splitlines()]
    assert {one.incident for one in rows} == {"inc-1"}
    assert [one.action for one in rows] == ["incident.opened", "plan.approved", "rollout.started"]
    people = [json.loads(one)["name"] for one in (folder / "people.jsonl").read_text().splitlines()]
    assert people == ["ana"]


@pytest.mark.parametrize("name", ["trail.jsonl", "joints.jsonl", "checkpoints.jsonl", "people.jsonl"])
def test_a_changed_letter_in_any_file_of_an_export_is_found(
    terminal: Terminal, store: SqlLedger, name: str
) -> None:
    folder = exported(terminal, "--incident", "inc-1")
    text = (folder / name).read_text()
    letter = text.index('"hash":"') + 8 if name != "people.jsonl" else text.index('"name":"') + 8
    other = "b" if text[letter] != "b" else "c"
    (folder / name).write_text(text[:letter] + other + text[letter + 1 :])
    done = checked(folder, public(terminal))
    assert (done.returncode, done.stdout.partition(":")[0]) == (1, "TAMPERED")


def test_rows_left_out_of_an_export_are_missed(terminal: Terminal, store: SqlLedger) -> None:
    folder = exported(terminal, "--incident", "inc-1")
    lines = (folder / "trail.jsonl").read_text().splitlines(keepends=True)
    for kept in (lines[:-1], lines[1:], [lines[0], *lines[2:]], lines[::-1], []):
        (folder / "trail.jsonl").write_text("".join(kept))
        assert checked(folder, public(terminal)).returncode == 1


def test_an_unknown_incident_has_no_export(terminal: Terminal, store: SqlLedger) -> None:
    done = terminal.call("audit", "export", "--incident", "inc-9", "--config", str(terminal.config))
    assert (done.returncode, done.stderr) == (1, "steadyhand: the trail has no incident inc-9\n")


# erase


def test_an_erased_name_is_gone_from_show_and_export_and_all_still_holds(
    terminal: Terminal, store: SqlLedger
) -> None:
    assert "ana" in terminal.call("audit", "show", "--config", str(terminal.config)).stdout
    assert terminal.call("audit", "erase", "ana", "--config", str(terminal.config)).returncode == 0
    shown = terminal.call("audit", "show", "--config", str(terminal.config)).stdout
    assert "(erased) agrees" in shown
    assert " ana " not in shown
    assert terminal.call("audit", "verify", "--config", str(terminal.config)).returncode == 0
    folder = exported(terminal, "--incident", "inc-1")
    assert checked(folder, public(terminal)).returncode == 0
    assert "ana" not in (folder / "people.jsonl").read_text()
    done = terminal.call("audit", "erase", "ana", "--config", str(terminal.config))
    assert "no row of the trail names ana" in done.stderr
