"""An incident of ours becomes a capsule: its sources are read once more, up to the fix."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from steadyhand.adapters.capsules.folder import read_capsule, write_capsule
from steadyhand.journey.evidence.model import LogLine
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


async def test_an_unknown_incident_is_said_to_be_unknown(tmp_path: Path) -> None:
    with pytest.raises(UnknownIncident, match="inc-none"):
        await capture(Night(tmp_path).outside, "inc-none")
