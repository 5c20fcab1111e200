"""A little service in numbers: three replicas, their traffic, latency, pool, memory, and one table."""

import random
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from steadyhand.journey.evidence.model import Change, DatabaseReport, Item, LogLine, Page, Series, Window
from steadyhand.journey.evidence.page import assemble
from steadyhand.journey.topology import Service, Topology

START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
TOPOLOGY = Topology(
    services=(
        Service(name="till", depends_on=("ledger", "bank"), metrics=('{job="till"}',)),
        Service(name="ledger", kind="database", metrics=('{job="ledger"}',)),
        Service(name="bank", kind="third_party"),
    )
)
BROKEN_AT = 90.0
SECONDS = 140
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
Course = Callable[[float], float]


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def window(start: float, end: float) -> Window:
    return Window(start=at(start), end=at(end))


def flat(level: float) -> Course:
    return lambda _second: level


def step(before: float, after: float, when: float, until: float = 1e9) -> Course:
    return lambda second: after if when <= second < until else before


def ramp(before: float, per_second: float, when: float, top: float = 1e12) -> Course:
    return lambda second: min(top, before + per_second * max(0.0, second - when))


_REQUESTS = flat(60.0)
_SLOW_S = flat(0.012)
_FAILING = flat(0.0)
_IN_USE = flat(2.0)
_WAITING = flat(0.0)
_MEMORY = flat(60e6)
_ROWS_READ = flat(40.0)
_BANK_CALLS = flat(9.0)
_ALIVE = flat(3.0)


@dataclass(frozen=True)
class World:
    """How the service behaves over time; every course is a function of the second."""

    requests: Course = _REQUESTS
    slow_s: Course = _SLOW_S
    failing: Course = _FAILING
    in_use: Course = _IN_USE
    waiting: Course = _WAITING
    memory: Course = _MEMORY
    rows_read: Course = _ROWS_READ
    bank_calls: Course = _BANK_CALLS
    alive: Course = _ALIVE
    seed: int = 1
    replicas: tuple[str, ...] = ("r1", "r2", "r3")
    tracks: dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[float, float]]] = field(
        default_factory=dict
    )

    def series(self, seconds: int) -> list[Series]:
        """What a scraper would have stored, one sample a second."""
        self.tracks.clear()
        luck = random.Random(self.seed)  # noqa: S311 -- made-up traffic
        totals: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        for second in range(seconds):
            for number, replica in enumerate(self.replicas):
                self._scrape(second, number, replica, luck, totals)
            self._count(second, totals, luck, "ledger_table_tup_read", self.rows_read(second), job="ledger")
        return [
            Series(
                name=name,
                labels=dict(labels),
                times=tuple(when for when, _ in samples),
                values=tuple(value for _, value in samples),
            )
            for (name, labels), samples in self.tracks.items()
        ]

    def _scrape(
        self,
        second: int,
        number: int,
        replica: str,
        luck: random.Random,
        totals: dict[tuple[str, tuple[tuple[str, str], ...]], float],
    ) -> None:
        share = 1 / len(self.replicas)
        labels = {"job": "till", "instance": replica}
        self._level(second, "up", 1.0 if number < self.alive(second) else 0.0, **labels)
        if number >= self.alive(second):
            return
        answers = poisson(luck, self.requests(second) * share)
        failed = sum(luck.random() < self.failing(second) for _ in range(answers))
        slow = [self.slow_s(second) * luck.lognormvariate(0, 0.5) for _ in range(answers)]
        for code, amount in (("200", answers - failed), ("500", failed)):
            self._add(second, totals, "till_requests_total", amount, code=code, route="/pay", **labels)
        for bound in (*BOUNDS, float("inf")):
            below = answers if bound == float("inf") else sum(one <= bound for one in slow)
            text = "+Inf" if bound == float("inf") else str(bound)
            self._add(second, totals, "till_duration_seconds_bucket", below, le=text, route="/pay", **labels)
        calls = poisson(luck, self.bank_calls(second) * share)
        self._add(second, totals, "till_outbound_total", calls, target="bank", outcome="ok", **labels)
        for name, course, noise in (
            ("till_pool_connections", self.in_use, 0.6),
            ("till_pool_waiting", self.waiting, 0.0),
        ):
            value = max(0.0, round(course(second) * share + luck.gauss(0, noise)))
            extra = {"state": "in_use"} if name == "till_pool_connections" else {}
            self._level(second, name, value, **labels, **extra)
        self._level(second, "till_pool_connections", 5.0, **labels, state="max")
        memory = self.memory(second) + luck.gauss(0, 2e5)
        self._level(second, "process_resident_memory_bytes", memory, **labels)

    def _level(self, second: int, name: str, value: float, **labels: str) -> None:
        key = (name, tuple(sorted(labels.items())))
        self.tracks.setdefault(key, []).append((at(second).timestamp(), value))

    def _add(
        self,
        second: int,
        totals: dict[tuple[str, tuple[tuple[str, str], ...]], float],
        name: str,
        amount: float,
        **labels: str,
    ) -> None:
        key = (name, tuple(sorted(labels.items())))
        totals[key] = totals.get(key, 0.0) + amount
        self._level(second, name, totals[key], **labels)

    def _count(
        self,
        second: int,
        totals: dict[tuple[str, tuple[tuple[str, str], ...]], float],
        luck: random.Random,
        name: str,
        per_second: float,
        **labels: str,
    ) -> None:
        self._add(second, totals, name, poisson(luck, per_second), **labels)


def poisson(luck: random.Random, mean: float) -> int:
    """A Poisson number; for large means its normal approximation."""
    if mean > 50:
        return max(0, round(luck.gauss(mean, mean**0.5)))
    weights, total, term = [], 0.0, 2.718281828459045**-mean
    for count in range(200):
        total += term
        weights.append(total)
        term *= mean / (count + 1)
    return bisect_left(weights, luck.random() * min(total, 1.0))


def log_line(
    second: float, message: str, severity: str = "INFO", service: str = "till", **fields: str
) -> LogLine:
    return LogLine(
        at=at(second), service=service, severity=severity, message=message, fields=fields, ref=f"log:{second}"
    )


def calm_lines(seconds: int, seed: int = 1) -> list[LogLine]:
    luck = random.Random(seed)  # noqa: S311 -- made-up traffic
    return [
        log_line(
            second + luck.random(),
            f"request {luck.randrange(10**6)} served in {luck.randrange(5, 30)} ms",
            status="200",
        )
        for second in range(seconds)
        for _ in range(poisson(luck, 4.0))
    ]


def page_of(
    world: World,
    seconds: int,
    calm: float = 60.0,
    lines: tuple[LogLine, ...] | list[LogLine] = (),
    changes: tuple[Change, ...] = (),
    databases: tuple[DatabaseReport, ...] = (),
) -> Page:
    return assemble(
        incident="i1",
        service="till",
        window=window(0, seconds),
        baseline=window(0, calm),
        topology=TOPOLOGY,
        lines=lines,
        series=world.series(seconds),
        changes=changes,
        databases=databases,
    )


def told(page: Page, signal: str) -> Item:
    found = [one for one in page.items if one.facts.get("signal") == signal]
    assert found, f"{signal} is not among {[one.title for one in page.items]}"
    return found[0]


def off_by(item: Item, second: float = BROKEN_AT) -> float:
    assert item.onset is not None
    return (item.onset.at - at(second)).total_seconds()


def loud(number: int, when: int, role_word: str) -> Series:
    """A gauge of the alerting service that jumps by a lot."""
    times = tuple(at(second).timestamp() for second in range(SECONDS))
    values = tuple(500.0 + number if second >= when else 1.0 for second in range(SECONDS))
    return Series(name=f"till_part{number}_{role_word}", labels={"job": "till"}, times=times, values=values)
