"""Posting to an alert source without a network: what it makes of these bytes."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.ports import AlertSource, ManyAlerts, Post

NOW = datetime(2026, 1, 31, 2, 5, tzinfo=UTC)


def deliver(source: AlertSource, body: object, at: datetime = NOW, **headers: str) -> Delivery:
    """What the source makes of a post; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reading = source.read(Post(headers=named, body=_raw(body), received_at=at))
    try:
        reading.send(None)  # type: ignore[attr-defined]  # it waits for nobody, so it is done at once
    except StopIteration as done:
        found: Delivery = done.value
        return found
    raise AssertionError("it waited for something")


def alerts(source: AlertSource, body: object, at: datetime = NOW, **headers: str) -> Sequence[Alert]:
    """Those read at once, and those that are read when the post is heard."""
    raw = _raw(body)
    found = deliver(source, raw, at, **headers)
    if not isinstance(source, ManyAlerts):
        return found.alerts
    read = source.alerts(Post(headers={}, body=raw, received_at=at))
    assert found.later == len(read)
    return read


def _raw(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()
