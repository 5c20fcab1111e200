"""What every part of the evidence page needs to know, and what each gives."""

from dataclasses import dataclass, field
from datetime import datetime

from steadyhand.journey.evidence.bearings.observed import Calls, Said
from steadyhand.journey.evidence.clocks import Clocks
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.model import Flag, Item, Window
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.screen import Deviation, Span
from steadyhand.journey.evidence.signal import Signal
from steadyhand.journey.topology import Topology

_SHARES = {"metric": 0.5, "log": 0.25, "database": 0.25, "change": 0.25, "trace": 0.25}


@dataclass(frozen=True, slots=True)
class Part:
    """What one source contributes."""

    items: tuple[Item, ...]
    coverage: str
    moved: tuple[Deviation, ...] = ()
    flags: tuple[Flag, ...] = ()
    signals: tuple[Signal, ...] = ()
    said: tuple[Said, ...] = ()
    calls: tuple[Calls, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """What every part of the page needs to know."""

    service: str
    window: Window
    baseline: Window
    alert_at: datetime
    topology: Topology
    masked: tuple[Span, ...]
    rule: EvidenceRule
    masker: Masker
    clocks: Clocks = field(default_factory=lambda: Clocks(()))

    def room(self, kind: str) -> int:
        """How many items this kind may fill."""
        return int(self.rule.max_items * _SHARES[kind])

    def owned(self, name: str) -> bool:
        """Whether it is a service of ours, from which logs can be expected."""
        service = self.topology.get(name)
        return service is None or service.kind == "service"
