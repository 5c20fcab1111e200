"""The pages that show each promise with its test name tests that exist."""

import ast
import re

import pytest
from shape.tree import ROOT

PAGES = {
    name: (ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("lost-pages", "promises", "connectors", "diagnosis-promises")
}
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
FILES = [file for text in PAGES.values() for file in re.findall(r"`(tests/[\w/]+\.py)`", text)]


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_every_row_of_a_table_names_a_test(text: str) -> None:
    rows = [one for one in text.splitlines() if one.startswith("| ")][1:]
    assert len(rows) == len(NAMED.findall(text)) >= 7


@pytest.mark.parametrize(("file", "name"), [one for text in PAGES.values() for one in NAMED.findall(text)])
def test_the_test_of_each_promise_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    assert name in {one.name for one in ast.walk(tree) if isinstance(one, functions)}


@pytest.mark.parametrize("file", FILES)
def test_the_model_that_is_named_exists(file: str) -> None:
    assert (ROOT / file).is_file()
