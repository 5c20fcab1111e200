"""An export of the first release that had them, over a store of the first schema: it still verifies.

Both folders were written once, by the exporter of that release: `whole` is the trail with four rows of the
first format in it, `incident` is inc-1 alone. Nobody can write them again.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from steadyhand.commands.exports import verifier

KEPT = Path(__file__).with_name("first_export")
KEY = "4b9a6e4e69564f5a7cc2641c2a01156564e70a3f36d454976e1fe763ad5a0e0e"
Rows = list[dict[str, object]]


@pytest.fixture(params=["whole", "incident"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of it, with the script that today's release would hand out."""
    to = tmp_path / str(request.param)
    shutil.copytree(KEPT / str(request.param), to)
    (to / "verify.py").write_text(verifier(), encoding="utf-8")
    return to


def verdict(folder: Path, key: str = KEY) -> tuple[int, str]:
    """By the script alone, on a Python that knows nothing of us."""
    command = [sys.executable, "-I", "-S", str(folder / "verify.py"), key]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_it_holds_by_the_script_of_today(folder: Path) -> None:
    assert verdict(folder) == (0, "The export holds, signed by your key.\n")


def flipped(rows: Rows) -> Rows:
    return [*rows[:-2], {**rows[-2], "body": {"plan": "plan-2"}}, rows[-1]]


def deleted(rows: Rows) -> Rows:
    return [*rows[:-2], rows[-1]]


def reordered(rows: Rows) -> Rows:
    return [*rows[:-3], rows[-2], rows[-3], rows[-1]]


def inserted(rows: Rows) -> Rows:
    return [*rows[:-1], rows[-2], rows[-1]]


def truncated(rows: Rows) -> Rows:
    return rows[:-1]


def old_row_flipped(rows: Rows) -> Rows:
    return [{**rows[0], "actor": "somebody"}, *rows[1:]]


@pytest.mark.parametrize("harm", [flipped, deleted, reordered, inserted, truncated, old_row_flipped])
def test_what_was_done_to_it_is_found(folder: Path, harm: Callable[[Rows], Rows]) -> None:
    trail = folder / "trail.jsonl"
    rows = [json.loads(one) for one in trail.read_text(encoding="utf-8").splitlines()]
    text = "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in harm(rows))
    trail.write_text(text, encoding="utf-8")
    code, said = verdict(folder)
    assert (code, said.startswith("TAMPERED: ")) == (1, True), said


def test_every_single_changed_letter_of_its_rows_is_found(folder: Path) -> None:
    """Of each row one letter, a different place in each."""
    spoiled = folder / "trail.jsonl"
    lines = spoiled.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        at = line.index('"hash":"') + 8 + number
        other = "0" if line[at] != "0" else "1"
        changed = [*lines[:number], line[:at] + other + line[at + 1 :], *lines[number + 1 :]]
        spoiled.write_text("\n".join(changed) + "\n", encoding="utf-8")
        assert verdict(folder)[0] == 1, number


def test_another_key_does_not_vouch_for_it(folder: Path) -> None:
    assert verdict(folder, "0" * 64)[0] == 1
