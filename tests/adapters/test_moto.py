"""The AWS drivers against moto, which somebody else wrote after AWS's own API descriptions.

It moves no traffic, runs no task and takes a stale RevisionId: what those rules are is tested against a fake
of ours (test_aws_traffic.py). Here it is that the calls are understood and read back.
"""

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from remote_worlds import RemoteWorld, remote
from servers import _listens, _wait_until, free_port, running

from steadyhand.ports import SourceUnavailable

pytestmark = [pytest.mark.anyio, pytest.mark.timed]
MOTO = Path.home() / ".cache/steadyhand-ci/moto/bin"
SETUP = Path(__file__).parents[1] / "moto" / "world.py"
LONG = timedelta(seconds=60)
ROLE = "arn:aws:iam::123456789012:role/run"


@pytest.fixture(scope="module")
def moto() -> Iterator[dict[str, str]]:
    """A moto server with a balancer, a function and two services; where it is, and their ARNs."""
    if not (MOTO / "moto_server").exists():
        pytest.skip("moto is not installed: tests/moto/install.sh")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(MOTO / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with running(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        _wait_until(lambda: _listens(port))
        made = subprocess.run([str(MOTO / "python"), str(SETUP), url], capture_output=True, check=True)
        yield {"url": url, **json.loads(made.stdout)}


@asynccontextmanager
async def alb(folder: Path, moto: dict[str, str], arn: str) -> AsyncIterator[RemoteWorld]:
    groups = {
        "rule_arn": moto[arn],
        "stable_group": moto["stable_group"],
        "canary_group": moto["canary_group"],
    }
    arms = {"cluster": "main", "stable": "stable", "canary": "canary"}
    where = {"region": "eu-west-1", "endpoint_url": moto["url"], "revert_role_arn": ROLE}
    async with remote(
        folder, None, kind="aws_alb", ecs=arms, release_timeout="1s", **where, **groups
    ) as world:
        yield world


@pytest.mark.parametrize("arn", ["rule", "listener"])
async def test_weights_are_understood_read_back_and_taken_home(
    tmp_path: Path, moto: dict[str, str], arn: str
) -> None:
    async with alb(tmp_path, moto, arn) as world:
        dial = world.traffic()._dial  # noqa: SLF001 - moto runs no tasks: no arm of it is ever well
        for share in (0.05, 0.125, 1.0):
            await dial.hold(share, LONG, 1)
            look = await dial.look()
            assert (look.share, look.owner) == (share, "steadyhand")
        await dial.home()
        look = await dial.look()
        assert (look.share, look.owner) == (0, "")


async def test_the_orders_of_a_release_are_understood_and_read_back(
    tmp_path: Path, moto: dict[str, str]
) -> None:
    async with alb(tmp_path, moto, "rule") as world:
        with pytest.raises(SourceUnavailable, match=r"0 of 2 tasks run, version 1\.1"):
            await world.traffic().prepare("1.1", 2)


async def test_an_alias_goes_from_a_share_to_everybody(tmp_path: Path, moto: dict[str, str]) -> None:
    where = {"region": "eu-west-1", "endpoint_url": moto["url"], "revert_role_arn": ROLE}
    async with remote(tmp_path, None, kind="aws_lambda", function="shop", alias="live", **where) as world:
        target = world.traffic()
        await target.prepare("1.1", 1)
        moved = await target.set_share(0.05, LONG)
        assert (moved.share, moved.stable_version, moved.canary_version) == (0.05, "1.0", "1.1")
        back = await target.revert()
        assert (back.share, back.stable_version, back.canary_version) == (0, "1.0", "")
        await target.prepare("1.1", 1)
        await target.set_share(1.0, LONG)
        settled = await target.settle("1.1")
        assert (settled.share, settled.stable_version, settled.canary_version) == (0, "1.1", "")
