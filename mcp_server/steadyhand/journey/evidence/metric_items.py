"""Metric evidence: the signals that moved, worded, and their charts."""

from collections.abc import Sequence

from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.model import Chart, Item
from steadyhand.journey.evidence.screen import Deviation
from steadyhand.journey.evidence.wording import number, quantity, since

_LABEL_LIMIT = 80
_NAME_LIMIT = 100
_POINTS = 180
_WEIGHTS = {"other": 0.35, "resource": 0.8}
_SAME_METRIC = 0.5
_SAME_ROLE = 0.75
_SOON_S = 5.0
_FULL = 0.9


def metric_item(moved: Deviation, masker: Masker) -> Item:
    """The item that tells this deviation; its id is given later."""
    signal = moved.signal
    name = masker.text(signal.name, _NAME_LIMIT)
    labels = masker.text(signal.shown_labels, _LABEL_LIMIT)
    facts = {
        "metric": masker.text(signal.metric, _NAME_LIMIT),
        "signal": name,
        "labels": labels,
        "shape": moved.shape,
        "unit": signal.unit,
        "limit": "" if signal.limit is None else number(signal.limit),
        "target": masker.text(signal.target, _LABEL_LIMIT),
    }
    return Item(
        id="",
        kind="metric",
        role=signal.role,
        entity=signal.entity,
        title=_title(moved, f"{name} ({labels})" if labels else name),
        onset=moved.onset,
        direction=moved.direction,
        strength=round(moved.strength, 1),
        now=_rounded(moved.now),
        normal=_rounded(moved.normal),
        facts={key: value for key, value in facts.items() if value},
    )


def silence_item(moved: Deviation, count: int, masker: Masker) -> Item:
    """The item for an entity whose series stopped."""
    item = metric_item(moved, masker)
    others = f" and {count - 1} more series" if count > 1 else ""
    title = f"{item.facts['signal']}{others} of {item.entity} went silent, since {since(moved.onset)}"
    return item.model_copy(update={"title": title, "facts": {**item.facts, "silent_series": str(count)}})


def _title(moved: Deviation, what: str) -> str:
    signal = moved.signal
    limit = f" of {quantity(signal.limit, signal.unit)}" if signal.limit else ""
    verb = {"ramp": "climbs" if moved.direction == "up" else "falls", "spike": "spiked"}.get(moved.shape, "")
    change = f"{quantity(moved.normal, signal.unit)} -> {quantity(moved.now, signal.unit)}{limit}"
    return " ".join(part for part in (what, verb, change) if part) + f", since {since(moved.onset)}"


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def strongest(found: Sequence[Deviation], most: int) -> list[Deviation]:
    """The ones to show: strong ones first, each further one of a metric or role counting less.

    So one noisy metric with fifty label sets cannot push out the quiet one that tells the cause.
    """
    left = sorted(found, key=lambda one: (one.onset.at, one.signal.name, one.signal.shown_labels))
    first = min((one.onset.at.timestamp() for one in left if one.shape != "spike"), default=0.0)
    kept: list[Deviation] = []
    while left and len(kept) < most:
        best = max(left, key=lambda one: _weight(one, first) * _rarity(one, kept))
        kept.append(best)
        left.remove(best)
    return kept


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


def chart(item: Item, moved: Deviation, masker: Masker) -> Chart:
    """The signal drawn over the whole window, thinned to at most 180 points that keep the extremes."""
    signal = moved.signal
    width = -(-len(signal.times) // _POINTS)
    cells = [range(at, min(at + width, len(signal.times))) for at in range(0, len(signal.times), width)]
    kept = [max(cell, key=lambda i: abs(signal.values[i] - moved.normal)) for cell in cells]
    labels = masker.text(signal.shown_labels, _LABEL_LIMIT)
    return Chart(
        item=item.id,
        title=f"{item.facts['signal']} ({labels})" if labels else item.facts["signal"],
        unit=signal.unit,
        times=tuple(signal.times[i] for i in kept),
        values=tuple(_rounded(signal.values[i]) for i in kept),
        onset=moved.onset.at.timestamp(),
    )
