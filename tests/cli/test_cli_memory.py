"""`steadyhand memory`: past incidents come in from files, all or none."""

from pathlib import Path

from cli.terminal import Terminal

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
