"""A case behind the very tools a session has: who answers looks by them, and submits by them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from mcp.server import MCPServer
from mcp.server.mcpserver.tools import Tool

from steadyhand.adapters.ledger.sql import SqlLedger, open_store
from steadyhand.evaluation.case import Inputs
from steadyhand.evaluation.held import HeldMetrics, HeldTraces
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.diagnosis.playbook import Shelf
from steadyhand.responder.alerts.intake import take_alert
from steadyhand.responder.outside import Outside
from steadyhand.responder.rules import Rules
from steadyhand.testing.clock import VirtualClock
from steadyhand.testing.database import MemoryDatabase
from steadyhand.testing.sources import MemoryLogs
from steadyhand.tools.server import build_server

SUBMIT = "submit_hypotheses"


class Desk:
    """One case as an incident of a service of its own, which nothing outside can reach.

    Its clock stands at the end of the page, so that nothing from after the alert can be seen.
    """

    def __init__(self, inputs: Inputs, playbooks: Shelf, ledger: SqlLedger) -> None:
        self._ledger = ledger
        outside = replace(_outside(inputs, ledger), playbooks=playbooks)
        self.incident = _opened(inputs, outside)
        self.server: MCPServer = build_server(outside, playbooks, _offered)

    @property
    def opinion(self) -> Diagnosis | None:
        """The hypotheses that were submitted and admitted last."""
        with self._ledger.read() as tx:
            return tx.latest("opinion", self.incident, Diagnosis)


@contextmanager
def desk_for(inputs: Inputs, playbooks: Shelf) -> Iterator[Desk]:
    """A desk for one case, with a store that goes with it."""
    with TemporaryDirectory(prefix="steadyhand-desk-") as folder:
        ledger = open_store(None, Path(folder))
        try:
            yield Desk(inputs, playbooks, ledger)
        finally:
            ledger.close()


def _offered(tool: Tool) -> bool:
    """Tools that read, and the one that answers; nothing here can be mended."""
    reads = tool.annotations is not None and tool.annotations.read_only_hint
    return bool(reads) or tool.name == SUBMIT


def _outside(inputs: Inputs, ledger: SqlLedger) -> Outside:
    held, numbers = inputs.held(), count(1)
    names = [one.name for one in inputs.topology.services]
    return Outside(
        rules=Rules(services=inputs.topology.services),
        clock=VirtualClock(inputs.page.window.end),
        ledger=ledger,
        new_id=lambda prefix: f"{prefix}-{next(numbers)}",
        owner="evaluation",
        logs=(MemoryLogs(held.lines, "case", names),) if held.lines else (),
        metrics=(HeldMetrics(held.series),) if held.series else (),
        traces=(HeldTraces(held.spans),) if held.spans else (),
        probes={one.database: MemoryDatabase(one, name=one.database) for one in held.databases},
    )


def _opened(inputs: Inputs, outside: Outside) -> str:
    """The incident, with the evidence and the engine's ranking on it; returns its id."""
    now = outside.clock.now()
    incident = take_alert(outside, _alert(inputs.page.service, now), "{}")
    page = inputs.page.model_copy(update={"incident": incident})
    found = diagnose(page, inputs.topology, outside.rules.diagnosis, playbooks=outside.playbooks)
    with outside.ledger.write() as tx:
        tx.put("page", outside.new_id("page"), incident, page, now)
        tx.put("diagnosis", outside.new_id("diag"), incident, found, now)
        for one in inputs.held().changes:
            tx.keep_change(one)
    return incident


def _alert(service: str, now: datetime) -> Alert:
    return Alert(
        source="evaluation",
        dedup_key="case",
        name="alert",
        service=service,
        status="firing",
        starts_at=now - timedelta(seconds=1),
    )
