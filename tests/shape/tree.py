"""The tracked files, as the tests of shape see them."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mcp_server" / "steadyhand"
SKIPPED = {".git", ".venv", ".steadyhand", "__pycache__", "node_modules", "dist", "build"}
FENCE = re.compile(r"^( *)```(\S+)(?: (\S+))?\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@cache
def tracked() -> tuple[Path, ...]:
    """What git holds and the tree still has; without git, what lies in the tree."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "ls-files", "-z"]
        listed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
        found = [ROOT / one for one in listed.split("\0") if one]
        return tuple(one for one in found if one.is_file())
    return tuple(one for one in sorted(ROOT.rglob("*")) if one.is_file() and not SKIPPED & set(one.parts))


@cache
def texts() -> tuple[tuple[Path, str], ...]:
    """Tracked files that people read and write, without vendored ones."""
    found = []
    for path in tracked():
        if "vendor" in path.parts or path.name in {"LICENSE", "dev.txt", "moto.txt", "vendors.txt"}:
            continue
        try:
            found.append((path, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return tuple(found)


def python_files() -> list[Path]:
    return [one for one in tracked() if one.suffix == ".py"]


def documents() -> list[Path]:
    return [one for one in tracked() if one.suffix == ".md" and "vendor" not in one.parts]


def blocks(path: Path, kind: str) -> list[str]:
    """The fenced blocks of a page whose second word says what they are, without their indent."""
    found = []
    for indent, _language, mark, body in FENCE.findall(path.read_text(encoding="utf-8")):
        if mark == kind:
            found.append("".join(line.removeprefix(indent) for line in body.splitlines(keepends=True)))
    return found


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))
