"""Templates of alert labels and annotations: `{{ $value }}` and `{{ $labels.name }}`, nothing else."""

import re
from collections.abc import Mapping

from steadyhand.lab.miniprom.formats import general

_ACTION = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_LABEL = re.compile(r"\$labels\.([a-zA-Z_][a-zA-Z0-9_]*)")


def check(text: str) -> None:
    """Raise ValueError, naming the action, when a template holds one that is not covered."""
    for action in _ACTION.findall(text):
        if action != "$value" and not _LABEL.fullmatch(action):
            raise ValueError(f"mini-prom does not cover the template action {{{{ {action} }}}}")


def expand(text: str, labels: Mapping[str, str], value: float) -> str:
    """Return the text with its actions replaced; an unknown label is empty."""
    return _ACTION.sub(lambda action: _replacement(action[1], labels, value), text)


def _replacement(action: str, labels: Mapping[str, str], value: float) -> str:
    label = _LABEL.fullmatch(action)
    return labels.get(label[1], "") if label else general(value)
