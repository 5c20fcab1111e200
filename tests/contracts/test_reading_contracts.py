"""What every LogSource, MetricSource and ChangeSource promises, adapters and fakes alike."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from servers import Reply, Request, http_server, reply_json

from steadyhand.adapters.logs.files import FileLogs, FileLogSettings
from steadyhand.adapters.metrics.prometheus import Prometheus, PrometheusSettings
from steadyhand.journey.evidence.model import Change, LogLine, Series, Window
from steadyhand.ports import LogSource, MetricSource, SourceError, SourceRefused, SourceUnavailable
from steadyhand.testing.sources import MemoryChanges, MemoryLogs, MemoryMetrics

pytestmark = pytest.mark.anyio
START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
SECRET = "hunter2"


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


WINDOW = Window(start=at(10), end=at(20))
SECONDS = (9, 19, 20, 10, 15)  # before, in, at the end, at the start, in


def memory_logs(_: Path) -> LogSource:
    return MemoryLogs(
        [
            LogLine(at=at(s), service=name, severity="INFO", message=f"{name} {s}", ref=f"{s}")
            for name in ("shop", "cart")
            for s in SECONDS
        ]
    )


def file_logs(folder: Path) -> LogSource:
    for name in ("shop", "cart"):
        lines = (f'{{"ts": "{at(s).isoformat()}", "msg": "{name} {s}"}}\n' for s in SECONDS)
        (folder / f"{name}.log").write_text("".join(lines))
    files = {name: (f"{folder}/{name}.log",) for name in ("shop", "cart", "gone")}
    return FileLogs(FileLogSettings(files=files))


LOGS = pytest.mark.parametrize("make", [memory_logs, file_logs])


@LOGS
async def test_lines_are_of_the_window_start_included_end_excluded_oldest_first(
    make: Callable[[Path], LogSource], tmp_path: Path
) -> None:
    lines = (await make(tmp_path).read(["shop"], WINDOW)).lines
    assert [one.message for one in lines] == ["shop 10", "shop 15", "shop 19"]


@LOGS
async def test_lines_of_several_services_are_one_story(
    make: Callable[[Path], LogSource], tmp_path: Path
) -> None:
    lines = (await make(tmp_path).read(["shop", "cart"], WINDOW)).lines
    assert [one.at for one in lines] == sorted(one.at for one in lines)
    assert {one.service for one in lines} == {"shop", "cart"}


@LOGS
async def test_each_line_can_be_opened_again(make: Callable[[Path], LogSource], tmp_path: Path) -> None:
    lines = (await make(tmp_path).read(["shop"], WINDOW)).lines
    assert len({one.ref for one in lines}) == len(lines)


@LOGS
async def test_services_a_log_source_holds_nothing_of_are_named_and_no_gap(
    make: Callable[[Path], LogSource], tmp_path: Path
) -> None:
    report = await make(tmp_path).read(["shop", "stranger"], WINDOW)
    assert report.unlogged == ("stranger",)
    assert report.gaps == ()


async def test_a_log_source_that_cannot_read_says_so_by_name(tmp_path: Path) -> None:
    failing = MemoryLogs(name="files")
    failing.failure = SourceUnavailable("files", "disk")
    for source, service in ((failing, "shop"), (file_logs(tmp_path), "gone")):
        with pytest.raises(SourceError) as caught:
            await source.read([service], WINDOW)
        assert caught.value.source == source.name


POINTS = tuple((START.timestamp() + second, float(second)) for second in range(5, 26))
HELD = Series(
    name="up", labels={"job": "shop"}, times=tuple(t for t, _ in POINTS), values=tuple(v for _, v in POINTS)
)
Metrics = Callable[[], AbstractAsyncContextManager[MetricSource]]


@asynccontextmanager
async def memory_metrics() -> AsyncIterator[MetricSource]:
    yield MemoryMetrics({"up": [HELD]}, {"sum(up)": 3.0, "nothing": None})


@asynccontextmanager
async def prometheus() -> AsyncIterator[MetricSource]:
    def answer(request: Request) -> Reply:
        if request.path.endswith("query_range"):
            return reply_json(
                {"status": "success", "data": {"resultType": "matrix", "result": ranges(request)}}
            )
        known = [{"metric": {}, "value": [1, "3"]}] if request.query["query"] == "sum(up)" else []
        return reply_json({"status": "success", "data": {"resultType": "vector", "result": known}})

    def ranges(request: Request) -> Sequence[object]:
        first, last, step = (float(request.query[name]) for name in ("start", "end", "step"))
        values = [[t, f"{v}"] for t, v in POINTS if first <= t <= last and (t - first) % step == 0]
        metric = {"__name__": "up", "job": "shop"}
        return [{"metric": metric, "values": values}] if request.query["query"] == "up" else []

    async with http_server(answer) as server, httpx2.AsyncClient() as client:
        yield Prometheus(PrometheusSettings(url=server.url), client)


METRICS = pytest.mark.parametrize("make", [memory_metrics, prometheus])


@METRICS
async def test_a_series_lies_in_the_window_on_its_step(make: Metrics) -> None:
    async with make() as source:
        (one,) = await source.series("up", WINDOW, timedelta(seconds=5))
    assert (one.name, one.labels, one.values) == ("up", {"job": "shop"}, (10, 15))
    assert one.times == (at(10).timestamp(), at(15).timestamp())


@METRICS
async def test_nothing_known_is_nothing_and_no_zero(make: Metrics) -> None:
    async with make() as source:
        assert list(await source.series("unknown", WINDOW, timedelta(seconds=5))) == []
        assert await source.value("nothing", START) is None
        assert await source.value("sum(up)", START) == 3


@pytest.mark.parametrize(
    "reply", [Reply(401, SECRET.encode()), Reply(500), Reply(then="reset"), Reply(200, b"<p>"), Reply(403)]
)
async def test_a_failing_metric_source_leaks_no_secret(reply: Reply) -> None:
    settings = PrometheusSettings.model_validate(
        {"url": "http://127.0.0.1:1", "auth": "bearer", "timeout": "2s"}
    )
    async with http_server(lambda _: reply) as server, httpx2.AsyncClient() as client:
        here = settings.model_copy(update={"url": server.url})
        source = Prometheus(here, client, SecretStr(SECRET))
        with pytest.raises(SourceError) as caught:
            await source.value("up", START)
    assert SECRET not in whole_text(caught.value)
    assert SECRET not in repr(vars(source))


async def test_changes_are_those_that_began_in_the_window_oldest_first() -> None:
    def change(second: float, service: str = "shop") -> Change:
        return Change(id=f"{service}-{second}", service=service, kind="code", started_at=at(second))

    source = MemoryChanges([*(change(s) for s in SECONDS), change(12, "cart")])
    found = await source.changes(["shop"], WINDOW)
    assert [one.id for one in found] == ["shop-10", "shop-15", "shop-19"]
    source.failure = SourceRefused("memory", "no")
    with pytest.raises(SourceRefused):
        await source.changes(["shop"], WINDOW)


def whole_text(error: BaseException | None) -> str:
    """The error and all its causes as a log would show them."""
    text = ""
    while error is not None:
        text += f"{error!r} {error}\n"
        error = error.__cause__ or error.__context__
    return text
