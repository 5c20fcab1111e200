"""What nothing of ours may run is no question to anybody: people get it in their database's words."""

import asyncio
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest

from steadyhand.journey.evidence.model import DatabaseReport, Scan, Series, TableLoad
from steadyhand.responder.engine.worker import Worker
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.investigation.opinion import propose_plans
from steadyhand.testing.database import MemoryDatabase
from steadyhand.testing.sources import MemoryMetrics
from stories.night import RULES, Night

SELECTOR = '{job="shop"}'
CALM_S, HURT_S = 60, 60
System = Literal["postgresql", "mysql", "sqlite"]


def _series(now: datetime) -> list[Series]:
    """Answers wait for the database, which reads a table whole again and again."""
    times = tuple(now.timestamp() - CALM_S - HURT_S + n for n in range(CALM_S + HURT_S))
    seconds = range(len(times))
    quick = [30.0 * min(n, CALM_S) for n in seconds]
    whole = [30.0 * n for n in seconds]
    courses = {
        ("table_seq_tup_read", "postgres", ""): [n * 50.0 + max(0, n - CALM_S) * 9e6 for n in seconds],
        ("shop_request_seconds_bucket", "shop", "0.1"): quick,
        ("shop_request_seconds_bucket", "shop", "2.5"): whole,
        ("shop_request_seconds_bucket", "shop", "+Inf"): whole,
    }
    return [
        Series(
            name=name,
            labels={"job": job, **({"le": le, "route": "/orders"} if le else {"relname": "orders"})},
            times=times,
            values=tuple(values),
        )
        for (name, job, le), values in courses.items()
    ]


def _report(now: datetime, system: System) -> DatabaseReport:
    scan = Scan(
        table="orders",
        columns=("email",),
        rows=900_000,
        query="select id from orders where email = ?",
        mean_ms=1_450.0,
        calls=600,
    )
    load = TableLoad(
        table="orders", rows=900_000, seq_scans_per_s=10, seq_rows_per_s=9e6, index_scans_per_s=0
    )
    return DatabaseReport(
        database="postgres", at=now, system=system, scans=(scan,), tables=(load,), max_connections=60
    )


def _night(folder: Path, system: System) -> Night:
    shop = RULES.services[0].model_copy(update={"metrics": (SELECTOR,)})
    night = Night(folder, RULES.model_copy(update={"services": (shop, RULES.services[1])}))
    night.hire()
    now = night.clock.now()
    metrics = MemoryMetrics({SELECTOR: _series(now)})
    metrics.values["error share of the shop"] = 0.3
    probe = MemoryDatabase(_report(now, system), "postgres")
    hands = night.outside.hands if system != "postgresql" else {}
    night.outside = replace(
        night.outside, logs=(), metrics=(metrics, night.users), probes={"postgres": probe}, hands=hands
    )
    night.worker = Worker(night.outside)
    return night


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("postgresql", "CREATE INDEX CONCURRENTLY ix_orders_email ON orders (email);"),
        ("mysql", "ALTER TABLE orders ADD INDEX ix_orders_email (email), ALGORITHM=INPLACE, LOCK=NONE;"),
        ("sqlite", "CREATE INDEX ix_orders_email ON orders (email); -- writers wait while it is built"),
    ],
)
def test_an_index_nothing_here_may_build_is_told_in_the_words_of_its_database(
    tmp_path: Path, system: System, words: str
) -> None:
    async def story() -> None:
        night = _night(tmp_path, system)
        incident = night.alert()
        await night.turn()
        view = night.view(incident)
        best = view.diagnosis.best
        assert best is not None
        assert best.cause.fault_class == "missing_index"
        assert (view.plan, view.incident.status) == (None, "needs_human")
        assert f"Nothing here may change postgres; by hand: {words}" in view.incident.note
        with pytest.raises(Refused) as refused:
            await propose_plans(night.outside, incident, best.id)
        assert words in str(refused.value)

    asyncio.run(story())
