"""What every connector to traces promises, each against a server or files of its kind."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr, TypeAdapter
from servers import RESET, Reply, http_server
from trace_worlds import SECRET, START, FakeJaeger, FakeTempo, Op, TraceWorld, order, otlp

from steadyhand.adapters.traces.registry import TraceSettings, build_traces
from steadyhand.journey.evidence.model import Series, Window
from steadyhand.journey.evidence.traces import span_changes
from steadyhand.ports import ConfigError, SourceError, SourceRefused, SourceUnavailable, TraceSource
from steadyhand.testing.sources import MemoryMetrics

pytestmark = pytest.mark.anyio
SETTINGS: TypeAdapter[Any] = TypeAdapter(TraceSettings)
WINDOW = Window(start=START, end=START + timedelta(seconds=60))
ORDERS = [op for number in range(20) for op in order(f"t{number}", number, failed=number == 7)]
LATE = order("late", 90)
Make = Callable[..., AbstractAsyncContextManager[tuple[TraceSource, TraceWorld]]]


@pytest.fixture(params=["jaeger", "tempo", "otlp_file"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    kind = str(request.param)

    @asynccontextmanager
    async def made(
        ops: list[Op], secret: str = SECRET, **more: object
    ) -> AsyncIterator[tuple[TraceSource, TraceWorld]]:
        world: TraceWorld = FakeJaeger(ops) if kind == "jaeger" else FakeTempo(ops)
        if kind == "otlp_file":
            lines = (json.dumps({"resourceSpans": [one]}) for one in otlp(ops))
            (tmp_path / "traces.json").write_text("\n".join(lines) + "\n")
            given: dict[str, object] = {"kind": kind, "files": [f"{tmp_path}/*.json"]}
        else:
            given = {"kind": kind, "auth": "bearer", "secret_env": "TOKEN", "timeout": "1s"}
        async with http_server(world.answer) as server, httpx2.AsyncClient(trust_env=False) as client:
            where = {} if kind == "otlp_file" else {"url": server.url}
            settings = SETTINGS.validate_python(given | where | more)
            yield build_traces(settings, client, lambda _: SecretStr(secret), {}), world

    return made


@pytest.fixture
def served(make: Make, request: pytest.FixtureRequest) -> Make:
    if "otlp_file" in request.node.name:
        pytest.skip("files are read without a server")
    return make


async def test_edges_tell_who_calls_whom_how_often_how_long_and_how_well(make: Make) -> None:
    async with make([*ORDERS, *LATE]) as (source, _):
        edges = {(one.caller, one.callee): one for one in await source.edges(WINDOW)}
    assert sorted(edges) == [("shop", "cart"), ("shop", "orders")]
    cart, database = edges["shop", "cart"], edges["shop", "orders"]
    assert cart.calls >= 20
    assert (cart.errors, cart.p50_ms, cart.p95_ms) == (0, 20, 20)
    assert (database.calls, database.errors, database.callee_kind) == (20, 1, "database")
    assert {one.source for one in edges.values()} == {source.name}


async def test_spans_are_whole_traces_of_the_window_failed_ones_among_them(make: Make) -> None:
    async with make([*ORDERS, *LATE]) as (source, _):
        report = await source.spans(["cart"], WINDOW, 8)
    assert {one.trace for one in report.spans} <= {f"t{number}" for number in range(20)}
    traces = {one.trace for one in report.spans}
    assert 0 < len(traces) <= 8
    assert len(report.spans) == 3 * len(traces)
    (covered,) = report.coverage
    assert covered.read == len(traces)
    assert covered.sampled != ()
    (first, *_) = [one for one in report.spans if one.operation == "SELECT"]
    assert (first.service, first.peer, first.duration_ms) == ("shop", "orders", 50)


async def test_failed_traces_are_found_among_many(make: Make) -> None:
    async with make(ORDERS) as (source, _):
        report = await source.spans(["shop"], WINDOW, 4)
    assert "t7" in {one.trace for one in report.spans}


async def test_services_are_called_as_the_configuration_calls_them(make: Make) -> None:
    async with make(ORDERS, names={"cart": "basket", "orders": "postgres"}) as (source, _):
        edges = await source.edges(WINDOW)
        spans = (await source.spans(["basket"], WINDOW, 2)).spans
    assert {one.callee for one in edges} == {"basket", "postgres"}
    assert {one.service for one in spans} == {"shop", "basket"}


async def test_what_the_same_requests_do_otherwise_is_told(make: Make) -> None:
    now = [op for number in range(20) for op in order(f"n{number}", 100 + number, slow=4, failed=True)]
    now = [one for one in now if one.service != "cart"]
    later = Window(start=START + timedelta(seconds=100), end=START + timedelta(seconds=160))
    async with make([*ORDERS, *now]) as (source, _):
        before, after = [(await source.spans(["shop"], one, 40)).spans for one in (WINDOW, later)]
    found = {(one.service, one.operation): one for one in span_changes(before, after)}
    assert found["cart", "GET /cart"].missing > 3
    assert found["cart", "GET /cart"].blamed == "shop"
    assert found["shop", "SELECT"].slower == pytest.approx(4)
    assert found["shop", "SELECT"].failing > 3
    assert span_changes(before, before) == ()


async def test_nothing_there_is_nothing(make: Make) -> None:
    async with make(LATE) as (source, _):
        assert (await source.spans(["shop"], WINDOW, 5)).spans == ()


async def test_a_part_that_is_lost_is_a_gap(served: Make) -> None:
    other = [Op("x", "xa", "mail", "send", 5, 1)]
    async with served([*ORDERS, *other]) as (source, world):
        world.lost = "mail"
        report = await source.spans(["shop", "mail"], WINDOW, 100)
    assert len({one.trace for one in report.spans}) == 20
    assert any(source.name in one for one in report.gaps)


async def test_a_refused_sign_in_names_the_way_out_and_no_secret(served: Make) -> None:
    async with served(ORDERS, secret="wrong-but-secret") as (source, _):
        with pytest.raises(SourceRefused, match="TOKEN") as caught:
            await source.edges(WINDOW)
    assert "wrong-but-secret" not in f"{caught.value!r}{caught.value.__cause__!r}{vars(source)}"


@pytest.mark.parametrize(
    "reply", [Reply(200, b"<p>"), Reply(200, b'{"data": 3, "traces": 3}'), RESET, Reply(500)]
)
async def test_an_answer_nobody_can_use_fails_by_name(served: Make, reply: Reply) -> None:
    async with served(ORDERS, timeout="0.3s") as (source, world):
        world.first = [reply] * 60
        with pytest.raises(SourceError, match=source.name):
            await source.spans(["shop"], WINDOW, 5)


async def test_too_many_questions_wait_as_long_as_is_asked_and_not_beyond_the_deadline(served: Make) -> None:
    async with served(ORDERS) as (source, world):
        world.first = [Reply(429, headers={"retry-after": "0"})]
        assert (await source.spans(["shop"], WINDOW, 5)).spans
        world.first = [Reply(429, headers={"retry-after": "900"})] * 20
        with pytest.raises(SourceUnavailable, match="429"):
            await source.spans(["shop"], WINDOW, 5)


async def test_files_of_another_form_are_told_and_a_line_being_written_is_left(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"resourceSpans": otlp(order("t", 1))}) + '\nno json\n{"resourceSp')
    settings = SETTINGS.validate_python({"kind": "otlp_file", "files": [str(path)], "most_spans": 3})
    async with httpx2.AsyncClient() as client:
        source = build_traces(settings, client, lambda _: None, {})
        report = await source.spans((), WINDOW, 5)
        assert len(report.spans) == 3
        assert report.gaps == (f"otlp: {path}: 1 lines are no OTLP JSON",)
        path.unlink()
        with pytest.raises(SourceRefused, match="no file matches"):
            await source.edges(WINDOW)


async def test_tempos_service_graph_counts_all_calls_where_its_metrics_are_connected() -> None:
    by = "client, server, connection_type"
    graph = "traces_service_graph_request"
    seconds = f"sum by ({by}, le) (increase({graph}_server_seconds_bucket[60s]))"
    labels = {"client": "shop", "server": "orders", "connection_type": "database"}

    def held(value: float) -> list[Series]:
        return [Series(name="", labels=labels, times=(WINDOW.end.timestamp(),), values=(value,))]

    metrics = MemoryMetrics(
        {
            f"sum by ({by}) (increase({graph}_total[60s]))": held(1200.0),
            f"sum by ({by}) (increase({graph}_failed_total[60s]))": held(12.0),
            f"histogram_quantile(0.5, {seconds})": held(0.05),
            f"histogram_quantile(0.95, {seconds})": held(0.4),
        }
    )
    settings = SETTINGS.validate_python(
        {"kind": "tempo", "url": "http://127.0.0.1:1", "service_graph": "prom"}
    )
    async with httpx2.AsyncClient() as client:
        (edge,) = await build_traces(settings, client, lambda _: None, {"prom": metrics}).edges(WINDOW)
        with pytest.raises(ConfigError, match="no metrics are called 'prom'"):
            build_traces(settings, client, lambda _: None, {})
    assert (edge.caller, edge.callee, edge.callee_kind) == ("shop", "orders", "database")
    assert (edge.calls, edge.errors, edge.p50_ms, edge.p95_ms) == (1200, 12, 50, 400)
