"""The investigation as the worker does it: from sources, dead ones included, to a question for a human."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from steadyhand.journey.evidence.model import Change, DatabaseReport, LogLine, Series, Session
from steadyhand.journey.topology import Service
from steadyhand.ports import SourceError, SourceRefused, SourceUnavailable
from steadyhand.responder.engine.worker import Worker
from steadyhand.testing.database import MemoryDatabase
from steadyhand.testing.sources import MemoryLogs, MemoryMetrics
from stories.night import RULES, Night

SELECTOR = '{job="shop"}'
CALM_S, HURT_S = 60, 40


def _series(now: datetime) -> list[Series]:
    times = tuple(now.timestamp() - CALM_S - HURT_S + n for n in range(CALM_S + HURT_S))
    ramp = tuple(0.0 if n < CALM_S else min(15.0, (n - CALM_S) * 0.5) for n in range(len(times)))
    wait = tuple(0.0 if n < CALM_S + 30 else (n - CALM_S - 29) * 4.0 for n in range(len(times)))
    labels = {"job": "shop", "instance": "a"}
    return [
        Series(name="pool_connections_in_use", labels=labels, times=times, values=ramp),
        Series(name="pool_waiting", labels=labels, times=times, values=wait),
    ]


def _lines(now: datetime) -> list[LogLine]:
    return [
        LogLine(
            at=now - timedelta(seconds=n / 4),
            service="shop",
            severity="ERROR",
            message="couldn't get a connection after 3.00 sec",
            ref=f"f:{n}",
        )
        for n in range(30)
    ]


def _report(now: datetime) -> DatabaseReport:
    sessions = tuple(
        Session(
            pid=n,
            application="shop",
            state="idle in transaction",
            transaction_s=5 + 2 * n,
            state_s=5 + 2 * n,
            query="select 1 from coupons",
        )
        for n in range(15)
    )
    return DatabaseReport(database="postgres", at=now, sessions=sessions, max_connections=60)


def _change(now: datetime) -> Change:
    began = now - timedelta(seconds=HURT_S)
    return Change(
        id="c-9",
        service="shop",
        kind="code",
        version="1.1",
        previous="1.0",
        started_at=began - timedelta(seconds=3),
        finished_at=began,
    )


class Sick(Night):
    """A night whose shop leaks connections since a release, with sources that show it."""

    def __init__(self, folder: Path) -> None:
        shop = RULES.services[0].model_copy(update={"metrics": (SELECTOR,)})
        super().__init__(folder, RULES.model_copy(update={"services": (shop, RULES.services[1])}))
        self.hire()
        now = self.clock.now()
        self.metrics = MemoryMetrics({SELECTOR: _series(now)})
        self.logs = MemoryLogs(_lines(now))
        self.probe = MemoryDatabase(_report(now), "postgres")
        with self.outside.ledger.write() as tx:
            tx.keep_change(_change(now))
        self.connect()

    def connect(self) -> None:
        self.outside = replace(
            self.outside,
            logs=(self.logs,),
            metrics=(self.metrics, self.users),
            probes={"postgres": self.probe},
        )
        self.worker = Worker(self.outside)


def test_from_an_alert_to_a_question_in_one_turn(tmp_path: Path) -> None:
    async def story() -> None:
        night = Sick(tmp_path)
        night.metrics.values["error share of the shop"] = 0.3
        incident = night.alert()
        await night.turn()
        view = night.view(incident)
        best = view.diagnosis.best
        assert best is not None
        assert (best.cause.entity, best.cause.fault_class) == ("shop", "connection_leak")
        assert best.cause.change_id == "c-9"
        assert view.incident.status == "awaiting_approval"
        assert view.plan.fix.action.version == "1.0"
        assert view.plan.goals[0].at_incident == 0.3
        assert not view.plan.calibrated

    asyncio.run(story())


@pytest.mark.parametrize("dead", ["logs", "metrics", "probe"])
@pytest.mark.parametrize("error", [SourceUnavailable("x", "connection refused"), SourceRefused("x", "401")])
def test_a_dead_source_is_a_gap_on_the_page_and_paging_goes_on(
    tmp_path: Path, dead: str, error: SourceError
) -> None:
    async def story() -> None:
        night = Sick(tmp_path)
        getattr(night, dead).failure = error
        incident = night.alert()
        await night.turn()
        await night.turn()
        view = night.view(incident)
        assert any(error.why in gap for gap in view.page.gaps)
        assert view.incident.status in ("awaiting_approval", "needs_human")
        assert night.phone.rang("ana") >= 1

    asyncio.run(story())


def test_a_bug_in_one_source_is_a_gap_too(tmp_path: Path) -> None:
    async def story() -> None:
        night = Sick(tmp_path)
        night.metrics.failure = ZeroDivisionError("of its own making")
        incident = night.alert()
        await night.turn()
        view = night.view(incident)
        assert any("ZeroDivisionError" in gap for gap in view.page.gaps)
        assert any(one.kind == "database" for one in view.page.items)

    asyncio.run(story())


def test_with_every_source_dead_a_human_is_told_so(tmp_path: Path) -> None:
    async def story() -> None:
        night = Sick(tmp_path)
        for one in (night.logs, night.metrics, night.probe):
            one.failure = SourceUnavailable("everything", "no route")
        night.users.blind = True
        incident = night.alert()
        await night.turn()
        await night.turn()
        view = night.view(incident)
        assert view.incident.status == "needs_human"
        assert view.plan is None
        assert night.phone.rings[-1].subject.endswith("over to you")

    asyncio.run(story())


def test_a_fix_that_no_number_could_verify_is_not_proposed(tmp_path: Path) -> None:
    async def story() -> None:
        night = Sick(tmp_path)
        night.rules = night.rules.model_copy(update={"goals": {}})
        night.outside = replace(night.outside, rules=night.rules)
        night.worker = Worker(night.outside)
        incident = night.alert()
        await night.turn()
        assert night.view(incident).plan is None
        assert night.view(incident).incident.status == "needs_human"

    asyncio.run(story())


def test_an_unknown_service_still_pages_and_is_looked_at(tmp_path: Path) -> None:
    async def story() -> None:
        night = Sick(tmp_path)
        assert RULES.services[0] == Service(name="shop", depends_on=("postgres",), tier=1)
        incident = night.alert(service="nobody-knows-me")
        await night.turn()
        await night.turn()
        assert night.phone.rang("ana") >= 1
        assert night.view(incident).incident.status == "needs_human"

    asyncio.run(story())


def test_a_new_alert_has_the_evidence_read_again_when_nothing_is_proposed_yet(tmp_path: Path) -> None:
    async def story() -> None:
        night = Sick(tmp_path)
        sources = (night.metrics, night.probe, night.logs)
        for one in sources:
            one.failure = SourceUnavailable("source", "starting")
        incident = night.alert("First")
        await night.turn()
        assert night.view(incident).incident.status == "needs_human"
        for one in sources:
            one.failure = None
        assert night.alert("First") == incident  # a repeat changes nothing
        await night.turn()
        assert night.view(incident).incident.status == "needs_human"
        assert night.alert("Second") == incident
        await night.leap(seconds=15)  # in a storm alerts are looked at together
        assert night.view(incident).incident.status == "awaiting_approval"

    asyncio.run(story())
