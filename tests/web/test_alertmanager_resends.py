"""A real Alertmanager says again what we have, and delivers what a kill -9 of our service cut off."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli.terminal import Terminal
from ledger.shelf import raw
from plugin.running import eventually, listens
from servers import free_port
from web.alertmanager_world import NEEDED, Cut, alertmanager, failed_posts, fire, wire

from steadyhand.journey.incident.state import Incident

pytestmark = NEEDED
CONFIG = """
services: [{name: shop, tier: 1}]
connections: {channels: [{kind: terminal, path: PATH}]}
escalation: {tiers: [{name: on_call, contacts: [{type: terminal, user: ana}], escalate_after: 60}]}
"""
PAGES = ["SEV2 shop: SlowAnswers of the shop", "SEV2 shop: over to you"]
"""The one page, and what the engine found: that it knows of no safe fix."""


@dataclass
class Service:
    """`steadyhand serve` as people start it, that can be killed -9 and started again."""

    terminal: Terminal
    port: int
    pages_at: Path

    def start(self) -> None:
        done = self.terminal.run(
            "serve", "--detach", "--port", str(self.port), "--config", str(self.terminal.config)
        )
        assert done.returncode == 0, done.stderr

    def stop(self, by: signal.Signals) -> None:
        os.kill(int(json.loads((self.terminal.home / "service.json").read_text())["pid"]), by)
        assert eventually(lambda: not listens(self.port))

    @property
    def token(self) -> str:
        return (self.terminal.home / "ingest.token").read_text().strip()

    def incidents(self) -> list[Incident]:
        rows = raw(self.terminal.home / "steadyhand.db", "select state from incident")
        return [Incident.model_validate_json(str(one)) for (one,) in rows]

    def subjects(self) -> list[str]:
        """Of every message that reached anybody, in order."""
        lines = self.pages_at.read_text().splitlines() if self.pages_at.exists() else []
        return [one.partition("ana: ")[2].partition(" | ")[0] for one in lines]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    terminal, pages = Terminal(tmp_path), tmp_path / "pages"
    terminal.config.write_text(CONFIG.replace("PATH", str(pages)))
    return Service(terminal, free_port(), pages)


def _began() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=30)


def test_what_it_says_again_is_counted_and_pages_nobody_again(service: Service, tmp_path: Path) -> None:
    service.start()
    try:
        with alertmanager(tmp_path, service.port, service.token, repeat="1s") as url:
            fire(url, "SlowAnswers", _began())
            assert eventually(lambda: [one.repeats >= 2 for one in service.incidents()] == [True], 60)
            assert eventually(lambda: len(service.subjects()) >= len(PAGES), 60)
            said = service.incidents()[0].repeats
            assert eventually(lambda: service.incidents()[0].repeats > said)
    finally:
        service.stop(signal.SIGTERM)
    assert service.subjects() == PAGES


@pytest.mark.parametrize("cut", ["in the middle of the post", "before the answer"])
def test_what_a_kill_cut_off_is_delivered_again_and_is_one_incident_and_one_page(
    service: Service, tmp_path: Path, cut: Cut
) -> None:
    service.start()
    killed: Callable[[], None] = lambda: service.stop(signal.SIGKILL)  # noqa: E731 - said where it is used
    try:
        with (
            wire(service.port, cut, killed) as cable,
            alertmanager(tmp_path, cable, service.token) as url,
        ):
            fire(url, "SlowAnswers", _began())
            assert eventually(lambda: failed_posts(url) > 0, 60), "it never noticed"
            assert not listens(service.port)
            service.start()
            assert eventually(lambda: len(service.subjects()) >= len(PAGES), 60)
            fire(url, "FailedAnswers", _began())  # whatever was to be said of the first is said by now
            assert eventually(lambda: [len(one.alerts) for one in service.incidents()] == [2], 60)
    finally:
        service.stop(signal.SIGTERM)
    assert service.subjects() == PAGES
