"""Drivers whose far end is a fake: a cluster, AWS, flags. Counters come from a metrics system that grows."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import fake_aws
import fake_cluster
import fake_flags
import httpx2
import pytest
from balancers import ADAPTER
from fake_aws import FakeAws
from fake_cluster import FakeArgo, FakeCluster, FakeFlagger, deployment
from fake_flags import FakeLaunchDarkly, FakeUnleash
from pydantic import SecretStr
from servers import http_server

from steadyhand.adapters.machine import SystemClock
from steadyhand.adapters.rollouts.drivers import Tools, build
from steadyhand.adapters.rollouts.split import SplitTraffic
from steadyhand.journey.evidence.model import Series, Window

ENVIRONMENT = {
    "CLUSTER_TOKEN": fake_cluster.TOKEN,
    "FLAG_TOKEN": fake_flags.TOKEN,
    "AWS_ACCESS_KEY_ID": fake_aws.KEY,
    "AWS_SECRET_ACCESS_KEY": fake_aws.SECRET,
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}
COUNTERS = {
    arm: {"requests": f"requests_{arm}", "errors": f"errors_{arm}", "seconds_bucket": f"buckets_{arm}"}
    for arm in ("stable", "canary")
}


class Growing:
    """A MetricSource: 1,000 requests a second in each arm, 1 % of them failing."""

    name = "prometheus"

    def __init__(self) -> None:
        self._began = SystemClock().now() - timedelta(seconds=10)

    async def series(self, selector: str, window: Window, step: timedelta) -> Sequence[Series]:  # noqa: ARG002 - a port's shape
        total = self._total(window.start)
        at = window.start.timestamp()
        return [
            Series(name="", labels={"le": le}, times=(at,), values=(total * part,))
            for le, part in (("0.1", 0.9), ("0.5", 0.99), ("+Inf", 1.0))
        ]

    async def value(self, expression: str, at: datetime) -> float | None:
        return self._total(at) * (0.01 if expression.startswith("errors") else 1)

    def _total(self, at: datetime) -> float:
        return 1000 * (at - self._began).total_seconds()


class QuickClock(SystemClock):
    """The real time, waited for a twentieth: fakes move at each look, not with time."""

    async def sleep(self, span: timedelta) -> None:
        await super().sleep(span / 20)


@dataclass
class RemoteWorld:
    settings: dict[str, object]
    leases: Path
    client: httpx2.AsyncClient
    far: object

    def traffic(self, **changes: object) -> SplitTraffic:
        tools = Tools(
            client=self.client,
            clock=QuickClock(),
            leases=self.leases,
            secret=lambda name: SecretStr(os.environ[name]) if name else None,
            metrics={"prometheus": Growing()},
        )
        one = build(ADAPTER.validate_python({**self.settings, **changes}), tools)
        assert isinstance(one, SplitTraffic)
        return one

    async def pass_time(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


Make = Callable[[Path], object]


@asynccontextmanager
async def remote(folder: Path, far: object, **settings: object) -> AsyncIterator[RemoteWorld]:
    """A driver of these settings; the fake's address stands where a setting says URL or GATE."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(httpx2.AsyncClient(timeout=10))
            places: dict[object, object] = {}
            if hasattr(far, "answer"):
                server = await stack.enter_async_context(http_server(far.answer))
                places["URL"] = far.url = server.url  # type: ignore[attr-defined] - AWS signs its address
            if gates := settings.pop("gates", None):
                places["GATE"] = (await stack.enter_async_context(http_server(gates))).url  # type: ignore[arg-type]
            told = {
                "name": "shop",
                "counters": COUNTERS,
                **{k: places.get(str(v), v) for k, v in settings.items()},
            }
            yield RemoteWorld(told, folder / "leases", client, far)


CLUSTER = {"api_url": "URL", "token_env": "CLUSTER_TOKEN"}


@asynccontextmanager
async def kubernetes(folder: Path) -> AsyncIterator[RemoteWorld]:
    cluster = FakeCluster()
    deployment(cluster, "shop", "registry.test:5000/shop:1.0", 19, "on")
    deployment(cluster, "shop-canary", "registry.test:5000/shop:1.0", 0, "off")
    names = {"stable": "shop", "canary": "shop-canary", "capacity": 0}
    async with remote(folder, cluster, kind="kubernetes", **CLUSTER, **names) as world:
        yield world


@asynccontextmanager
async def gateway(folder: Path) -> AsyncIterator[RemoteWorld]:
    cluster = FakeCluster()
    deployment(cluster, "shop", "registry.test:5000/shop:1.0", 3, "on")
    deployment(cluster, "shop-canary", "registry.test:5000/shop:1.0", 0, "on")
    refs = [{"name": "shop", "port": 80, "weight": 1}, {"name": "shop-canary", "port": 80, "weight": 0}]
    match = [{"path": {"type": "PathPrefix", "value": "/"}}]
    other = {"matches": match, "backendRefs": [{"name": "docs", "port": 80}]}
    cluster.add("httproutes", "shop", {"rules": [{"matches": match, "backendRefs": refs}, other]})
    names = {"stable": "shop", "canary": "shop-canary", "route": "shop"}
    services = {"stable_service": "shop", "canary_service": "shop-canary"}
    async with remote(folder, cluster, kind="gateway", **CLUSTER, **names, **services) as world:
        yield world


@asynccontextmanager
async def argo(folder: Path) -> AsyncIterator[RemoteWorld]:
    cluster = FakeCluster()
    FakeArgo(cluster)
    async with remote(folder, cluster, kind="argo", **CLUSTER, rollout="shop") as world:
        yield world


@asynccontextmanager
async def flagger(folder: Path) -> AsyncIterator[RemoteWorld]:
    cluster = FakeCluster()
    fake = FakeFlagger(cluster)
    names = {"resource": "shop", "stable": "shop-primary", "canary": "shop", "gate_url": "GATE"}
    async with remote(folder, cluster, kind="flagger", gates=fake.gate, **CLUSTER, **names) as world:
        yield world


AWS = {"region": "eu-west-1", "endpoint_url": "URL"}


@asynccontextmanager
async def alb(folder: Path) -> AsyncIterator[RemoteWorld]:
    groups = {"rule_arn": fake_aws.RULE, "stable_group": fake_aws.STABLE, "canary_group": fake_aws.CANARY}
    arms = {"cluster": "main", "stable": "stable", "canary": "canary"}
    role = {"revert_role_arn": "arn:aws:iam::1:role/revert"}
    async with remote(folder, FakeAws(), kind="aws_alb", ecs=arms, **AWS, **groups, **role) as world:
        yield world


@asynccontextmanager
async def aws_lambda(folder: Path) -> AsyncIterator[RemoteWorld]:
    async with remote(folder, FakeAws(), kind="aws_lambda", function="shop", alias="live", **AWS) as world:
        yield world


@asynccontextmanager
async def flag_file(folder: Path) -> AsyncIterator[RemoteWorld]:
    flag = {
        "state": "ENABLED",
        "variants": {"1.0": "old", "1.1": "new"},
        "defaultVariant": "1.0",
        "targeting": {},
    }
    other = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    (folder / "flags.json").write_text(json.dumps({"flags": {"checkout": flag, "other": other}}))
    settings = {"kind": "flag_file", "file": f"{folder}/flags.json", "flag": "checkout"}
    async with remote(folder, None, **settings) as world:
        yield world


@asynccontextmanager
async def launchdarkly(folder: Path) -> AsyncIterator[RemoteWorld]:
    names = {"project": "shop", "environment": "production", "flag": "checkout", "secret_env": "FLAG_TOKEN"}
    async with remote(folder, FakeLaunchDarkly(), kind="launchdarkly", url="URL", **names) as world:
        yield world


@asynccontextmanager
async def unleash(folder: Path) -> AsyncIterator[RemoteWorld]:
    names = {"environment": "production", "flag": "checkout", "secret_env": "FLAG_TOKEN"}
    versions = {"off_version": "1.0", "on_version": "1.1"}
    async with remote(folder, FakeUnleash(), kind="unleash", url="URL", **names, **versions) as world:
        yield world


WORLDS = (kubernetes, gateway, argo, flagger, alb, aws_lambda, flag_file, launchdarkly, unleash)
