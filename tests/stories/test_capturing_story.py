"""An incident of ours becomes a capsule: its sources are read once more, up to the fix."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steadyhand.adapters.capsules.folder import read_capsule, write_capsule
from steadyhand.adapters.metrics.queried import QueriedMetrics, QueriedRule
from steadyhand.evaluation.held import HeldTraces
from steadyhand.journey.evidence.capsule import Capsule, cut
from steadyhand.journey.evidence.model import LogLine, Series, Span, Window
from steadyhand.journey.incident.state import ClosedByHuman
from steadyhand.responder.alerts.intake import UnknownIncident, tell_incident
from steadyhand.responder.investigation.capturing import capture
from steadyhand.testing.sources import MemoryLogs
from stories.night import Night

pytestmark = pytest.mark.anyio


async def test_a_closed_incident_is_recorded_up_to_its_end(tmp_path: Path) -> None:
    night = Night(tmp_path)
    opened = night.clock.now()
    incident = night.alert()
    await night.leap(minutes=5)
    tell_incident(night.outside, incident, ClosedByHuman(by="ana", via="console", why="over"))
    closed = night.clock.now()
    lines = [
        LogLine(
            at=opened + timedelta(seconds=n), service="shop", severity="INFO", message=f"line {n}", ref=str(n)
        )
        for n in (1, 299, 3000)
    ]
    night.outside = replace(night.outside, logs=(MemoryLogs(lines),))
    await night.leap(minutes=120)
    found = await capture(night.outside, incident)
    assert found.first_alert_at == opened
    assert found.end == closed
    assert [one.ref for one in found.lines] == ["1", "299"]
    assert any("moved on" in one for one in found.gaps)
    write_capsule(found, tmp_path / "capsule")
    assert read_capsule(tmp_path / "capsule").service == "shop"


async def test_the_traces_around_it_are_recorded_and_read_back(tmp_path: Path) -> None:
    night = Night(tmp_path)
    incident = night.alert()
    opened = night.clock.now()
    spans = [
        Span(
            trace=f"t{n}",
            id="1",
            service="shop",
            operation="GET",
            start=opened + timedelta(seconds=n),
            duration_ms=5,
        )
        for n in (-300, -2, 90_000)
    ]
    night.outside = replace(night.outside, traces=(HeldTraces(spans),))
    found = await capture(night.outside, incident)
    assert {one.trace for one in found.spans} == {"t-300", "t-2"}
    assert not any("traces" in one for one in found.gaps)
    write_capsule(found, tmp_path / "capsule")
    assert read_capsule(tmp_path / "capsule").spans == found.spans


def test_a_call_that_was_under_way_has_told_nothing_yet() -> None:
    at = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
    ends = [
        Span(trace="t", id=f"{n}", service="shop", operation="GET", start=at, duration_ms=n * 1000)
        for n in (5, 50)
    ]
    whole = Capsule(
        id="c",
        source="s",
        service="shop",
        start=at,
        end=at + timedelta(minutes=2),
        first_alert_at=at,
        spans=tuple(ends),
    )
    assert [one.id for one in cut(whole, at + timedelta(seconds=10)).spans] == ["5"]


def test_a_secret_in_an_operation_is_masked_before_it_is_kept(tmp_path: Path) -> None:
    at = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
    told = "GET /login?password=hunter2hunter2"
    span = Span(trace="t", id="1", service="shop", operation=told, start=at, duration_ms=1)
    whole = Capsule(id="c", source="s", service="shop", start=at, end=at, first_alert_at=at, spans=(span,))
    write_capsule(whole, tmp_path / "c")
    assert "hunter2" not in (tmp_path / "c" / "spans.jsonl").read_text()


class OwnWords:
    """A MetricStore that holds one series."""

    name = "datadog"

    async def query(self, query: str, window: Window, step: timedelta) -> Sequence[Series]:
        at = window.start.timestamp()
        return [Series(name=query, labels={}, times=(at, at + step.total_seconds()), values=(1, 2))]


async def test_metrics_with_words_of_their_own_are_recorded_too(tmp_path: Path) -> None:
    night = Night(tmp_path)
    datadog = QueriedMetrics(QueriedRule(services={"shop": ("p95",)}), OwnWords())
    night.outside = replace(night.outside, other_metrics=(datadog,))
    found = await capture(night.outside, night.alert())
    assert [(one.name, one.labels) for one in found.series] == [("p95", {"service": "shop"})]


async def test_an_unknown_incident_is_said_to_be_unknown(tmp_path: Path) -> None:
    with pytest.raises(UnknownIncident, match="inc-none"):
        await capture(Night(tmp_path).outside, "inc-none")
