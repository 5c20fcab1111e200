"""Signals that lie in what the services say."""

import re

from steadyhand.journey.diagnosis.scene import Scene, ids
from steadyhand.journey.diagnosis.signals.signal import Signal
from steadyhand.journey.diagnosis.suspect import Suspect
from steadyhand.journey.evidence.model import Item

_GRAVE = frozenset({"error", "err", "critical", "crit", "fatal", "panic", "emergency", "alert", "severe"})
_WARNINGS = frozenset({"warning", "warn"})
_LOCKS = frozenset({"lock", "locks", "deadlock", "sharelock", "accessexclusivelock", "exclusivelock"})


def _words(item: Item) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", item.facts.get("template", "").lower()))


def _surging(scene: Scene) -> tuple[Item, ...]:
    return tuple(one for one in scene.shown("new_log", "log_rate") if one.direction in {"new", "up"})


def _new_errors_said(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    said = scene.shown("new_log", about=suspect.entity)
    return ids(one for one in said if one.facts.get("severity", "").lower() in _GRAVE)


def warned(name: str, scene: Scene) -> tuple[Item, ...]:
    """What this entity said for the first time, as a warning or worse."""
    said = scene.shown("new_log", about=name)
    return tuple(one for one in said if one.facts.get("severity", "").lower() in _GRAVE | _WARNINGS)


def _log_names_it(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    name = set(re.split(r"[^a-z0-9]+", suspect.entity.lower()))
    return ids(one for one in _surging(scene) if name <= _words(one))


def _log_speaks_of_locks(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    del suspect  # a lock's queue is spoken of by whoever stands in it
    return ids(one for one in _surging(scene) if _words(one) & _LOCKS)


SIGNALS = (
    Signal("new_errors_said", "it logs errors never seen before", "log", _new_errors_said),
    Signal("log_names_it", "the logs name it", "log", _log_names_it),
    Signal("log_speaks_of_locks", "the logs speak of locks", "log", _log_speaks_of_locks),
)
