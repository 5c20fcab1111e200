"""Metric evidence: the signals that moved, worded, and their charts."""

from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.model import Chart, Item
from steadyhand.journey.evidence.screen import Deviation
from steadyhand.journey.evidence.signal import Signal
from steadyhand.journey.evidence.wording import number, quantity, since

_LABEL_LIMIT = 80
_NAME_LIMIT = 100
_POINTS = 180


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


def level_item(signal: Signal, normal: float, now: float, masker: Masker) -> Item:
    """The item that tells a figure worth knowing although it did not move; its id is given later."""
    name, labels = masker.text(signal.name, _NAME_LIMIT), masker.text(signal.shown_labels, _LABEL_LIMIT)
    what = f"{name} ({labels})" if labels else name
    facts = {"metric": masker.text(signal.metric, _NAME_LIMIT), "signal": name, "labels": labels}
    return Item(
        id="",
        kind="metric",
        role=signal.role,
        entity=signal.entity,
        title=f"{what} {quantity(normal, signal.unit)} -> {quantity(now, signal.unit)}, within normal",
        now=_rounded(now),
        normal=_rounded(normal),
        facts={key: value for key, value in (facts | {"unit": signal.unit}).items() if value},
    )


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
