"""A healthy system short of processor time: probes come late, some answers are slow, nobody is to blame."""

import random
from collections.abc import Sequence

import pytest
from journey.evidence.little_world import START

from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.evidence.model import Page, Series, Window
from steadyhand.journey.evidence.page import assemble
from steadyhand.journey.evidence.rule import EvidenceRule, windows
from steadyhand.journey.topology import Service, Topology

TOPOLOGY = Topology(
    services=(
        Service(name="shop", depends_on=("db", "cache"), metrics=('{job="shop"}',)),
        Service(name="db", kind="database", metrics=('{__name__=~"pg_.*"}',)),
        Service(name="cache", kind="cache", metrics=('{__name__=~"redis_.*"}',)),
    )
)
SECONDS = 120


class Starved:
    """What a scraper stores each second; its own turns come late now and then, and so do the probes'."""

    def __init__(
        self, seed: int, *, probe_missed: float = 0.0, exporter_late_s: int = 0, slow: float = 1.0
    ) -> None:
        self.luck = random.Random(seed)  # noqa: S311 - made-up load
        self.probe_missed, self.exporter_late_s, self.slow = probe_missed, exporter_late_s, slow
        self.dead_from = SECONDS
        self.samples: dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[float, float]]] = {}
        self.totals: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def put(self, second: int, name: str, value: float, **labels: str) -> None:
        key = (name, tuple(sorted(labels.items())))
        self.samples.setdefault(key, []).append((START.timestamp() + second, value))

    def add(self, second: int, name: str, value: float, **labels: str) -> None:
        key = (name, tuple(sorted(labels.items())))
        self.totals[key] = self.totals.get(key, 0.0) + value
        self.put(second, name, self.totals[key], **labels)

    def shop(self, second: int, busy: object) -> None:
        here = {"job": "shop", "instance": "s1"}
        answers = max(0, round(self.luck.gauss(50, 7) * (0.7 if busy else 1.0)))
        slow_s = 0.03 * (self.slow if busy else 1.0)
        dead = second >= self.dead_from
        slow_s *= 6 if dead else 1
        took = [slow_s * self.luck.lognormvariate(0, 0.7) for _ in range(answers)]
        self.add(second, "http_requests_total", answers, code="200", **here)
        for bound in (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, float("inf")):
            le = "+Inf" if bound == float("inf") else str(bound)
            self.add(second, "http_duration_seconds_bucket", sum(one <= bound for one in took), le=le, **here)
        hits = sum(self.luck.random() < (0.0 if dead else 0.75 if busy else 0.9) for _ in range(answers))
        self.add(second, "shop_cache_requests_total", hits, result="hit", **here)
        self.add(second, "shop_cache_requests_total", answers - hits, result="miss", **here)
        self.put(second, "up", 1.0, **here)

    def exporter(self, second: int, missed: object) -> None:
        if second >= SECONDS - self.exporter_late_s:
            return
        here = {"job": "exporter", "instance": "e1"}
        self.put(second, "up", 1.0, **here)
        self.put(second, "pg_up", 1.0, **here)
        self.put(second, "pg_stat_activity_count", 4.0 + self.luck.randrange(3), state="idle", **here)
        missed = missed or second >= self.dead_from
        self.put(second, "redis_up", 0.0 if missed else 1.0, **here)
        if not missed:
            self.put(second, "redis_memory_used_bytes", 5e6 + self.luck.gauss(0, 1e4), **here)

    def page(self) -> Page:
        missed = 0
        for second in range(SECONDS):
            busy = second >= 60 and (second // 10) % 2 == 0
            self.shop(second, busy)
            if busy and not missed and self.luck.random() < self.probe_missed:
                missed = 4
            self.exporter(second, missed > 0)
            missed = max(0, missed - 1)
        return self.laid_out(list(self.samples))

    def laid_out(self, names: Sequence[tuple[str, tuple[tuple[str, str], ...]]]) -> Page:
        kept_samples = [(one, self.samples[one]) for one in names]
        series = [
            Series(
                name=name,
                labels=dict(labels),
                times=tuple(t for t, _ in kept),
                values=tuple(v for _, v in kept),
            )
            for (name, labels), kept in kept_samples
        ]
        whole = Window.model_validate({"start": START, "end": START.replace(minute=2)})
        window, baseline = windows(whole.end, whole.end, EvidenceRule(), START)
        return assemble(
            incident="inc-1",
            service="shop",
            window=window,
            baseline=baseline,
            topology=TOPOLOGY,
            series=series,
        )


def told(page: Page) -> Diagnosis:
    return diagnose(page, TOPOLOGY, DiagnosisRule())


SEEDS = pytest.mark.parametrize("seed", range(12))


@SEEDS
@pytest.mark.parametrize("trouble", [{"slow": 1.3}, {"probe_missed": 0.1}, {"exporter_late_s": 8}], ids=str)
def test_nobody_is_blamed_on_a_healthy_system_short_of_processor_time(
    trouble: dict[str, float], seed: int
) -> None:
    found = told(Starved(seed, **trouble).page())  # type: ignore[arg-type]
    assert found.hypotheses == ()
    assert found.none_of_these == 1.0


@SEEDS
@pytest.mark.parametrize(
    "trouble", [{"probe_missed": 0.1, "slow": 1.6}, {"exporter_late_s": 8, "slow": 1.6}], ids=str
)
def test_answers_half_as_slow_again_for_want_of_processor_time_name_no_cause_with_confidence(
    trouble: dict[str, float], seed: int
) -> None:
    found = told(Starved(seed, **trouble).page())  # type: ignore[arg-type]
    assert all(one.confidence < 0.2 for one in found.hypotheses)


def test_a_cache_that_really_died_is_still_found() -> None:
    world = Starved(1, slow=1.6)
    world.dead_from = 80
    best = told(world.page()).hypotheses[0]
    assert (best.cause.entity, best.cause.fault_class) == ("cache", "cache_loss")


def test_a_collector_that_stopped_is_told_and_what_it_watches_is_not_called_dead() -> None:
    page = Starved(3, exporter_late_s=20).page()
    assert [one.kind for one in page.flags] == ["silent"]
    assert "stopped answering for all it reports on" in page.flags[0].text
    assert not [one for one in page.items if one.direction == "gone"]


def test_a_service_that_stopped_is_gone_although_it_reported_on_others_too() -> None:
    world = Starved(3)
    world.page()
    for second in range(SECONDS - 30):
        world.put(second, "redis_pool_in_use", 2.0, job="shop", instance="s1")
        world.put(second, "shop_pool_in_use", 2.0, job="shop", instance="s1")
    page = world.laid_out(
        [one for one in world.samples if one[0] in {"redis_pool_in_use", "shop_pool_in_use", "pg_up"}]
    )
    assert [one.entity for one in page.items if one.direction == "gone"] == ["shop"]
