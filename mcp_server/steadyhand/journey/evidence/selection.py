"""Which of the signals that moved a page has room for."""

from collections.abc import Sequence

from steadyhand.journey.evidence.screen import Deviation

_WEIGHTS = {"other": 0.35, "resource": 0.8}
_SAME_METRIC = 0.5
_SAME_ROLE = 0.75
_SOON_S = 5.0
_FULL = 0.9
_HELD = 0.5  # of the room, for those that speak of something else than the alerting service itself


def strongest(found: Sequence[Deviation], most: int) -> list[Deviation]:
    """The ones to show: strong ones first, each further one of a metric or role counting less.

    So one noisy metric with fifty label sets cannot push out the quiet one that tells the cause. Each
    role of each target of calls and each other entity first gets its best one: a dependency is often
    known by few faint signals, and what it did is never told by the loud ones of its caller.
    """
    left = sorted(found, key=lambda one: (one.onset.at, one.signal.name, one.signal.shown_labels))
    first = min((one.onset.at.timestamp() for one in left if one.shape != "spike"), default=0.0)
    kept = _best_of_each(left, first)[: int(most * _HELD)]
    left = [one for one in left if one not in kept]
    while left and len(kept) < most:
        best = max(left, key=lambda one: _weight(one, first) * _rarity(one, kept))
        kept.append(best)
        left.remove(best)
    return kept


def _best_of_each(found: Sequence[Deviation], first: float) -> list[Deviation]:
    """The heaviest signal of each thing spoken of; targets of calls before others, heavy ones first."""
    best: dict[tuple[str, str], Deviation] = {}
    for one in sorted(found, key=lambda one: -_weight(one, first)):
        signal = one.signal
        best.setdefault((signal.target, signal.role) if signal.target else (signal.entity, ""), one)
    return sorted(best.values(), key=lambda one: not one.signal.target)


def _weight(one: Deviation, first: float) -> float:
    """Strength, more for what moved among the first and for what reached its limit."""
    late_s = max(0.0, one.onset.at.timestamp() - first)
    soon = 1.0 if one.shape == "spike" else 1 + 1 / (1 + late_s / _SOON_S)
    full = 1.5 if one.signal.limit and one.now >= _FULL * one.signal.limit else 1.0
    return float(min(one.strength, 100.0) ** 0.5) * _WEIGHTS.get(one.signal.role, 1.0) * soon * full


def _rarity(one: Deviation, kept: Sequence[Deviation]) -> float:
    metrics = sum(other.signal.metric == one.signal.metric for other in kept)
    roles = sum(other.signal.role == one.signal.role for other in kept)
    return float(_SAME_METRIC**metrics * _SAME_ROLE**roles)
