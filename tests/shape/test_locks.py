"""What the lock must say so that it still installs once its packages have newer releases."""

import re
from importlib.metadata import PackageNotFoundError, requires

from shape.tree import ROOT

_LOCKED = re.compile(r"^([a-z0-9-]+)(\[[a-z0-9,-]+\])?==", re.MULTILINE)
_WANTED = re.compile(r"^([A-Za-z0-9._-]+)\[([A-Za-z0-9._,-]+)\]([^;]*)$")


def test_a_package_wanted_with_an_extra_is_locked_with_it() -> None:
    # An older pip looks for "coverage[toml]" past the pin of "coverage", and has no hash for what it finds.
    locked = dict(_LOCKED.findall((ROOT / "requirements/dev.txt").read_text(encoding="utf-8")))
    bare = [
        f"{name} wants {found[0]}"
        for name in locked
        for wanted in _requirements(name)
        if (found := _WANTED.match(wanted)) and not locked.get(found[1].lower().replace("_", "-"), "[?]")
    ]
    assert bare == []


def _requirements(name: str) -> list[str]:
    """What an installed package always needs; what it needs elsewhere only, or for an extra, has a marker."""
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []
