"""Monitors that must report: silence wakes somebody, a sign of life ends it."""

from datetime import timedelta

import pytest

from steadyhand.journey.alert.heartbeat import HeartbeatRule
from steadyhand.responder.alerts.heartbeats import UnknownHeartbeat, beat, watch
from stories.night import RULES, Night

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("place")]  # on both databases
RULE = HeartbeatRule.model_validate({"name": "backup", "service": "postgres", "every": "1h", "grace": "5m"})
WATCHED = RULES.model_copy(update={"heartbeats": (RULE,)})


@pytest.fixture
def watched(night: Night) -> Night:
    night.rules = WATCHED
    night.restart()
    watch(night.outside)
    return night


async def until_due(night: Night) -> None:
    """Sixty minutes, five of grace, and the worker is there at that very moment."""
    await night.leap(minutes=65)


async def test_a_monitor_that_reports_wakes_nobody(watched: Night) -> None:
    for _ in range(3):
        await watched.leap(minutes=64)
        beat(watched.outside, "backup")
    assert watched.incidents() == []


async def test_silence_opens_an_incident_of_its_service_and_wakes_somebody(watched: Night) -> None:
    beat(watched.outside, "backup")
    await watched.leap(minutes=64)
    assert watched.incidents() == []
    await watched.leap(minutes=1)
    (incident,) = watched.incidents()
    assert incident.service == "postgres"
    assert "backup reports every 1h; last heard of at 2026-01-31 02:00 UTC." in incident.title
    assert watched.phone.rang("ana") >= 1


async def test_one_never_heard_of_is_missed_too(watched: Night) -> None:
    await until_due(watched)
    assert "never heard of" in watched.incidents()[0].title


async def test_a_sign_of_life_is_the_end_of_that_alert(watched: Night) -> None:
    await until_due(watched)
    beat(watched.outside, "backup")
    (incident,) = watched.incidents()
    assert not incident.firing
    await watched.leap(minutes=64)
    assert len(watched.incidents()) == 1


async def test_silence_is_told_once_however_long_it_lasts(watched: Night) -> None:
    await until_due(watched)
    told = watched.incidents()[0].repeats
    await watched.leap(minutes=180)
    assert watched.incidents()[0].repeats == told


async def test_whoever_was_deaf_when_it_was_due_listens_once_more_before_waking_anybody(
    watched: Night,
) -> None:
    beat(watched.outside, "backup")
    await watched.clock.advance(timedelta(hours=3))
    watched.restart()
    await watched.leap(seconds=1)
    assert watched.incidents() == []
    beat(watched.outside, "backup")
    await watched.leap(minutes=10)
    assert watched.incidents() == []


async def test_and_wakes_somebody_when_it_stays_silent(watched: Night) -> None:
    beat(watched.outside, "backup")
    await watched.clock.advance(timedelta(hours=3))
    watched.restart()
    await watched.turn()
    await watched.leap(minutes=5)
    assert len(watched.incidents()) == 1


async def test_a_restart_keeps_the_clocks_and_forgets_what_is_no_longer_configured(watched: Night) -> None:
    await watched.leap(minutes=60)
    watched.restart()
    watch(watched.outside)
    await watched.leap(minutes=5)
    assert len(watched.incidents()) == 1
    watched.rules = RULES
    watched.restart()
    with pytest.raises(UnknownHeartbeat):
        beat(watched.outside, "backup")
