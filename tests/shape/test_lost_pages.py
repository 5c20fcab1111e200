"""The page of lost pages names tests that exist."""

import ast
import re

import pytest
from shape.tree import ROOT

TEXT = (ROOT / "docs" / "reference" / "lost-pages.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", TEXT)
FILES = re.findall(r"`(tests/[\w/]+\.py)`", TEXT)


def test_every_row_of_the_table_names_a_test() -> None:
    rows = [one for one in TEXT.splitlines() if one.startswith("| ")][1:]
    assert len(rows) == len(NAMED) >= 7


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_test_of_each_lost_page_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}


@pytest.mark.parametrize("file", FILES)
def test_the_model_that_is_named_exists(file: str) -> None:
    assert (ROOT / file).is_file()
