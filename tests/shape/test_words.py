"""What must not stand in any tracked file."""

import re
from pathlib import Path

import pytest
from shape.tree import ROOT, short, texts, tracked

# Written apart, so that this file does not hold what it looks for.
UNDONE = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")
MACHINE = re.compile(r"(?<![\w.~/$}])/(" + "work|root|home|Users" + r")/\w")
REGISTRY = re.compile(
    "|".join(
        ("pypi\\.org/simp" + "le", "files\\.python" + "hosted", "registry\\.npm" + "js", "artif" + "actory")
    )
)
INDEX = re.compile(r"--(extra-)?index-url \S|--trusted-host \S|https?://\S+/simple")

READ = [(path, text) for path, text in texts() if path.suffix != ".svg"]
read = pytest.mark.parametrize(("path", "text"), READ, ids=[short(path) for path, _ in READ])


@read
def test_nothing_is_left_undone(path: Path, text: str) -> None:
    assert UNDONE.findall(text) == [], path


@read
def test_no_path_of_one_machine(path: Path, text: str) -> None:
    assert [one.group() for one in MACHINE.finditer(text)] == [], path


@read
def test_no_address_of_a_package_registry(path: Path, text: str) -> None:
    assert REGISTRY.findall(text) == [], path


def test_locks_carry_hashes_and_no_index() -> None:
    lock = (ROOT / "requirements" / "dev.txt").read_text()
    assert INDEX.findall(lock) == []
    pins = re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==\S+ (?:; .* )?\\$", lock, re.MULTILINE)
    entries = re.findall(r"^[A-Za-z0-9]", lock, re.MULTILINE)
    assert len(pins) == len(entries) > 50
    assert lock.count("--hash=sha256:") >= len(pins)


def test_no_empty_file_only_keeps_a_folder() -> None:
    assert [short(path) for path, _ in texts() if path.name == ".gitkeep"] == []


def test_nothing_that_is_made_is_kept() -> None:
    made = {"__pycache__", ".venv", ".steadyhand", "dist", "node_modules"}
    kept = [short(path) for path in tracked() if made & set(path.parts) or path.suffix == ".pyc"]
    assert kept == []
