"""What every TrafficTarget, database port, Channel and Clock promises, adapters and fakes alike."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from balancers import command_world, haproxy_world, needs_haproxy, needs_nginx, nginx_world
from envoy_world import envoy_world
from pydantic import SecretStr
from remote_worlds import WORLDS, RemoteWorld
from servers import Reply, free_port, postgres
from vendors.base import Trouble
from vendors.line_up import LINES, Lines

from steadyhand.adapters.channels.terminal import TerminalChannel, TerminalSettings
from steadyhand.adapters.databases.postgres import PostgresProbe, PostgresSettings
from steadyhand.adapters.databases.postgres_hand import PostgresHand, PostgresHandSettings
from steadyhand.adapters.machine import SystemClock
from steadyhand.journey.evidence.model import DatabaseReport, Index
from steadyhand.journey.remedy.model import CancelBackend, CreateIndex, DropIndex, SetSetting
from steadyhand.ports import (
    Channel,
    Clock,
    DatabaseHand,
    DatabaseProbe,
    ForeignChange,
    Letter,
    SourceError,
    SourceRefused,
    TrafficTarget,
)
from steadyhand.testing.clock import VirtualClock
from steadyhand.testing.database import MemoryDatabase
from steadyhand.testing.phone import Phone
from steadyhand.testing.traffic import TrafficSimulator

pytestmark = [pytest.mark.anyio, pytest.mark.timed]
SECRET = "hunter2"
LETTER = Letter(key="k1", target="ann", subject="SEV1", body="shop", thread="inc-1:0")
LEASE = timedelta(seconds=0.6)
LONG = timedelta(seconds=60)
Pass = Callable[[float], object]
Traffic = Callable[[Path], AbstractAsyncContextManager[tuple[TrafficTarget, Pass]]]


@asynccontextmanager
async def simulator(_: Path) -> AsyncIterator[tuple[TrafficTarget, Pass]]:
    clock = VirtualClock()
    yield TrafficSimulator(clock, version="1.0"), lambda seconds: clock.advance(seconds=seconds)


@asynccontextmanager
async def envoy(folder: Path) -> AsyncIterator[tuple[TrafficTarget, Pass]]:
    async with envoy_world(folder) as world:

        async def pass_with_traffic(seconds: float) -> None:
            await world.ask(80)
            await asyncio.sleep(seconds)

        yield world.traffic(), pass_with_traffic


@asynccontextmanager
async def haproxy(folder: Path) -> AsyncIterator[tuple[TrafficTarget, Pass]]:
    async with haproxy_world(folder) as world:
        target = world.traffic()
        await target.slow_limits()  # its log is read from here on
        yield target, world.pass_with_traffic


@asynccontextmanager
async def nginx(folder: Path) -> AsyncIterator[tuple[TrafficTarget, Pass]]:
    async with nginx_world(folder) as world:
        target = world.traffic()
        await target.slow_limits()
        yield target, world.pass_with_traffic


@asynccontextmanager
async def command(folder: Path) -> AsyncIterator[tuple[TrafficTarget, Pass]]:
    async with command_world(folder) as target:
        yield target, asyncio.sleep


def far_away(world: Callable[[Path], AbstractAsyncContextManager[RemoteWorld]]) -> Traffic:
    @asynccontextmanager
    async def make(folder: Path) -> AsyncIterator[tuple[TrafficTarget, Pass]]:
        async with world(folder) as one:
            yield one.traffic(), one.pass_time

    return make


TRAFFIC = pytest.mark.parametrize(
    "make",
    [
        simulator,
        envoy,
        pytest.param(haproxy, marks=needs_haproxy),
        pytest.param(nginx, marks=needs_nginx),
        command,
        *(pytest.param(far_away(one), id=one.__name__) for one in WORLDS),
    ],
)


@TRAFFIC
async def test_a_step_reads_back_what_it_set_and_may_be_repeated(make: Traffic, tmp_path: Path) -> None:
    async with make(tmp_path) as (target, _):
        first = await target.observe()
        assert (first.share, first.stable_version, first.canary_version, first.owner) == (0, "1.0", "", "")
        for _ in range(2):
            seen = await target.prepare("1.1", 2)
            assert (seen.share, seen.canary_version) == (0, "1.1")
            assert seen.canary_ready >= 2  # Argo's steps say how many
        for _ in range(2):
            seen = await target.set_share(0.25, LONG)
            assert (seen.share, seen.canary_version, seen.owner) == (0.25, "1.1", target.mark)
        for _ in range(2):
            seen = await target.settle("1.1")
            assert (seen.share, seen.stable_version, seen.canary_version, seen.owner) == (0, "1.1", "", "")


@TRAFFIC
async def test_a_revert_brings_all_home_and_may_be_repeated(make: Traffic, tmp_path: Path) -> None:
    async with make(tmp_path) as (target, _):
        await target.prepare("1.1", 1)
        await target.set_share(1.0, LONG)
        for _ in range(2):
            seen = await target.revert()
            assert (seen.share, seen.stable_version, seen.canary_version, seen.owner) == (0, "1.0", "", "")


@TRAFFIC
async def test_without_renewal_traffic_is_stable_again_after_the_lease(make: Traffic, tmp_path: Path) -> None:
    async with make(tmp_path) as (target, pass_time):
        await target.prepare("1.1", 1)
        await target.set_share(0.5, LEASE)
        await await_it(pass_time(LEASE.total_seconds() + 1))
        seen = await target.observe()
        assert (seen.share, seen.owner) == (0, "")
        assert seen.canary_version in {"1.1", ""}  # Flagger empties the arm in the same breath


@TRAFFIC
async def test_an_empty_arm_gets_no_traffic_and_a_busy_one_is_not_changed(
    make: Traffic, tmp_path: Path
) -> None:
    async with make(tmp_path) as (target, _):
        with pytest.raises(SourceRefused):
            await target.set_share(0.05, LONG)
        await target.prepare("1.1", 1)
        await target.set_share(0.05, LONG)
        with pytest.raises(SourceRefused):
            await target.prepare("1.0", 1)
        await target.revert()


@TRAFFIC
async def test_counters_only_grow_and_both_arms_are_of_one_instant(make: Traffic, tmp_path: Path) -> None:
    async with make(tmp_path) as (target, pass_time):
        await target.prepare("1.1", 1)
        await target.set_share(0.5, LONG)
        before = await target.counters((100, 250))
        await await_it(pass_time(1))
        after = await target.counters((100, 250))
        assert after.at > before.at
        for arm in ("stable", "canary"):
            old, new = getattr(before, arm), getattr(after, arm)
            assert new.requests > old.requests
            assert new.requests >= new.errors >= old.errors
        await target.revert()


@TRAFFIC
async def test_a_process_that_was_overtaken_while_it_slept_moves_nothing(
    make: Traffic, tmp_path: Path
) -> None:
    async with make(tmp_path) as (target, _):
        await target.prepare("1.1", 1)
        await target.set_share(0.05, LONG, 7)
        with pytest.raises(ForeignChange, match="another process of ours"):
            await target.set_share(1.0, LONG, 6)
        assert (await target.observe()).share == 0.05
        await target.revert()


@TRAFFIC
async def test_a_target_tells_its_slow_limits_and_the_way_back_by_hand(make: Traffic, tmp_path: Path) -> None:
    async with make(tmp_path) as (target, pass_time):
        await await_it(pass_time(1))
        limits = await target.slow_limits()
        assert limits is not None
        assert 0 < limits[0] <= limits[1]
        assert target.by_hand()


INDEX = CreateIndex(database="pg", table="orders", columns=("email",), name="orders_email")


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with postgres() as address:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("create table orders (id int primary key, email text)")
        yield address


def memory_database(_: str) -> tuple[DatabaseProbe, DatabaseHand]:
    pkey = Index(name="orders_pkey", table="orders", columns=("id",), valid=True)
    report = DatabaseReport(database="pg", at=datetime(2026, 1, 1, tzinfo=UTC), indexes=(pkey,))
    one = MemoryDatabase(report, name="pg")
    return one, one


def real_database(dsn: str) -> tuple[DatabaseProbe, DatabaseHand]:
    probe = PostgresSettings(name="pg", dsn_env="X", sample=timedelta(seconds=0.1))
    hand = PostgresHandSettings(name="pg", dsn_env="X")
    return PostgresProbe(probe, SecretStr(dsn)), PostgresHand(hand, SecretStr(dsn))


DATABASES = pytest.mark.parametrize("make", [memory_database, real_database])
Database = Callable[[str], tuple[DatabaseProbe, DatabaseHand]]


@DATABASES
async def test_an_index_goes_from_absent_to_valid_and_back_and_the_probe_sees_it(
    make: Database, dsn: str
) -> None:
    probe, hand = make(dsn)
    at = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
    drop = DropIndex(database="pg", name=INDEX.name)
    assert await hand.state(INDEX) == "not done"
    for _ in range(2):
        await hand.act(INDEX)
        assert (await hand.state(INDEX), await hand.state(drop)) == ("done", "not done")
    report = await probe.look(at)
    assert (report.database, report.at) == ("pg", at)
    assert {one.name: (one.columns, one.valid) for one in report.indexes} == {
        "orders_pkey": (("id",), True),
        "orders_email": (("email",), True),
    }
    for _ in range(2):
        await hand.act(drop)
        assert (await hand.state(INDEX), await hand.state(drop)) == ("not done", "done")


@DATABASES
async def test_a_parameter_is_set_and_reset_and_a_statement_that_is_gone_needs_no_cancelling(
    make: Database, dsn: str
) -> None:
    _, hand = make(dsn)
    for action in (
        SetSetting(database="pg", name="work_mem", value="8MB"),
        SetSetting(database="pg", name="work_mem", value=None),
    ):
        for _ in range(2):
            await hand.act(action)
            assert await hand.state(action) == "done"
    at = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
    gone = CancelBackend(database="pg", pid=1, backend_start=at, query_start=at)
    assert await hand.state(gone) == "done"
    await hand.act(gone)
    assert hand.by_hand(gone)


async def test_a_dead_database_is_a_gap_for_the_probe_and_an_error_for_the_hand_and_leaks_no_secret() -> None:
    memory, _ = memory_database("")
    assert isinstance(memory, MemoryDatabase)
    memory.failure = SourceRefused("pg", "gone")
    real = real_database(f"postgresql://me:{SECRET}@127.0.0.1:{free_port()}/x")
    for probe, hand in ((memory, memory), real):
        report = await probe.look(datetime(2026, 1, 31, tzinfo=UTC))
        assert len(report.gaps) == 1
        assert SECRET not in report.gaps[0]
        with pytest.raises(SourceError) as caught:
            await hand.act(INDEX)
        assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r}"


Channels = Callable[[Path], AbstractAsyncContextManager[tuple[Channel, str]]]


@asynccontextmanager
async def phone(_: Path) -> AsyncIterator[tuple[Channel, str]]:
    yield Phone(), "ann"


@asynccontextmanager
async def terminal(folder: Path) -> AsyncIterator[tuple[Channel, str]]:
    yield TerminalChannel(TerminalSettings(path=str(folder / "out"))), "ann"


def _of(make: Lines) -> Channels:
    @asynccontextmanager
    async def channel(folder: Path) -> AsyncIterator[tuple[Channel, str]]:
        async with make(folder) as line:
            yield line.channel, line.target
            line.arrived()

    return channel


CHANNELS = {"phone": phone, "terminal": terminal, **{name: _of(make) for name, make in LINES.items()}}


@pytest.mark.parametrize("make", CHANNELS.values(), ids=CHANNELS)
async def test_a_message_has_an_id_and_the_same_key_the_same_id(make: Channels, tmp_path: Path) -> None:
    async with make(tmp_path) as (channel, target):
        one = LETTER.model_copy(update={"target": target})
        other = one.model_copy(update={"key": "k2", "thread": "inc-2:0"})
        first = await channel.send(one)
        again = await channel.find(one) or await channel.send(one)
        assert first == again != await channel.send(other)


@pytest.mark.parametrize("make", LINES.values(), ids=LINES)
@pytest.mark.parametrize("reply", [Reply(503), Reply(400), Reply(then="reset")], ids=["503", "400", "reset"])
async def test_a_failing_channel_leaks_no_secret(make: Lines, reply: Reply, tmp_path: Path) -> None:
    async with make(tmp_path) as line:
        for _ in range(3):
            line.fails(Trouble(reply, after_commit=reply.then == "reset"))
        with pytest.raises(SourceError) as caught:
            await line.channel.send(LETTER.model_copy(update={"target": line.target}))
        assert line.secret not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
        line.arrived()


async def test_a_clock_is_in_utc_and_a_sleep_ends_when_its_span_has_passed() -> None:
    virtual = VirtualClock()

    async def real_pass() -> None:
        await asyncio.sleep(0.2)

    for clock, go_on in ((virtual, lambda: virtual.advance(seconds=0.2)), (SystemClock(), real_pass)):
        one: Clock = clock
        began = one.now()
        assert began.tzinfo is UTC
        sleep = asyncio.create_task(one.sleep(timedelta(seconds=0.1)))
        await asyncio.sleep(0)
        assert not sleep.done()
        await go_on()
        assert sleep.done()
        assert one.now() - began >= timedelta(seconds=0.1)


async def test_virtual_sleepers_wake_in_order_each_at_its_own_instant() -> None:
    clock, woken = VirtualClock(), list[tuple[str, float]]()
    start = clock.now()

    async def every(name: str, seconds: float) -> None:
        for _ in range(2):
            await clock.sleep(timedelta(seconds=seconds))
            woken.append((name, (clock.now() - start).total_seconds()))

    tasks = [asyncio.create_task(every("slow", 3)), asyncio.create_task(every("fast", 2))]
    await clock.advance(seconds=10)
    await asyncio.gather(*tasks)
    assert woken == [("fast", 2), ("slow", 3), ("fast", 4), ("slow", 6)]
    assert clock.now() - start == timedelta(seconds=10)


async def await_it(pending: object) -> None:
    if asyncio.iscoroutine(pending):
        await pending
