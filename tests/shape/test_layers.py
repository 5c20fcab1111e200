"""The layers hold, and the journey is pure."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from shape.tree import PACKAGE, ROOT, short

PURE = sorted((PACKAGE / "journey").rglob("*.py"))
# What import-linter cannot see: clocks, files and chance that need no import of their own.
IMPURE_CALLS = {"open", "print", "input", "exec", "eval"}
IMPURE_METHODS = {"now", "utcnow", "today"}


def test_the_layers_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(linter), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("path", PURE, ids=short)
def test_the_journey_asks_for_no_time_no_file_and_awaits_nothing(path: Path) -> None:
    found = []
    for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(one, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith | ast.Global):
            found.append(f"{one.lineno}: {type(one).__name__}")
        if isinstance(one, ast.Call):
            match one.func:
                case ast.Name(id=name) if name in IMPURE_CALLS:
                    found.append(f"{one.lineno}: {name}()")
                case ast.Attribute(attr=name) if name in IMPURE_METHODS:
                    found.append(f"{one.lineno}: .{name}()")
    assert found == []
