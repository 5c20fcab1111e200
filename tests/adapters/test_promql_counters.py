import pytest
from balancers import ADAPTER

from steadyhand.adapters.rollouts.drivers import Tools, build
from steadyhand.adapters.rollouts.promql import PromqlCounter, PromqlCounters
from steadyhand.journey.evidence.model import Series
from steadyhand.ports import ConfigError, SourceRefused, SourceUnavailable
from steadyhand.testing.clock import VirtualClock
from steadyhand.testing.sources import MemoryMetrics

pytestmark = pytest.mark.anyio


def arm(name: str) -> dict[str, str]:
    return {"requests": f"requests {name}", "errors": f"errors {name}", "seconds_bucket": f"buckets {name}"}


COUNTERS = {"stable": arm("stable"), "canary": arm("canary")}
SETTINGS = PromqlCounters.model_validate(COUNTERS)


def world(**values: float | None) -> tuple[PromqlCounter, MemoryMetrics, VirtualClock]:
    clock = VirtualClock()
    at = clock.now().timestamp()
    buckets = [
        Series(name="", labels={"le": le}, times=(at,), values=(count,))
        for le, count in (("0.1", 90.0), ("0.5", 99.0), ("+Inf", 100.0))
    ]
    known = {"requests stable": 100.0, "errors stable": 1.0, "requests canary": 5.0, "errors canary": 0.0}
    source = MemoryMetrics(
        {"buckets stable": buckets}, known | {k.replace("_", " "): v for k, v in values.items()}
    )
    return PromqlCounter(SETTINGS, source, clock), source, clock


async def test_both_arms_come_from_expressions_at_one_instant() -> None:
    counter, _, clock = world()
    arms = await counter.arms((100, 500))
    assert arms.at == clock.now()
    assert arms.stable.model_dump() == {"requests": 100, "errors": 1, "slow90": 10, "slow99": 1}
    assert arms.canary.model_dump() == {"requests": 5, "errors": 0, "slow90": 0, "slow99": 0}


async def test_slow_limits_come_from_the_stable_arms_histogram() -> None:
    counter, _, _ = world()
    assert await counter.slow_limits() == (100, 500)


async def test_no_sample_is_no_zero() -> None:
    counter, _, _ = world(requests_canary=None)
    with pytest.raises(SourceUnavailable, match="no sample of requests canary"):
        await counter.arms((100, 500))


async def test_a_histogram_without_bounds_is_refused() -> None:
    counter, source, clock = world()
    bare = Series(name="", labels={}, times=(clock.now().timestamp(),), values=(1.0,))
    source.held = {"buckets stable": [bare]}
    with pytest.raises(SourceRefused, match="keep the label le"):
        await counter.slow_limits()


def test_counters_from_an_unknown_source_are_refused_by_name(tmp_path: object) -> None:
    settings = ADAPTER.validate_python(
        {
            "kind": "command",
            "name": "shop",
            **{name: ["true"] for name in ("observe", "set_share", "home", "release")},
            "counters": {**COUNTERS, "source": "thanos"},
        }
    )
    tools = Tools(client=None, clock=VirtualClock(), leases=None, secret=lambda _: None, metrics={})  # type: ignore[arg-type]
    with pytest.raises(
        ConfigError, match=r"shop: counters.source 'thanos' is none of connections.metrics \(none\)"
    ):
        build(settings, tools)
