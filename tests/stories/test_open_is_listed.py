"""An incident that is still open is on every list, however many came and went since."""

import pytest

from steadyhand.journey.incident.state import ClosedByHuman
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.responder.views import list_incidents
from stories.night import Night

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("place")]  # on both databases


async def test_what_is_open_comes_before_whatever_was_closed_since(night: Night) -> None:
    still_open = night.alert(service="shop")
    for name in ("one", "two", "three"):
        await night.clock.advance(minutes=10)
        closed = night.alert(service=name)
        tell_incident(night.outside, closed, ClosedByHuman(by="ana", via="test", why="a drill"))
    assert [one.id for one in list_incidents(night.outside, limit=2)] == [still_open, closed]
