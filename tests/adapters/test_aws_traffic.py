import json
import sys
from datetime import timedelta
from pathlib import Path

import fake_aws
import pytest
import remote_worlds
from fake_aws import CANARY, STABLE, FakeAws
from remote_worlds import RemoteWorld

from steadyhand.ports import ConfigError, ForeignChange, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio
LONG = timedelta(seconds=60)


def aws_of(world: RemoteWorld) -> FakeAws:
    assert isinstance(world.far, FakeAws)
    return world.far


async def test_weights_are_whole_and_at_share_zero_the_rule_names_one_group(tmp_path: Path) -> None:
    async with remote_worlds.alb(tmp_path) as world:
        target, aws = world.traffic(), aws_of(world)
        await target.prepare("1.1", 1)
        for share, weights in ((0.05, {STABLE: 95, CANARY: 5}), (0.125, {STABLE: 175, CANARY: 25})):
            await target.set_share(share, LONG)
            assert aws.weights == weights
        with pytest.raises(SourceRefused, match="no two weights of 0 to 999 make"):
            await target.set_share(0.00017, LONG)
        await target.revert()
        assert aws.weights == {STABLE: 100}, "a stickiness cookie of the canary is worth nothing now"


async def test_aws_itself_takes_it_back_when_host_and_service_are_dead(tmp_path: Path) -> None:
    async with remote_worlds.alb(tmp_path) as world:
        target, aws = world.traffic(), aws_of(world)
        await target.prepare("1.1", 1)
        aws.calls.clear()
        for _ in range(3):
            await target.set_share(0.05, LONG)
        orders = [one for one in aws.calls if not one.startswith("Describe")]
        assert orders == ["PUT schedule", "POST schedule", "ModifyRule"], "the way back first, and only once"
        schedule = aws.schedules["steadyhand-shop"]
        assert schedule["ActionAfterCompletion"] == "DELETE"
        assert schedule["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:elasticloadbalancingv2:modifyRule"
        (action,) = json.loads(schedule["Target"]["Input"])["Actions"]
        assert action["ForwardConfig"]["TargetGroups"] == [{"TargetGroupArn": STABLE, "Weight": 100}]
        await target.revert()
        assert aws.schedules == {}


async def test_without_a_way_back_in_aws_nothing_moves(tmp_path: Path) -> None:
    async with remote_worlds.alb(tmp_path) as world:
        target, aws = world.traffic(), aws_of(world)
        await target.prepare("1.1", 1)
        aws.throttle = 100
        with pytest.raises(SourceUnavailable, match=r"throttles us|answered 429"):
            await target.set_share(0.05, LONG)
        aws.throttle = 0
        assert aws.weights == {STABLE: 1}
        await target.revert()


async def test_a_throttled_call_is_tried_again(tmp_path: Path) -> None:
    async with remote_worlds.alb(tmp_path) as world:
        aws_of(world).throttle = 2
        assert (await world.traffic().observe()).share == 0


async def test_a_rule_that_does_more_than_forward_is_left_alone(tmp_path: Path) -> None:
    async with remote_worlds.alb(tmp_path) as world:
        aws_of(world).actions = 2
        with pytest.raises(SourceRefused, match="does more than forward"):
            await world.traffic().observe()
        aws_of(world).actions = 1
        aws_of(world).weights["arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/other/1"] = 5
        with pytest.raises(SourceRefused, match="forwards elsewhere too"):
            await world.traffic().observe()


async def test_a_rule_in_the_short_form_gives_everything_to_its_one_group(tmp_path: Path) -> None:
    async with remote_worlds.alb(tmp_path) as world:
        aws_of(world).short = True
        assert (await world.traffic().observe()).share == 0


async def test_an_ecs_release_is_a_new_revision_of_the_same_definition(tmp_path: Path) -> None:
    async with remote_worlds.alb(tmp_path) as world:
        target, aws = world.traffic(), aws_of(world)
        for _ in range(2):
            await target.prepare("1.1", 2)
        images = [one["containerDefinitions"][0]["image"] for one in aws.definitions]
        assert images == ["r.test/shop:1.0", "r.test/shop:1.0", "r.test/shop:1.1"]
        del aws.services["canary"]
        with pytest.raises(SourceRefused, match="no active ECS service canary"):
            await target.observe()


async def test_an_alias_somebody_else_changed_in_between_is_refused_by_its_revision(tmp_path: Path) -> None:
    async with remote_worlds.aws_lambda(tmp_path) as world:
        target, aws = world.traffic(), aws_of(world)
        await target.prepare("1.1", 1)
        function = aws.function

        def overtaken(request: fake_aws.Request) -> fake_aws.Reply:
            if request.method == "PUT":
                aws.alias["RevisionId"] = "r99"
            return function(request)

        aws.function = overtaken  # type: ignore[method-assign] - somebody is quicker
        with pytest.raises(ForeignChange, match="PreconditionFailed"):
            await target.set_share(0.05, LONG)
        aws.function = function  # type: ignore[method-assign]
        await target.revert()


async def test_a_release_is_found_by_what_its_version_is_described_as(tmp_path: Path) -> None:
    async with remote_worlds.aws_lambda(tmp_path) as world:
        target, aws = world.traffic(), aws_of(world)
        await target.prepare("1.1", 1)
        await target.set_share(0.05, LONG)
        assert aws.alias["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.05}}
        with pytest.raises(SourceRefused, match=r"described as '3\.0'"):
            await world.traffic().settle("3.0")
        await target.revert()
        aws.lambda_state = "Failed"
        with pytest.raises(SourceRefused, match=r"1\.1 is Failed: an image is missing"):
            await target.prepare("1.1", 1)


async def test_a_wrong_signature_is_refused_and_leaks_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with remote_worlds.aws_lambda(tmp_path) as world:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
        with pytest.raises(SourceRefused, match="InvalidSignature") as caught:
            await world.traffic().observe()
        assert "another-secret" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with remote_worlds.aws_lambda(tmp_path) as world:
        monkeypatch.setitem(sys.modules, "botocore", None)
        with pytest.raises(ConfigError, match=r"pip install 'steadyhand\[aws\]'"):
            await world.traffic().observe()


async def test_no_credentials_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with remote_worlds.aws_lambda(tmp_path) as world:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        with pytest.raises(ConfigError, match="no AWS credentials were found"):
            await world.traffic().observe()
