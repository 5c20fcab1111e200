"""An incident of ours becomes a capsule: its sources are read once more, up to the fix."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from steadyhand.adapters.capsules.folder import read_capsule, write_capsule
from steadyhand.adapters.metrics.queried import QueriedMetrics, QueriedRule
from steadyhand.journey.evidence.model import LogLine, Series, Window
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
