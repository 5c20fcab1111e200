import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from balancers import BalancerWorld, arm_share, needs_nginx, nginx_world

from steadyhand.adapters.rollouts.balancers import nginx_file
from steadyhand.ports import EffectUnknown, ForeignChange, SourceRefused, SourceUnavailable

pytestmark = [pytest.mark.anyio, needs_nginx]
LONG = timedelta(seconds=60)
SLOW_MS = (100.0, 250.0)
OWNER = Path(__file__).parents[1] / "traffic_owner.py"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[BalancerWorld]:
    async with nginx_world(tmp_path) as one:
        yield one


async def test_the_achieved_share_is_what_was_asked(tmp_path: Path) -> None:
    async with nginx_world(tmp_path, echo=True) as world:
        target = world.traffic()
        await target.prepare("1.1", 1)
        await target.set_share(0.05, LONG)
        answers = await world.door.flood(48_000)
        assert arm_share(answers) == pytest.approx(0.05, abs=0.005)
        await target.revert()


async def test_a_dead_owner_gives_the_traffic_back_within_the_lease_and_a_second(
    world: BalancerWorld,
) -> None:
    await world.traffic().prepare("1.1", 1)
    settings = json.dumps({**world.settings, "log_listen": "127.0.0.1:1"})
    given = [sys.executable, str(OWNER), settings, str(world.leases), "1"]
    owner = await asyncio.create_subprocess_exec(*given, stdout=asyncio.subprocess.PIPE)
    assert owner.stdout is not None
    for _ in range(4):
        await owner.stdout.readline()
    owner.kill()
    killed = last = time.monotonic()
    while time.monotonic() < killed + 3:
        answers = await world.door.ask(40)
        last = time.monotonic() if arm_share(answers) else last
    await owner.wait()
    assert last - killed < 2
    note = json.loads((world.leases / "shop.watchdog.log").read_text())
    assert note["did"] == "set the share to 0"


async def test_a_renewal_does_not_reload(world: BalancerWorld) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    await target.set_share(0.05, LONG)
    written = changed_at(world)
    await target.set_share(0.05, LONG)
    assert changed_at(world) == written
    await target.revert()


def changed_at(world: BalancerWorld) -> int:
    return Path(str(world.settings["split_file"])).stat().st_mtime_ns


async def test_a_reload_under_load_fails_no_request(world: BalancerWorld) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    load = asyncio.create_task(world.door.ask(800, rate=600))
    await asyncio.sleep(0.2)
    await target.set_share(0.5, LONG)
    await asyncio.sleep(0.4)
    began = time.monotonic()
    await target.revert()
    assert time.monotonic() - began < 2
    answers = await load
    assert {name.split()[1] for name in answers} == {"200"}
    assert 0 < arm_share(answers) < 0.5
    assert await world.door.ask(16) == {"stable 200": 16}


async def test_arms_are_counted_by_the_log_failures_of_the_proxy_among_them(world: BalancerWorld) -> None:
    target = world.traffic()
    await target.slow_limits()
    await target.prepare("1.1", 1)
    await target.set_share(1.0, LONG)
    world.canary.mode = "reset"
    await world.door.ask(16)
    world.canary.mode, world.canary.delay_s = "ok", 0.15
    await world.door.ask(16)
    for _ in range(100):
        counts = (await target.counters(SLOW_MS)).canary
        if counts.requests == 32:
            break
        await asyncio.sleep(0.02)
    assert (counts.requests, counts.errors, counts.slow90, counts.slow99) == (32, 16, 16, 0)
    await target.revert()


async def test_a_share_that_split_clients_cannot_express_is_refused(world: BalancerWorld) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    with pytest.raises(SourceRefused, match=r"0\.00001|1e-05"):
        await target.set_share(0.00001, LONG)
    await target.revert()


async def test_a_file_somebody_else_wrote_is_told_and_not_fought(world: BalancerWorld) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    await target.set_share(0.05, LONG)
    file = Path(str(world.settings["split_file"]))
    nginx_file.write(file, nginx_file.text("shop", "stable", "canary", "$request_id", 0.3))
    nginx_file.reload(Path(str(world.settings["pid_file"])))
    for _ in range(100):
        if (await target.observe()).share == 0.3:
            break
        await asyncio.sleep(0.02)
    with pytest.raises(ForeignChange, match=r"somebody else set the share to 30\.0%"):
        await target.set_share(0.05, LONG)
    assert (await target.revert()).share == 0


async def test_a_reload_that_takes_no_effect_is_unknown_and_a_missing_master_unavailable(
    world: BalancerWorld, tmp_path: Path
) -> None:
    target = world.traffic(split_file=str(tmp_path / "elsewhere.conf"), timeout="1s")
    await target.prepare("1.1", 1)
    with pytest.raises(EffectUnknown, match=r"does not run the share 0\.05"):
        await target.set_share(0.05, LONG)
    target = world.traffic(pid_file=str(tmp_path / "none.pid"))
    with pytest.raises(SourceUnavailable, match="cannot be reloaded"):
        await target.set_share(0.05, LONG)
    await world.traffic().revert()
