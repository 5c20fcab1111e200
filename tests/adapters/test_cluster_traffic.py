import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import remote_worlds
from fake_cluster import STEPS, FakeCluster, Json
from remote_worlds import RemoteWorld

from steadyhand.adapters.rollouts.image import retagged, version_of
from steadyhand.adapters.rollouts.kubernetes.pods import pods_for
from steadyhand.ports import ForeignChange, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio
LONG = timedelta(seconds=60)


def cluster_of(world: RemoteWorld) -> FakeCluster:
    assert isinstance(world.far, FakeCluster)
    return world.far


async def test_a_route_keeps_its_other_rules_and_what_else_stands_in_them(tmp_path: Path) -> None:
    async with remote_worlds.gateway(tmp_path) as world:
        before = json.loads(json.dumps(cluster_of(world).get("httproutes", "shop")["spec"]["rules"]))
        target = world.traffic()
        await target.prepare("1.1", 1)
        await target.set_share(0.0525, LONG)
        refs = cluster_of(world).get("httproutes", "shop")["spec"]["rules"][0]["backendRefs"]
        assert [(one["name"], one["port"], one["weight"]) for one in refs] == [
            ("shop", 80, 9475),
            ("shop-canary", 80, 525),
        ]
        assert cluster_of(world).get("httproutes", "shop")["spec"]["rules"][1] == before[1]
        await target.revert()


async def test_a_change_in_between_is_not_crossed(tmp_path: Path) -> None:
    async with remote_worlds.gateway(tmp_path) as world:
        target, cluster = world.traffic(), cluster_of(world)
        await target.prepare("1.1", 1)
        cluster.before_patch = lambda: cluster.touch(
            "httproutes", "shop", {"metadata": {"labels": {"by": "bo"}}}
        )
        with pytest.raises(ForeignChange, match="somebody else changed apis/gateway"):
            await target.set_share(0.05, LONG)
        assert (await target.observe()).share == 0
        await target.revert()


async def test_a_share_somebody_else_set_is_told_and_not_fought(tmp_path: Path) -> None:
    async with remote_worlds.gateway(tmp_path) as world:
        target, cluster = world.traffic(), cluster_of(world)
        await target.prepare("1.1", 1)
        await target.set_share(0.05, LONG)
        refs = cluster.get("httproutes", "shop")["spec"]["rules"][0]["backendRefs"]
        refs[0]["weight"] = refs[1]["weight"] = 1
        with pytest.raises(ForeignChange, match=r"50\.0%"):
            await target.set_share(0.05, LONG)
        await target.revert()


@pytest.mark.parametrize(
    ("kind", "spec", "driver"),
    [
        ("canaries", {"targetRef": {"kind": "Deployment", "name": "shop"}}, "flagger"),
        ("rollouts", {"workloadRef": {"kind": "Deployment", "name": "shop-canary"}}, "argo"),
    ],
)
async def test_what_another_controller_owns_is_left_to_it(
    tmp_path: Path, kind: str, spec: Json, driver: str
) -> None:
    async with remote_worlds.gateway(tmp_path) as world:
        cluster_of(world).add(kind, "theirs", spec)
        with pytest.raises(SourceRefused, match=f"theirs owns shop.*: use kind: {driver}"):
            await world.traffic().prepare("1.1", 1)


async def test_pods_stay_in_the_selector_and_an_arm_is_taken_out_by_its_label(tmp_path: Path) -> None:
    async with remote_worlds.kubernetes(tmp_path) as world:
        target, cluster = world.traffic(), cluster_of(world)
        await target.prepare("1.1", 1)
        await target.set_share(0.05, LONG)
        assert serving(cluster) == {"shop": 19, "shop-canary": 1}
        await target.set_share(1.0, LONG)
        assert serving(cluster) == {"shop-canary": 1}
        assert cluster.get("deployments", "shop")["spec"]["replicas"] == 19, "the old version stays warm"
        await target.revert()
        assert serving(cluster) == {"shop": 19}


def serving(cluster: FakeCluster) -> dict[str, int]:
    found: dict[str, int] = {}
    for (kind, _), one in cluster.objects.items():
        if kind == "pods" and one["metadata"]["labels"]["steadyhand.io/traffic"] == "on":
            app = one["metadata"]["labels"]["app"]
            found[app] = found.get(app, 0) + 1
    return found


async def test_a_share_that_pods_cannot_express_is_refused_with_the_smallest_that_they_can(
    tmp_path: Path,
) -> None:
    async with remote_worlds.kubernetes(tmp_path) as world:
        target = world.traffic(near=0.001)
        await target.prepare("1.1", 1)
        with pytest.raises(SourceRefused, match=r"1 canary and 19 stable pods cannot serve 2\.0%.* is 5\.0%"):
            await target.set_share(0.02, LONG)
        await target.revert()


@pytest.mark.parametrize(
    ("share", "canary", "stable", "capacity", "split"),
    [
        (0.05, 19, 19, 1.0, (1, 19)),
        (0.25, 19, 19, 1.0, (6, 18)),
        (1.0, 3, 3, 1.0, (3, 0)),
        (0.0, 3, 3, 1.0, (0, 3)),
        (1.0, 1, 3, 1.0, None),  # one pod is no match for three
        (1.0, 1, 3, 0.3, (1, 0)),
        (0.05, 3, 3, 1.0, None),
        (0.5, 2, 19, 0.0, (2, 2)),
    ],
)
def test_a_split_comes_near_enough_and_leaves_enough_pods(
    share: float, canary: int, stable: int, capacity: float, split: tuple[int, int] | None
) -> None:
    assert pods_for(share, canary, stable, 0.005, capacity) == split


async def test_a_wrong_token_is_refused_and_not_repeated_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with remote_worlds.gateway(tmp_path) as world:
        monkeypatch.setenv("CLUSTER_TOKEN", "wrong-but-secret")
        with pytest.raises(SourceRefused, match="401") as caught:
            await world.traffic().observe()
        assert "wrong-but-secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
        monkeypatch.setenv("CLUSTER_TOKEN", remote_worlds.ENVIRONMENT["CLUSTER_TOKEN"])
        cluster_of(world).down = True
        with pytest.raises(SourceUnavailable):
            await world.traffic(timeout="1s").observe()


async def test_an_aborted_rollout_of_argo_can_be_tried_again(tmp_path: Path) -> None:
    """argo-rollouts#3120, #841."""
    async with remote_worlds.argo(tmp_path) as world:
        target = world.traffic()
        for _ in range(2):
            await target.prepare("1.1", 1)
            await target.set_share(0.05, LONG)
            seen = await target.revert()
            assert (seen.share, seen.stable_version, seen.canary_version) == (0, "1.0", "")
        await target.prepare("1.1", 1)
        await target.set_share(0.05, LONG)
        await target.set_share(0.0, LONG)  # aborted, as the watchdog does
        await target.prepare("1.1", 1)
        assert (await target.set_share(0.05, LONG)).share == 0.05
        await target.revert()


async def test_argo_is_driven_by_its_own_patches_alone(tmp_path: Path) -> None:
    async with remote_worlds.argo(tmp_path) as world:
        target, cluster = world.traffic(), cluster_of(world)
        await target.prepare("1.1", 1)
        await target.set_share(1.0, LONG)
        await target.settle("1.1")
        await target.settle("1.0")  # the release before, after all
        assert {where for where, _ in cluster.patches} == {"rollouts/shop", "rollouts/shop/status"}
        assert (await target.observe()).stable_version == "1.0"


Break = Callable[[Json], Any]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda one: one["spec"]["strategy"]["canary"].pop("trafficRouting"), "trafficRouting"),
        (
            lambda one: one["spec"]["strategy"]["canary"].update(steps=STEPS[2:]),
            "give traffic before they pause",
        ),
        (
            lambda one: one["spec"]["strategy"]["canary"].update(
                steps=[*STEPS[:2], {"setWeight": 5}, {"pause": {"duration": "30s"}}]
            ),
            "no step sets the weight 5 and then pauses without a duration",
        ),
        (lambda one: one["spec"].update(paused=True), "somebody paused it"),
    ],
)
async def test_a_rollout_that_cannot_be_driven_is_refused_by_what_it_lacks(
    tmp_path: Path, spoil: Break, why: str
) -> None:
    async with remote_worlds.argo(tmp_path) as world:
        spoil(cluster_of(world).get("rollouts", "shop"))
        target = world.traffic(release_timeout="2s")

        async def begin() -> None:
            await target.prepare("1.1", 1)
            await target.set_share(0.05, LONG)

        with pytest.raises(SourceRefused, match=why):
            await begin()


async def test_a_rollout_that_somebody_aborted_is_not_pushed_on(tmp_path: Path) -> None:
    async with remote_worlds.argo(tmp_path) as world:
        target = world.traffic()
        await target.prepare("1.1", 1)
        await target.set_share(0.05, LONG)
        cluster_of(world).get("rollouts", "shop")["status"]["abort"] = True
        assert (await target.observe()).share == 0
        with pytest.raises(SourceRefused, match="somebody aborted it"):
            await target.set_share(0.05, LONG)
        await target.revert()


async def test_gates_of_flagger_are_shut_again_and_what_failed_can_be_tried_again(tmp_path: Path) -> None:
    async with remote_worlds.flagger(tmp_path) as world:
        target = world.traffic()
        for _ in range(2):
            await target.prepare("1.1", 1)
            assert (await target.set_share(0.05, LONG)).share == 0.05
            for _ in range(3):
                assert (await target.observe()).share == 0.05, "a closed gate halts it where it is"
            assert (await target.revert()).share == 0
            assert cluster_of(world).get("canaries", "shop")["status"]["phase"] == "Failed"
        await target.prepare("1.1", 1)
        await target.set_share(1.0, LONG)
        await target.settle("1.1")
        assert (await target.settle("1.0")).stable_version == "1.0"
        assert cluster_of(world).get("canaries", "shop")["spec"]["skipAnalysis"] is False


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda one: one["spec"]["analysis"].update(webhooks=[]), "lacks the webhooks confirm-promotion"),
        (
            lambda one: one["spec"]["analysis"].update(stepWeights=[10, 100]),
            r"stepWeights \[10, 100\] hold no 5",
        ),
    ],
)
async def test_a_canary_of_flagger_that_cannot_be_driven_is_refused(
    tmp_path: Path, spoil: Break, why: str
) -> None:
    async with remote_worlds.flagger(tmp_path) as world:
        spoil(cluster_of(world).get("canaries", "shop"))
        target = world.traffic()

        async def begin() -> None:
            await target.prepare("1.1", 1)
            await target.set_share(0.05, LONG)

        with pytest.raises(SourceRefused, match=why):
            await begin()


@pytest.mark.parametrize(
    ("image", "version", "at_two"),
    [
        ("shop:1", "1", "shop:2"),
        ("registry.test:5000/team/shop:1", "1", "registry.test:5000/team/shop:2"),
        ("registry.test:5000/shop", "latest", "registry.test:5000/shop:2"),
        ("shop@sha256:ab", "sha256:ab", "shop:2"),
        ("shop:1@sha256:ab", ":1@sha256:ab", "shop:2"),
    ],
)
def test_a_version_is_an_images_tag_or_digest(image: str, version: str, at_two: str) -> None:
    assert version_of(image).endswith(version.rpartition("@")[2])
    assert retagged(image, "2") == at_two
    assert retagged(image, "sha256:cd") == f"{at_two.removesuffix(':2')}@sha256:cd"
