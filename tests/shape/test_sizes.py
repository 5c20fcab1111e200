"""Small files, small functions, and no weaker rules than those we agreed on."""

import ast
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from shape.tree import PACKAGE, ROOT, python_files, short, texts

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FILE_LINES, FUNCTION_LINES, COMPLEXITY = 400, 40, 8
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef

files = pytest.mark.parametrize("path", python_files(), ids=short)


@files
def test_a_file_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES


@files
def test_a_function_has_at_most_40_lines(path: Path) -> None:
    """Blank lines between the acts of a story do not count."""
    text = path.read_text(encoding="utf-8")
    filled = [bool(line.strip()) for line in text.splitlines()]
    functions = [one for one in ast.walk(ast.parse(text)) if isinstance(one, FUNCTION)]
    lines = {one.name: sum(filled[one.lineno - 1 : one.end_lineno]) for one in functions}
    assert {name: count for name, count in lines.items() if count > FUNCTION_LINES} == {}


def test_files_that_are_no_python_are_short_too() -> None:
    whole = {"console.css", "incident-config.yaml"}  # one file each, by intent
    pages = [(path, text) for path, text in texts() if path.suffix != ".py" and path.name not in whole]
    long = {short(path): len(text.splitlines()) for path, text in pages}
    assert {name: lines for name, lines in long.items() if lines > FILE_LINES} == {}


def test_ruff_asks_for_everything_at_complexity_8_and_gives_a_reason_for_what_it_leaves_out() -> None:
    lint = PROJECT["tool"]["ruff"]["lint"]
    assert lint["select"] == ["ALL"]
    assert lint["mccabe"]["max-complexity"] == COMPLEXITY
    assert "C901" not in str(lint["ignore"]) + str(lint["per-file-ignores"])
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    left_out = [one for one in lines if one.startswith('    "') and one.split('"')[1] in lint["ignore"]]
    assert len(left_out) == len(lint["ignore"])
    assert [one for one in left_out if "#" not in one] == []


def test_nobody_is_let_off_complexity() -> None:
    mark = "noqa: " + "C901"
    assert [short(path) for path, text in texts() if mark in text] == []


def test_mypy_is_strict_and_warnings_are_errors() -> None:
    assert PROJECT["tool"]["mypy"]["strict"] is True
    assert PROJECT["tool"]["pytest"]["filterwarnings"][0] == "error"


def test_a_package_says_what_it_holds() -> None:
    silent = [
        one for one in PACKAGE.rglob("__init__.py") if not ast.get_docstring(ast.parse(one.read_text()))
    ]
    assert [short(one) for one in silent] == []


def test_test_files_have_names_of_their_own() -> None:
    """Their folders are no packages, so two of one name cannot be collected together."""
    outside = [one for one in python_files() if one.name.startswith("test_") and "tests" in one.parts]
    counts = Counter(one.name for one in outside if not (one.parent / "__init__.py").exists())
    assert [name for name, count in counts.items() if count > 1] == []
