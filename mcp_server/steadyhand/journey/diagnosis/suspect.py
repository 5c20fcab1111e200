"""What might be wrong, before it is weighed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from steadyhand.journey.diagnosis.model import Check, EntityKind, Remediation
from steadyhand.journey.diagnosis.scene import Scene

if TYPE_CHECKING:  # a signal is about a suspect
    from steadyhand.journey.diagnosis.signals.signal import Signal


@dataclass(frozen=True)
class Suspect:
    """One mechanism at one place. `facts` name its details; `change` is set if a change is the suspect."""

    entity: str
    kind: EntityKind
    facts: Mapping[str, str] = field(default_factory=dict)
    change: str | None = None


@dataclass(frozen=True)
class Mechanism:
    """A way things break: where to look for it, what brings it, what mends it, how to check it.

    What speaks for and against it, and how much, stands in the table of weights under its name; what a
    playbook adds to it in `hints`, with `told_apart` by the names of its look-alikes. `claim` and `checks`
    are templates over the cause's facts and `entity`. `deepest` says that it is of the deepest one that is
    sick: it yields to whatever is named of those the suspect calls.
    """

    name: str
    suspects: Callable[[Scene], tuple[Suspect, ...]]
    claim: str
    checks: tuple[Check, ...]
    brought_by: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    remediation: Remediation = "none"
    remediation_of_change: Remediation | None = None
    playbook: str | None = None
    hints: Mapping[str, "Hint"] = field(default_factory=dict)
    told_apart: Mapping[str, str] = field(default_factory=dict)
    deepest: bool = False


@dataclass(frozen=True)
class Hint:
    """A symptom of a playbook as a signal, and how much it says when it is seen, beside the others."""

    signal: "Signal"
    worth: float
