import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import remote_worlds
from fake_flags import TOKEN, FakeLaunchDarkly, FakeUnleash

from steadyhand.ports import ForeignChange, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio
LONG = timedelta(seconds=60)


async def test_a_file_says_who_gets_what_and_keeps_everything_else(tmp_path: Path) -> None:
    async with remote_worlds.flag_file(tmp_path) as world:
        file = tmp_path / "flags.json"
        before = json.loads(file.read_text())
        target = world.traffic()
        await target.prepare("1.1", 1)
        await target.set_share(0.05, LONG)
        flag = json.loads(file.read_text())["flags"]["checkout"]
        assert flag["targeting"]["fractional"][1:] == [["1.1", 5], ["1.0", 95]]
        await target.revert()
        assert json.loads(file.read_text()) == before
        await target.prepare("1.1", 1)
        await target.set_share(1.0, LONG)
        await target.settle("1.1")
        assert json.loads(file.read_text())["flags"]["checkout"]["defaultVariant"] == "1.1"


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda flag: flag.update(targeting={"if": [True, "1.1", "1.0"]}),
            "targeting of its own: it is left alone",
        ),
        (lambda flag: flag.update(state="DISABLED"), "is not enabled"),
        (lambda flag: flag["variants"].pop("1.1"), r"no variant '1\.1'; known are: 1\.0"),
    ],
)
async def test_a_flag_that_is_not_ours_to_move_is_refused(tmp_path: Path, change: Change, why: str) -> None:
    async with remote_worlds.flag_file(tmp_path) as world:
        file = tmp_path / "flags.json"
        document = json.loads(file.read_text())
        change(document["flags"]["checkout"])
        file.write_text(json.dumps(document))
        with pytest.raises(SourceRefused, match=why):
            await world.traffic().prepare("1.1", 1)
        with pytest.raises(SourceRefused, match="holds no flag gone"):
            await world.traffic(flag="gone").observe()
        file.unlink()
        with pytest.raises(SourceUnavailable, match="No such file"):
            await world.traffic().observe()


@pytest.mark.parametrize("make", [remote_worlds.flag_file, remote_worlds.unleash])
async def test_a_share_of_less_than_a_percent_is_refused_where_there_is_none(
    tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    async with make(tmp_path) as world:
        target = world.traffic()
        await target.prepare("1.1", 1)
        with pytest.raises(SourceRefused, match=r"whole percent, not 0\.50%"):
            await target.set_share(0.005, LONG)
        await target.revert()


async def test_launchdarkly_gets_one_instruction_that_leaves_the_rest_of_the_flag_alone(
    tmp_path: Path,
) -> None:
    async with remote_worlds.launchdarkly(tmp_path) as world:
        fake, target = world.far, world.traffic()
        assert isinstance(fake, FakeLaunchDarkly)
        await target.prepare("1.1", 1)
        fake.limited = 1
        await target.set_share(0.00125, LONG)
        parts = fake.fallthrough["rollout"]["variations"]
        assert [(one["variation"], one["weight"]) for one in parts] == [(0, 99_875), (1, 125)]
        assert fake.comments == ["Steadyhand: 1.1 at 0.1%"]
        await target.revert()
        assert fake.fallthrough == {"variation": 0}


async def test_launchdarkly_says_why_not(tmp_path: Path) -> None:
    async with remote_worlds.launchdarkly(tmp_path) as world:
        fake, target = world.far, world.traffic()
        assert isinstance(fake, FakeLaunchDarkly)
        with pytest.raises(SourceRefused, match=r"no variation '3'; known are: 1\.0, 1\.1"):
            await target.prepare("3", 1)
        fake.on = False
        with pytest.raises(SourceRefused, match="is off"):
            await target.prepare("1.1", 1)
        fake.on, fake.approvals = True, True
        await target.prepare("1.1", 1)
        with pytest.raises(SourceRefused, match="approval is required"):
            await target.set_share(0.05, LONG)
        fake.approvals = False
        fake.fallthrough = {"rollout": {"variations": []}}
        with pytest.raises(SourceRefused, match="other than two variations"):
            await target.observe()
        with pytest.raises(SourceRefused, match="no environment 'test'"):
            await world.traffic(environment="test").observe()


@pytest.mark.parametrize("make", [remote_worlds.launchdarkly, remote_worlds.unleash])
async def test_a_wrong_token_is_refused_and_leaks_no_secret(
    tmp_path: Path, make: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make(tmp_path) as world:
        monkeypatch.setenv("FLAG_TOKEN", "another-secret")
        with pytest.raises(SourceRefused, match="401") as caught:
            await world.traffic().observe()
        assert "another-secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
        assert TOKEN not in repr(vars(world.traffic()))


async def test_unleash_keeps_constraints_and_tells_by_the_title_which_version_is_on_trial(
    tmp_path: Path,
) -> None:
    async with remote_worlds.unleash(tmp_path) as world:
        fake, target = world.far, world.traffic()
        assert isinstance(fake, FakeUnleash)
        constraints = fake.strategies[0]["constraints"]
        await target.prepare("1.1", 1)
        await target.set_share(1.0, LONG)
        assert (await target.observe()).stable_version == "1.0"
        assert fake.strategies[0]["title"] == "Steadyhand tries 1.1"
        await target.settle("1.1")
        assert (fake.strategies[0]["title"], fake.strategies[0]["parameters"]["rollout"]) == ("", "100")
        await target.prepare("1.0", 1)
        await target.set_share(0.05, LONG)
        assert fake.strategies[0]["parameters"]["rollout"] == "95"
        assert (await target.revert()).stable_version == "1.1"
        assert fake.strategies[0]["constraints"] == constraints


async def test_unleash_says_why_not(tmp_path: Path) -> None:
    async with remote_worlds.unleash(tmp_path) as world:
        fake, target = world.far, world.traffic()
        assert isinstance(fake, FakeUnleash)
        with pytest.raises(SourceRefused, match=r"1\.0 or 1\.1, never '3'"):
            await target.prepare("3", 1)
        await target.prepare("1.1", 1)
        fake.change_requests = True
        with pytest.raises(SourceRefused, match="Change requests are enabled"):
            await target.set_share(0.05, LONG)
        fake.enabled = False
        with pytest.raises(SourceRefused, match="not enabled in production"):
            await target.prepare("1.1", 1)
        fake.strategies.append({"id": "s2", "name": "default"})
        with pytest.raises(SourceRefused, match="exactly one strategy"):
            await target.observe()


async def test_a_flag_somebody_else_moved_is_told_and_not_fought(tmp_path: Path) -> None:
    async with remote_worlds.unleash(tmp_path) as world:
        fake, target = world.far, world.traffic()
        assert isinstance(fake, FakeUnleash)
        await target.prepare("1.1", 1)
        await target.set_share(0.05, LONG)
        fake.strategies[0]["parameters"]["rollout"] = "40"
        with pytest.raises(ForeignChange, match=r"40\.0%"):
            await target.set_share(0.05, LONG)
        await target.revert()
