"""Everything the responder works with, handed to it once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from steadyhand.journey.diagnosis.playbook import Shelf
from steadyhand.journey.escalation.handmade import ShiftChange
from steadyhand.ports import (
    AlertSource,
    Archive,
    ChangeSource,
    Channel,
    Check,
    CheckpointKey,
    CheckpointSink,
    Clock,
    DatabaseHand,
    DatabaseProbe,
    EdgeSource,
    LogSource,
    MetricSource,
    ServiceMetrics,
    TraceSource,
    TrafficTarget,
    Watchdog,
)
from steadyhand.responder.alerts.ears import Ears
from steadyhand.responder.engine.pulse import Pulse
from steadyhand.responder.rollouts.baseline import Baselines
from steadyhand.responder.rules import Rules
from steadyhand.store import Ledger


@dataclass(slots=True)
class ByHand:
    """The shifts changed by hand as last read: for the page that leaves when no store can be read."""

    known: Sequence[ShiftChange] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The ports of one running service, and the rules it obeys."""

    rules: Rules
    clock: Clock
    ledger: Ledger
    new_id: Callable[[str], str]
    owner: str
    host: str = "localhost"
    sources: Mapping[str, AlertSource] = field(default_factory=dict)
    logs: Sequence[LogSource] = ()
    metrics: Sequence[MetricSource] = ()
    other_metrics: Sequence[ServiceMetrics] = ()
    traces: Sequence[TraceSource] = ()
    changes: Sequence[ChangeSource] = ()
    edges: Sequence[EdgeSource] = ()
    checks: Sequence[Check] = ()
    playbooks: Shelf = field(default_factory=lambda: Shelf(()))
    probes: Mapping[str, DatabaseProbe] = field(default_factory=dict)
    hands: Mapping[str, DatabaseHand] = field(default_factory=dict)
    traffic: Mapping[str, TrafficTarget] = field(default_factory=dict)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    baselines: Baselines = field(default_factory=Baselines)
    archive: Archive | None = None
    watchdog: Watchdog | None = None
    ears: Ears = field(default_factory=Ears)
    by_hand: ByHand = field(default_factory=ByHand)
    pulse: Pulse = field(default_factory=Pulse)
    checkpoint_key: CheckpointKey | None = None
    checkpoints: Sequence[CheckpointSink] = ()
    console: str = ""  # where people reach the console; empty when the configuration does not say

    def numbers(self, source: str = "") -> Sequence[MetricSource]:
        """Those who are asked for a number: the one of this name; without a name all that speak PromQL."""
        named = (one for one in (*self.metrics, *self.other_metrics) if one.name == source)
        return tuple(named) if source else self.metrics

    def link(self, incident: str) -> str:
        """Where an incident is shown; "" when nobody said where."""
        return f"{self.console}/incidents/{incident}" if self.console and incident else ""
