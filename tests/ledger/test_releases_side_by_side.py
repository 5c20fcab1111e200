"""Two releases on one store: each keeps to what it understands, and nothing is forgotten in between."""

import asyncio
import contextlib

import pytest
from ledger.shelf import raw
from stories.night import Night

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.incident.state import Acknowledged
from steadyhand.journey.incident.versions import MACHINE
from steadyhand.ports import NewerRelease
from steadyhand.responder.alerts.intake import tell_incident


def written_by_a_newer_release(night: Night) -> str:
    incident = night.alert()
    unheard = "state = json_set(state, '$.unheard', 'of')"
    raw(night.place, f"update incident set machine = {MACHINE + 1}, {unheard}")  # noqa: S608 - our own words
    return incident


def test_an_incident_of_a_newer_release_is_left_alone_and_its_timers_wait_for_one(night: Night) -> None:
    async def story() -> None:
        incident = written_by_a_newer_release(night)
        before = raw(night.place, "select state, version from incident")
        await night.leap(minutes=16)
        assert raw(night.place, "select state, version from incident") == before
        assert raw(night.place, "select distinct state, attempts from timer") == [("armed", 0)]
        with pytest.raises(NewerRelease, match="newer release"):
            tell_incident(night.outside, incident, Acknowledged(by="ana", via="test"))
        assert night.incidents() == []

    asyncio.run(story())


def test_a_human_is_told_once_when_no_newer_release_takes_it_up(night: Night) -> None:
    async def story() -> None:
        incident = written_by_a_newer_release(night)
        for _ in range(3):
            await night.leap(minutes=2)
        told = [one.body for one in night.phone.rings if one.subject == "STEADYHAND NEEDS HELP"]
        assert told == [
            f"{incident} waits for a newer release of Steadyhand, which wrote it; this one leaves it alone."
        ]

    asyncio.run(story())


def test_other_incidents_go_on_beside_it(night: Night) -> None:
    async def story() -> None:
        written_by_a_newer_release(night)
        night.alert(service="postgres")
        await night.turn()
        await night.leap(minutes=15)
        assert night.phone.rang("bo") == 1

    asyncio.run(story())


def test_a_timer_of_a_kind_nobody_here_knows_is_left_alone(night: Night) -> None:
    async def story() -> None:
        night.alert()
        raw(night.place, "update timer set kind = 'unheard_of' where kind = 'escalate'")
        await night.leap(minutes=16)
        assert raw(night.place, "select state from timer where kind = 'unheard_of'") == [("armed",)]

    asyncio.run(story())


def test_the_first_release_s_escalation_goes_on_as_it_was_promised(night: Night) -> None:
    """Written by the first release, half-way up its ladder; the one that runs now has other rules."""
    from ledger.test_ledger_migrations import first_release  # noqa: PLC0415

    night.outside.ledger.close()
    for one in night.place.parent.glob("night.db*"):
        one.unlink()
    first_release(night.place)
    night.restart()

    async def story() -> None:
        await night.turn()
        await night.leap(minutes=15)
        assert night.phone.rang("bo") == 2  # both incidents
        await night.leap(minutes=30)
        assert night.phone.rang("bo") == 4  # the last tier once again, as it said then
        await night.leap(minutes=300)
        assert night.phone.rang("bo") == 4

    with contextlib.closing(SqlLedger(night.place)):
        asyncio.run(story())
