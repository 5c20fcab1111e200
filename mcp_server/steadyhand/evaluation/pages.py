"""The evidence page of a case that comes as tables of ready series rather than as raw ones."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from steadyhand.evaluation.case import Held, Inputs
from steadyhand.journey.evidence.bearings.observed import Gauge, Kind, Observed
from steadyhand.journey.evidence.bearings.strength import bend_of, sigmas
from steadyhand.journey.evidence.bearings.taken import taken
from steadyhand.journey.evidence.model import Item, Onset, Page, Role, Series, Window
from steadyhand.journey.topology import Service, Topology

_ROLES: Mapping[Kind, Role] = {
    "latency": "latency",
    "edge_far": "latency",
    "edge_near": "latency",
    "success": "up",
    "errors": "errors",
    "load": "traffic",
    "cpu": "resource",
    "memory": "resource",
    "resource": "resource",
    "up": "up",
}
_MOST_ITEMS = 24
_NAME = re.compile(r"[^a-z0-9._-]+")


def slug(name: str) -> str:
    """A name as the configuration writes it: lower case, nothing but letters, digits, dots and dashes."""
    return _NAME.sub("-", name.lower()).strip("-._") or "unnamed"


def inputs_of(seen: Observed, alert_at: float, step: float) -> Inputs:
    """The page and the topology of what was seen; its names must be in the configuration's form."""
    until = datetime.fromtimestamp(alert_at, UTC) + timedelta(seconds=step)
    start = until - timedelta(seconds=max(1800.0, 24 * step))
    window = Window(start=start, end=until)
    bends = sorted((bend_of(one) for one in seen.gauges), key=lambda one: -one.strength)
    items = tuple(
        _item(f"m{number}", bend.gauge, bend.strength, alert_at, step)
        for number, bend in enumerate((one for one in bends if one.away), start=1)
        if number <= _MOST_ITEMS
    )
    places, arrows = taken(seen)
    page = Page(
        incident="case",
        service=seen.target or next(iter(seen.entities), "unknown"),
        window=window,
        baseline=Window(start=start, end=until - timedelta(seconds=300 + step)),
        items=items,
        order=tuple(one.id for one in items),
        coverage={
            "metrics": f"{len(seen.gauges)} series read",
            "logs": f"{len(seen.said)} kinds of message read",
        },
        bearings=places,
        arrows=arrows,
    )
    return Inputs(page, _topology(seen), lambda: seen.gauges, lambda: _held(seen, alert_at, step))


def _held(seen: Observed, alert_at: float, step: float) -> Held:
    """The suspect samples as series. The calm ones are of another day: the page compares with them."""
    return Held(series=tuple(one for gauge in seen.gauges if (one := _series(gauge, alert_at, step)).times))


def _series(gauge: Gauge, alert_at: float, step: float) -> Series:
    first = alert_at - (len(gauge.since) - 1) * step
    known = [(first + at * step, value) for at, value in enumerate(gauge.since) if value is not None]
    labels = {"service": gauge.entity, "other": gauge.other}
    return Series(
        name=gauge.kind,
        labels={key: name for key, name in labels.items() if name},
        times=tuple(at for at, _ in known),
        values=tuple(value for _, value in known),
    )


def _item(name: str, gauge: Gauge, strength: float, alert_at: float, step: float) -> Item:
    far = sigmas(gauge)
    worst = max(far, key=abs)
    first = next(index for index, one in enumerate(far) if abs(one) > abs(worst) / 2)
    at = datetime.fromtimestamp(alert_at - (len(far) - 1 - first) * step, UTC)
    span = timedelta(seconds=step)
    seen_by = gauge.other if gauge.kind == "edge_far" else ""
    way = f" of calls from {gauge.other} to {gauge.entity}" if gauge.other else ""
    return Item(
        id=name,
        kind="metric",
        role=_ROLES[gauge.kind],
        entity=seen_by or gauge.entity,
        title=f"{gauge.kind}{way} {worst:+.0f} sigmas"[:300],
        onset=Onset(at=at, lo=at - span, hi=at),
        direction="up" if worst > 0 else "down",
        strength=round(min(1000.0, max(abs(worst), strength)), 1),
        facts={
            "metric": gauge.kind,
            "shape": "step",
            **({"target": gauge.entity} if seen_by else {}),
        },
    )


def _topology(seen: Observed) -> Topology:
    return Topology(services=tuple(_services(seen)))


def _services(seen: Observed) -> Iterator[Service]:
    for name in seen.entities:
        yield Service(name=name, depends_on=tuple(dict.fromkeys(seen.depends_on.get(name, ()))))
