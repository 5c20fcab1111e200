"""What can be seen for or against a suspect. The table of weights says how much each counts."""

from collections.abc import Mapping

from steadyhand.journey.diagnosis.signals import database, derived, load, logs, metrics, network
from steadyhand.journey.diagnosis.signals.signal import Signal, Trait

_KNOWN = (database, metrics, load, logs, network)
SIGNALS: Mapping[str, Signal] = {one.name: one for part in _KNOWN for one in part.SIGNALS}
TRAITS: Mapping[str, Trait] = {**SIGNALS, **{one.name: one for one in derived.TRAITS}}
