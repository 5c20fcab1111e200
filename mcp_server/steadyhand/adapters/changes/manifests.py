"""The difference of two declared objects, as text: what a rollout of manifests changed."""

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any

_NOISE = frozenset(
    {
        "pod-template-hash",
        "resourceVersion",
        "uid",
        "managedFields",
        "generation",
        "creationTimestamp",
        "status",
    }
)


def difference(before: Iterable[str], after: Iterable[str], old: str, new: str) -> str:
    """A unified diff of lines, with the versions as its names."""
    return "\n".join(difflib.unified_diff(list(before), list(after), old, new, lineterm="", n=2))


def lines_of(one: Mapping[str, Any]) -> list[str]:
    """An object's lines, sorted by key, without what every write of it changes."""
    return json.dumps(_plain(one), indent=1, sort_keys=True, ensure_ascii=False).splitlines()


def _plain(given: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(given, dict):
        return {key: _plain(value) for key, value in given.items() if key not in _NOISE}
    return [_plain(one) for one in given] if isinstance(given, list) else given
