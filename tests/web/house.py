"""The console over a night on call: a leaking release that the real engine finds, judges and fixes."""

import base64
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
from starlette.applications import Starlette
from stories.night import PIN, RULES, Night, Users

from steadyhand.adapters.alerts.alertmanager import Alertmanager, AlertmanagerSettings
from steadyhand.adapters.alerts.generic import GenericAlerts, GenericAlertSettings
from steadyhand.journey.evidence.model import DatabaseReport, LogLine, Series, Session, Window
from steadyhand.journey.remedy.goals import GoalRule
from steadyhand.journey.rollout.watch import METRICS
from steadyhand.journey.topology import Service
from steadyhand.responder.engine.worker import Worker
from steadyhand.testing.clock import START, VirtualClock
from steadyhand.testing.sources import MemoryLogs
from steadyhand.web.app import build_app
from steadyhand.web.secret import WebSecrets

INGEST = "ingest-token-of-tests"
MCP = "mcp-token-of-the-tests"
SECRETS = WebSecrets(ingest_token=INGEST, mcp_token=MCP, session_key=b"k" * 32)
SOURCES = {
    "alertmanager": Alertmanager(AlertmanagerSettings()),
    "generic": GenericAlerts(GenericAlertSettings()),
}
BASE = "http://console.test"
CALM_S, LEAK_S, HURT_S = 600, 75, 40
SELECTOR = '{job="shop"}'
WEB_RULES = RULES.model_copy(
    update={
        "services": (
            Service(name="shop", depends_on=("postgres", "payments"), tier=1, metrics=(SELECTOR,)),
            Service(name="postgres", kind="database"),
            Service(name="payments", kind="third_party"),
        ),
        "goals": {
            "shop": (
                GoalRule(name="failed answers", kind="errors", expression="errors", bound=0.02, unit="share"),
            )
        },
    }
)


class Charted(Users):
    """Users whose monitoring also has series to look at."""

    held: Sequence[Series] = ()
    hurts_from: datetime = START

    async def series(self, selector: str, window: Window, step: timedelta) -> Sequence[Series]:  # noqa: ARG002 - all it has
        start, end = window.start.timestamp(), window.end.timestamp()
        return [_cut(one, start, end) for one in self.held]

    async def value(self, expression: str, at: datetime) -> float | None:
        return 0.001 if at < self.hurts_from else await super().value(expression, at)


def waiting(client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """One that asks which incident an alert became, and waits for the answer."""
    client.headers["prefer"] = "wait=5"
    return client


class House(Night):
    """A night with its doors open."""

    app: Starlette

    def __init__(self, folder: Path, start: datetime = START) -> None:
        self.start = start
        super().__init__(folder, WEB_RULES)

    def restart(self) -> None:
        if self._lives == 0:
            self.clock = VirtualClock(self.start)
            self.traffic._clock = self.clock  # noqa: SLF001 - the night made it before the start was known
            self.traffic._counted_to = self.start  # noqa: SLF001 - same
            self.users = Charted(self.traffic, self.database)
            self.users.held = _series(self.start)
            self.users.hurts_from = self.start - timedelta(seconds=HURT_S)
            self.database.report = _report(self.start)
        super().restart()
        logs = (MemoryLogs(_lines(self.start), "shop.log"),)
        self.outside = replace(self.outside, logs=logs, probes={"postgres": self.database}, sources=SOURCES)
        self.worker = Worker(self.outside)
        self.app = self.open()

    def open(self) -> Starlette:
        return build_app(self.outside, SECRETS, names=("console.test",))

    def client(self, **given: object) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=True)
        return waiting(httpx2.AsyncClient(transport=transport, base_url=BASE, **given))

    async def visit(self, name: str = "ana") -> "Browser":
        browser = Browser(self.client())
        await browser.sign_in(name)
        return browser

    async def break_shop(self, title: str = "5xx above 2 % of answers", status: str = "firing") -> str:
        """A release that leaks is deployed, its alert comes in, and the engine looks."""
        change = {
            "id": "deploy-118",
            "service": "shop",
            "kind": "code",
            "version": "1.1",
            "previous": "1.0",
            "author": "kim",
            "summary": "retry the lookup of an order on timeout",
            "diff": "-    with pool.connection() as db:\n+    db = pool.getconn()\n+    try:",
            "started_at": (self.start - timedelta(seconds=LEAK_S)).isoformat(),
        }
        async with self.client(headers=bearer(INGEST)) as machine:
            assert (await machine.post("/changes", json=change)).status_code == 201
            answer = await machine.post("/alerts/generic", json=alert(title, status))
        assert answer.status_code == 202, answer.text
        await self.turn()
        return str(answer.json()["incidents"][0])

    async def start_rollout(self, incident: str) -> None:
        """The approved fix gets its first traffic; the control's burstiness is known by then."""
        await self.pass_time(1)
        rollout = self.view(incident).rollout
        assert rollout is not None, self.view(incident).incident.note
        with self.outside.ledger.write() as tx:
            tx.save_rollout(rollout.model_copy(update={"phi": dict.fromkeys(METRICS, 1.0)}))
        await self.pass_time(1)


class Browser:
    """A person's browser: it has the cookie and sends the token its page gave it."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client
        self.csrf = ""

    async def sign_in(self, name: str, pin: str = PIN, path: str = "") -> httpx2.Response:
        await self.get("/sign-in")
        answer = await self.post("/sign-in", name=name, pin=pin, next=path)
        if answer.status_code == 303:
            await self.get("/incidents")
        return answer

    async def get(self, path: str) -> httpx2.Response:
        answer = await self.client.get(path)
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', answer.text)
        self.csrf = found.group(1) if found else self.csrf
        return answer

    async def post(self, path: str, **fields: str) -> httpx2.Response:
        return await self.client.post(path, data={"csrf": self.csrf, **fields})

    async def answer(self, plan: str, digest: str, answer: str = "approve", **more: str) -> httpx2.Response:
        return await self.post(f"/plans/{plan}/decision", digest=digest, answer=answer, **more)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(name: str = "ana", pin: str = PIN) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{pin}".encode()).decode()}


def alert(title: str = "HighErrorRate", status: str = "firing", service: str = "shop") -> dict[str, str]:
    return {
        "title": title,
        "service": service,
        "severity": "critical",
        "status": status,
        "dedup_key": f"{service}:{title}"[:250],
        "summary": title,
    }


def _cut(series: Series, start: float, end: float) -> Series:
    kept = [(at, one) for at, one in zip(series.times, series.values, strict=True) if start <= at < end]
    return series.model_copy(
        update={"times": tuple(at for at, _ in kept), "values": tuple(one for _, one in kept)}
    )


def _series(start: datetime) -> list[Series]:
    """Ten calm minutes, then a pool that fills, requests that queue, and answers that fail."""
    rng = random.Random(7)  # noqa: S311 - noise, the same each time
    seconds = range(-CALM_S, 1)
    times = tuple(start.timestamp() + at for at in seconds)
    leaked = [max(0.0, min(1.0, (at + LEAK_S - 5) / 30)) for at in seconds]
    hurt = [1.0 if at >= -HURT_S else 0.0 for at in seconds]
    gauges = {
        ("shop_db_pool_connections", "in_use"): [round(3 + 17 * x + rng.random() * 2) for x in leaked],
        ("shop_db_pool_connections", "max"): [20.0 for _ in leaked],
        ("shop_db_pool_waiting", ""): [30 * x * x + rng.random() for x in leaked],
        ("process_resident_memory_bytes", ""): [9e7 + rng.random() * 1e6 for _ in leaked],
    }
    rates = {
        ("shop_requests_total", "200"): [40 - 14 * x + rng.gauss(0, 2) for x in hurt],
        ("shop_requests_total", "503"): [0.04 + 13 * x + rng.random() * x for x in hurt],
        ("shop_db_pool_timeouts_total", ""): [12 * x + rng.random() * x for x in hurt],
        ("shop_db_query_total", ""): [80 - 50 * x + rng.gauss(0, 3) for x in hurt],
    }
    found = [_one(name, "state", label, times, values) for (name, label), values in gauges.items()]
    return found + [_one(name, "code", label, times, _added(v)) for (name, label), v in rates.items()]


def _one(name: str, key: str, label: str, times: tuple[float, ...], values: Sequence[float]) -> Series:
    labels = {"job": "shop", "instance": "shop-1", **({key: label} if label else {})}
    if name == "shop_requests_total":
        labels["route"] = "/orders"
    return Series(name=name, labels=labels, times=times, values=tuple(map(float, values)))


def _added(rates: Sequence[float]) -> list[float]:
    total, found = 1000.0, []
    for one in rates:
        total += max(one, 0.0)
        found.append(total)
    return found


def _lines(start: datetime) -> list[LogLine]:
    calm = [
        _line(start, -at, "info", f"order {1000 + at} answered in {20 + at % 7} ms") for at in range(CALM_S)
    ]
    timeouts = [
        _line(start, -at, "error", f"no free connection after 2.0 s for order {at} <script>alert(1)</script>")
        for at in range(HURT_S)
    ]
    return [*calm, *timeouts]


def _line(start: datetime, second: int, severity: str, message: str) -> LogLine:
    at = start + timedelta(seconds=second)
    return LogLine(at=at, service="shop", severity=severity, message=message, ref=f"shop.log:{second}")


def _report(at: datetime) -> DatabaseReport:
    query = "SELECT id, total FROM orders WHERE id = $1"
    idle = [
        Session(
            pid=100 + one,
            application="shop-1",
            state="idle in transaction",
            transaction_s=60.0 - one,
            state_s=59.0 - one,
            query=query,
        )
        for one in range(18)
    ]
    return DatabaseReport(
        database="postgres", at=at.astimezone(UTC), sessions=tuple(idle), max_connections=60
    )
