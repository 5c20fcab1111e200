"""Metric evidence: the signals that moved, worded, and their charts."""

from steadyhand.journey.evidence.companions import Company
from steadyhand.journey.evidence.forecast import Forecast, bound
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.model import Chart, Item
from steadyhand.journey.evidence.screen import Deviation
from steadyhand.journey.evidence.signal import Signal
from steadyhand.journey.evidence.wording import number, quantity, since

_LABEL_LIMIT = 80
_NAME_LIMIT = 100
_POINTS = 180
_TITLE = 300
_TEN = 10.0


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


def with_forecast(item: Item, signal: Signal, ahead: Forecast) -> Item:
    """The same item, told when it reaches its limit."""
    facts = {
        "per_min": number(ahead.per_min),
        "limit_in_min": f"{ahead.minutes:.1f}",
        "limit_in_min_lo": f"{ahead.soonest:.1f}",
        "limit_in_min_hi": f"{ahead.latest:.1f}",
        "forecast": _ahead(signal, ahead),
    }
    after = f"; {facts['forecast']}"
    title = item.title[: _TITLE - len(after)] + after
    return item.model_copy(update={"title": title, "facts": {**item.facts, **facts}})


def forecast_item(signal: Signal, ahead: Forecast, masker: Masker) -> Item:
    """The item for what has not left its calm range but will be full soon; its id is given later."""
    item = level_item(signal, signal.values[0], signal.values[-1], masker)
    what = item.title.removesuffix(", within normal")
    return with_forecast(item.model_copy(update={"title": what}), signal, ahead)


def _ahead(signal: Signal, ahead: Forecast) -> str:
    """E.g. "78 % of the limit, +2.0 %/min, limit in 11 min (9-14)"."""
    limit, end = bound(signal) or 0.0, "limit" if bound(signal) else "nothing left"
    span = f"{end} in {_minutes(ahead.minutes)} min ({_minutes(ahead.soonest)}-{_minutes(ahead.latest)})"
    sign = "+" if ahead.per_min > 0 else ""
    if not limit:
        return f"{sign}{quantity(ahead.per_min, signal.unit)}/min, {span}"
    now = 100 * signal.values[-1] / limit
    return f"{now:.0f} % of the limit, {sign}{100 * ahead.per_min / limit:.2g} %/min, {span}"


def _minutes(value: float) -> str:
    return f"{value:.0f}" if value >= _TEN else f"{value:.1f}"


def with_company(item: Item, head: Signal, found: Company, masker: Masker) -> Item:
    """The same item, told how it goes with the signal by which the alerting service hurts."""
    name = masker.text(head.name, _NAME_LIMIT)
    facts = {"moves_with": name, "r": f"{found.r:.2f}", "lag_s": f"{found.lag_s:.0f}"}
    return item.model_copy(update={"facts": {**item.facts, **facts}})


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
