"""A post of many alerts is checked at the door and read when it is heard, by whoever hears it."""

import asyncio
import json
from dataclasses import replace

from ledger.shelf import raw

from steadyhand.adapters.alerts.alertmanager import Alertmanager, AlertmanagerSettings
from steadyhand.adapters.alerts.generic import GenericAlerts, GenericAlertSettings
from steadyhand.journey.alert.model import Delivery
from steadyhand.ports import AlertSource
from steadyhand.responder.alerts.hearing import hear_round, retry_given_up
from steadyhand.responder.alerts.inbox import Arrival, receive
from steadyhand.responder.engine.worker import Worker
from stories.night import Night

HELP = "STEADYHAND NEEDS HELP"
NAME = "alertmanager"


def post(night: Night, *names: str) -> None:
    """The door has counted its alerts."""
    began = night.clock.now().isoformat()
    alerts = [
        {"status": "firing", "labels": {"alertname": one, "service": "shop"}, "startsAt": began}
        for one in names
    ]
    body = json.dumps({"version": "4", "alerts": alerts}).encode()
    receive(night.outside, [Arrival(Delivery(source=NAME, later=len(names)), body)])


def restart(night: Night, source: AlertSource) -> None:
    """A new process, with this source configured under the name."""
    night.restart()
    night.outside = replace(night.outside, sources={NAME: source})
    night.worker = Worker(night.outside)


def test_its_alerts_are_read_from_the_post_by_the_next_process(night: Night) -> None:
    post(night, "slow", "failing")
    restart(night, Alertmanager(AlertmanagerSettings()))
    (taken,) = hear_round(night.outside)
    assert taken.alerts == 2
    (incident,) = night.incidents()
    assert [one.name for one in incident.alerts] == ["slow", "failing"]


def test_a_post_whose_source_is_configured_as_another_kind_pages_and_is_heard_once_it_is_back(
    night: Night,
) -> None:
    async def story() -> None:
        restart(night, GenericAlerts(GenericAlertSettings(name=NAME)))
        post(night, "slow")
        await night.pass_time(8)
        (told,) = {one.body for one in night.phone.rings if one.subject == HELP}
        assert "connections.alerts names no source 'alertmanager' that reads such posts" in told
        assert night.incidents() == []
        restart(night, Alertmanager(AlertmanagerSettings()))
        retry_given_up(night.outside)
        await night.pass_time(2)
        assert [one.title for one in night.incidents()] == ["slow"]
        assert raw(night.path, "select count(*) from alert_waiting") == [(0,)]

    asyncio.run(story())
