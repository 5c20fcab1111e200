"""The checks of the catalogue, against real sockets; Redis against a real server where it is installed."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
import trustme
from fake_cluster import TOKEN, FakeCluster
from pydantic import SecretStr, TypeAdapter, ValidationError
from servers import Reply, free_port, http_server, running

from steadyhand.adapters.checks.catalogue import build_checks
from steadyhand.adapters.checks.settings import CheckSettings
from steadyhand.adapters.edges.promql import EdgeSettings, PromqlEdges
from steadyhand.journey.change.finding import Finding
from steadyhand.journey.evidence.model import DatabaseReport, Series, Session, Window
from steadyhand.ports import SourceRefused, SourceUnavailable
from steadyhand.testing.database import MemoryDatabase
from steadyhand.testing.sources import MemoryMetrics

pytestmark = pytest.mark.anyio
AT = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


async def run(
    secret: str = "", at: datetime = AT, metrics: MemoryMetrics | None = None, **given: object
) -> Finding:
    settings: CheckSettings = TypeAdapter(CheckSettings).validate_python({"target": "shop", **given})
    async with httpx2.AsyncClient() as client:
        (one,) = build_checks(
            [settings],
            client,
            lambda _: SecretStr(secret) if secret else None,
            [metrics] if metrics else [],
            [],
        )
        return await one.run(at)


async def test_a_name_that_resolves_is_fine_and_one_that_does_not_says_so() -> None:
    assert (await run(kind="dns", host="localhost")).fine
    assert (await run(kind="dns", host="nowhere.invalid")).fine is False


async def test_a_port_nobody_listens_on_is_not_fine() -> None:
    async with http_server(lambda _: Reply()) as server:
        port = int(server.url.rpartition(":")[2])
        assert (await run(kind="tcp", host="127.0.0.1", port=port)).fine
    assert (await run(kind="tcp", host="127.0.0.1", port=free_port())).fine is False


async def test_a_health_page_is_judged_by_its_status_and_no_redirect_is_followed() -> None:
    async with http_server(lambda _: Reply(200, b"ok")) as server:
        assert (await run(kind="http", url=f"{server.url}/healthz")).fine
    for status in (404, 500, 503):
        async with http_server(lambda _, status=status: Reply(status)) as server:
            found = await run(kind="http", url=server.url)
        assert found.fine is False
        assert found.words.startswith(f"answered {status}")
    async with http_server(lambda _: Reply(302, b"", {"location": "http://elsewhere.example"})) as server:
        with pytest.raises(SourceRefused):
            await run(kind="http", url=server.url)


@asynccontextmanager
async def tls_server(tmp_path: Path, ends: datetime) -> AsyncIterator[dict[str, object]]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", not_after=ends).configure_cert(context)
    async with http_server(lambda _: Reply(), tls=context) as server:
        port = int(server.url.rpartition(":")[2])
        yield {"kind": "tls", "host": "localhost", "port": port, "ca_file": str(tmp_path / "ca.pem")}


async def test_a_certificate_is_told_with_the_days_it_has_left(tmp_path: Path) -> None:
    ends = datetime(2038, 1, 1, tzinfo=UTC)
    async with tls_server(tmp_path, ends) as given:
        good = await run(at=ends - timedelta(days=30), **given)
        soon = await run(at=ends - timedelta(days=3), **given)
        over = await run(at=ends + timedelta(days=1), **given)
        unknown = await run(at=ends - timedelta(days=30), **{**given, "ca_file": ""})
    assert (good.fine, good.figures["left"]) == (True, "30.0 days")
    assert (soon.fine, over.fine, unknown.fine) == (False, False, False)
    assert over.words.startswith("EXPIRED")
    assert "refuses" in unknown.words


async def test_a_number_over_its_limit_is_not_fine_and_no_sample_is_no_answer() -> None:
    metrics = MemoryMetrics(values={"disk": 0.95, "none": None}, name="prometheus")
    given = {"kind": "metric", "what": "disk in use", "most": 0.9}
    assert (await run(metrics=metrics, expression="disk", **given)).fine is False
    assert (await run(metrics=metrics, expression="none", **given)).fine is None


async def test_a_number_may_have_a_lower_limit_too_and_one_without_any_is_refused() -> None:
    metrics = MemoryMetrics(values={"up": 2.0}, name="prometheus")
    given = {"kind": "metric", "what": "replicas up", "expression": "up"}
    found = await run(metrics=metrics, least=3, **given)
    assert (found.fine, found.words) == (False, "2, limit at least 3")
    assert (await run(metrics=metrics, least=1, most=2, **given)).fine is True
    with pytest.raises(ValidationError, match="give most, least or both"):
        await run(metrics=metrics, **given)


async def test_a_database_s_old_transactions_waits_and_full_pool_are_named() -> None:
    sessions = tuple(
        Session(pid=n, application="shop", state="active", transaction_s=900, blocked_by=(1,) if n else ())
        for n in range(10)
    )
    report = DatabaseReport(database="postgres", at=AT, sessions=sessions, max_connections=10)
    async with httpx2.AsyncClient() as client:
        (one,) = build_checks([], client, lambda _: None, [], [MemoryDatabase(report, name="postgres")])
        found = await one.run(AT)
    assert found.fine is False
    for part in ("connections nearly used up", "open for 900 s", "9 sessions wait"):
        assert part in found.words


async def test_pods_that_are_not_ready_say_why() -> None:
    fake = FakeCluster()
    for name, state in (("shop-1", "ready"), ("shop-2", "crash")):
        pod = fake.add("pods", name, {"containers": []}, metadata={"labels": {"app": "shop"}})
        waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 7,
                   "lastState": {"terminated": {"reason": "OOMKilled"}}}  # fmt: skip
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        pod["status"] = ready if state == "ready" else {"containerStatuses": [waiting]}
    async with http_server(fake.answer) as server:
        given = {"kind": "pods", "api_url": server.url, "token_env": "T", "labels": {"app": "shop"}}
        found = await run(secret=TOKEN, **given)
    assert found.fine is False
    assert found.words == "shop-2: CrashLoopBackOff, last ended: OOMKilled"
    assert found.figures == {"ready": "1 of 2", "restarts": "7"}


async def test_a_real_redis_tells_memory_and_clients_and_a_wrong_password_leaks_nothing(
    tmp_path: Path,
) -> None:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server: Debian's package is not installed")
    port = free_port()
    options = ["--port", str(port), "--save", "", "--requirepass", "r1ght-word", "--dir", str(tmp_path)]
    given = {"kind": "redis", "host": "127.0.0.1", "port": port}
    with running([program, *options, "--logfile", str(tmp_path / "log"), "--maxmemory", "64mb"]):
        for _ in range(200):
            if (await run(kind="tcp", host="127.0.0.1", port=port)).fine:
                break
            await asyncio.sleep(0.02)
        found = await run(secret="r1ght-word", **given)
        with pytest.raises(SourceRefused) as caught:
            await run(secret="wr0ng-word", **given)
    assert found.fine
    assert "of 64.0 MB" in found.figures["memory"]
    assert "wr0ng-word" not in str(caught.value)
    with pytest.raises(SourceUnavailable):
        await run(secret="r1ght-word", **given)


@pytest.mark.parametrize("host", ["a b", "x;id", "-oProxyCommand=x", "http://x", ""])
def test_a_host_that_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(CheckSettings).validate_python({"kind": "dns", "target": "shop", "host": host})


async def test_edges_come_from_the_counters_of_a_mesh_under_our_names() -> None:
    settings = EdgeSettings.model_validate(
        {"kind": "promql", "calls": "calls", "errors": "errors", "names": {"web": "shop"}}
    )

    def series(client: str, server: str, rate: float, kind: str = "") -> Series:
        times = tuple(AT.timestamp() + n for n in range(60))
        labels = {"client": client, "server": server, "connection_type": kind}
        return Series(name="", labels=labels, times=times, values=(rate,) * 60)

    held = {
        "calls": [
            series("web", "orders-db", 2, "database"),
            series("unknown", "web", 9),
            series("web", "old", 0),
        ],
        "errors": [series("web", "orders-db", 0.5)],
    }
    window = Window(start=AT, end=AT + timedelta(seconds=60))
    (edge,) = await PromqlEdges(settings, MemoryMetrics(held)).edges(window)
    assert (edge.caller, edge.callee, edge.callee_kind) == ("shop", "orders-db", "database")
    assert (edge.calls, edge.errors) == (120, 30)
