"""A case: what a diagnosis may see, apart from what is true."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from steadyhand.journey.evidence.bearings.observed import Gauge
from steadyhand.journey.evidence.model import Change, DatabaseReport, LogLine, Page, Series, Span
from steadyhand.journey.topology import Topology


@dataclass(frozen=True)
class Held:
    """What can be asked for beyond the page, none of it from after the page's end."""

    lines: tuple[LogLine, ...] = ()
    series: tuple[Series, ...] = ()
    changes: tuple[Change, ...] = ()
    databases: tuple[DatabaseReport, ...] = ()
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Inputs:
    """All that existed when the alert arrived."""

    page: Page
    topology: Topology
    gauges: Callable[[], tuple[Gauge, ...]]
    """The series behind the page, for the baselines; made when asked for."""
    held: Callable[[], Held] = Held
    """What the tools answer from; made when asked for."""


@dataclass(frozen=True)
class Truth:
    """The known answer. No method under test ever holds one.

    Any of `equally` is as right as `component`. Cases of one `twin` are judged together too: they
    are alike in all but the cause.

    In a fault-free window all is None: the right answer is to name nobody. Else `component` is None where
    the case does not ask for one, and so are `changes`; empty `changes` say that none is guilty. `onset`
    is in unix seconds.
    """

    component: str | None
    family: str
    fault_class: str | None = None
    changes: frozenset[str] | None = None
    onset: float | None = None
    decoys: frozenset[str] = frozenset()
    equally: frozenset[str] = frozenset()
    twin: str = ""

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong in it."""
        return self.component is None and self.fault_class is None and not self.changes


@dataclass(frozen=True)
class Case:
    """One case. `look` reads its inputs, `reveal` its truth; only the scorer calls the latter."""

    id: str
    system: str
    look: Callable[[], Inputs]
    reveal: Callable[[], Truth]

    @cached_property
    def inputs(self) -> Inputs:
        """What may be seen, read once."""
        return self.look()

    @property
    def kept_aside(self) -> bool:
        """Whether it belongs to the third that nobody looks at before the end: by a hash of its name."""
        digest = hashlib.sha256(f"{self.system}/{self.id}".encode()).digest()
        return int.from_bytes(digest, "big") % 3 == 0
