"""`steadyhand memory`: past incidents come in from files, all or none."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli.terminal import Terminal

from steadyhand.adapters.ledger.sql import open_store
from steadyhand.journey.memory.case import Case

POST_MORTEM = """---
date: 2025-11-03
service: checkout
fault_class: lock_queue
worked: yes
---
# The report that stopped the shop

## Root cause
A report held a lock.
"""


def test_post_mortems_are_imported_listed_and_forgotten(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(POST_MORTEM)
    export = '[{"title": "Pool empty", "date": "2025-01-01", "service": "cart", "cause": "connection leak"}]'
    (tmp_path / "b.json").write_text(export)
    done = terminal.call("memory", "import", str(tmp_path / "a.md"), str(tmp_path / "b.json"))
    assert "2 case(s) imported." in done.stdout, done
    listed = terminal.call("memory", "list").stdout
    assert "lock_queue" in listed
    assert "connection_leak" in listed
    name = listed.split()[0]
    assert terminal.call("memory", "forget", name).stdout.startswith("forgotten")
    assert terminal.call("memory", "forget", name).returncode == 1


def test_one_broken_file_stops_the_whole_import(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(POST_MORTEM)
    (tmp_path / "b.md").write_text("# A title\n\nNothing else.\n")
    done = terminal.call("memory", "import", str(tmp_path / "a.md"), str(tmp_path / "b.md"))
    assert done.returncode == 1
    assert "b.md: date" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_erased_name_is_found_in_no_remembered_case(terminal: Terminal, tmp_path: Path) -> None:
    told = POST_MORTEM.replace(
        "A report held a lock.", "Maria started a report; maria's lock held. Marian saw it."
    )
    (tmp_path / "a.md").write_text(told)
    assert terminal.call("memory", "import", str(tmp_path / "a.md")).returncode == 0
    assert "lock_queue" in terminal.call("memory", "list", "Maria").stdout
    erased = terminal.call("audit", "erase", "Maria")
    assert "taken out of 1 remembered case" in erased.stdout, erased
    left = terminal.call("memory", "list").stdout
    assert "(erased) started a report; (erased)'s lock held. Marian saw it." in left
    assert terminal.call("memory", "list", "lock held").stdout
    assert not terminal.call("memory", "list", "no such words").stdout
    assert terminal.call("audit", "erase", "Maria").returncode == 1


EXPORTED = {"title": "Pool empty", "date": "2025-01-01", "service": "cart", "cause": "connection leak"}


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([EXPORTED, EXPORTED | {"cause": "a lock queue"}], "'2025-01-01-pool-empty' is that of"),
        ([EXPORTED | {"date": "2199-01-01"}], "is still to come"),
        ([EXPORTED | {"cause": "TBD"}], "nobody knows"),
        ([EXPORTED | {"cause": ["a"]}], "cause: must be a text"),
    ],
)
def test_an_import_that_would_mislead_is_refused_and_nothing_is_kept(
    terminal: Terminal, tmp_path: Path, entries: list[dict[str, object]], says: str
) -> None:
    (tmp_path / "b.json").write_text(json.dumps(entries))
    done = terminal.call("memory", "import", str(tmp_path / "b.json"))
    assert (done.returncode, says in done.stderr, "Traceback" in done.stderr) == (1, True, False), done
    assert "Pool empty" not in terminal.call("memory", "list").stdout


@pytest.mark.parametrize(
    ("name", "text"), [("a.json", "[" * 100_000), ("a.md", "---\n" + "[" * 20_000 + "\n---\nx")]
)
def test_what_is_nested_without_an_end_is_refused(
    terminal: Terminal, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    done = terminal.call("memory", "import", str(tmp_path / name))
    assert done.returncode == 1
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_takes_no_place_of_an_incident_that_was_judged_here(
    terminal: Terminal, tmp_path: Path
) -> None:
    """Importing again what was imported is fine; the case of an incident of ours is not its to write."""
    (tmp_path / "a.md").write_text(POST_MORTEM)
    again = [terminal.call("memory", "import", str(tmp_path / "a.md")).returncode for _ in range(2)]
    assert again == [0, 0]
    at = datetime(2025, 1, 1, tzinfo=UTC)
    ours = Case(
        id="inc-7", incident="inc-7", service="cart", title="t", at=at, verdict="confirmed", cause="c"
    )
    store = open_store(None, terminal.home)
    with store.write() as tx:
        tx.keep_case(ours)
    store.close()
    (tmp_path / "b.json").write_text(json.dumps(EXPORTED | {"id": "inc-7"}))
    done = terminal.call("memory", "import", str(tmp_path / "b.json"))
    assert (done.returncode, "'inc-7' is an incident of yours" in done.stderr) == (1, True), done
