"""A world's tracks as the outside would give them: series, lines, changes and looks into databases."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from steadyhand.evaluation.worlds.course import STEP_S, Track
from steadyhand.evaluation.worlds.shape import NODE_LABEL
from steadyhand.evaluation.worlds.story import Deploy, Story
from steadyhand.journey.evidence.model import Change, DatabaseReport, Index, LogLine, Scan, Series, Session

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_POOL = 24.0
_CORES = 4.0
_MEMORY = 16e9
_DISK = 80e9
_ROWS = 900_000
_STATEMENT = "SELECT * FROM orders WHERE customer_email = $1"


def at(step: float) -> datetime:
    """The instant of a step."""
    return START + timedelta(seconds=STEP_S * step)


def series(story: Story, until: int) -> list[Series]:
    """All series up to a step."""
    times = tuple(at(step).timestamp() for step in range(until + 1))
    found = (*_of_services(story), *_of_arrows(story), *_of_stores(story), *_of_hosts(story))
    return [_cut(name, labels, track, story, times) for name, labels, track in found]


def _cut(name: str, labels: dict[str, str], track: Track, story: Story, times: tuple[float, ...]) -> Series:
    end = story.onset + 1 if labels.get("service") in story.muted else len(times)
    return Series(name=name, labels=labels, times=times[:end], values=tuple(track[: min(end, len(times))]))


_Raw = tuple[str, dict[str, str], Track]


def _of_services(story: Story) -> Iterator[_Raw]:
    course = story.course
    for name in story.world.services:
        mine = {"service": name}
        good = [load * (1 - bad) for load, bad in zip(course.load[name], course.errors[name], strict=True)]
        bad = [load * bad for load, bad in zip(course.load[name], course.errors[name], strict=True)]
        yield "http_requests_total", {**mine, "code": "200"}, _counted(good)
        yield "http_requests_total", {**mine, "code": "500"}, _counted(bad)
        yield "request_duration_p95_seconds", mine, course.latency[name]
        yield "process_cpu_usage", mine, course.cpu[name]
        yield "container_pressure_cpu_waiting_seconds_total", mine, _grown(course.waiting[name])
        yield "process_resident_memory_bytes", mine, course.memory[name]
        yield "pool_connections", {**mine, "state": "in_use"}, [min(_POOL, one) for one in course.pool[name]]
        yield "pool_connections", {**mine, "state": "max"}, [_POOL] * len(course.pool[name])


def _of_arrows(story: Story) -> Iterator[_Raw]:
    course = story.course
    for caller in story.world.services:
        for callee in story.world.calls[caller]:
            labels = {"service": caller, "target": callee}
            slow, failing = course.seen_by(caller, callee)
            yield "outbound_duration_p95_seconds", labels, slow
            asked = course.load[caller]
            if caller in story.hushed:
                asked = [one * (0.2 if step >= story.onset else 1) for step, one in enumerate(asked)]
            bad = [load * share for load, share in zip(asked, failing, strict=True)]
            good = [load - one for load, one in zip(asked, bad, strict=True)]
            yield "outbound_requests_total", {**labels, "code": "200"}, _counted(good)
            yield "outbound_requests_total", {**labels, "code": "500"}, _counted(bad)


def _of_stores(story: Story) -> Iterator[_Raw]:
    course = story.course
    for name in story.world.databases:
        yield "query_duration_p95_seconds", {"service": name}, course.latency[name]
        yield "process_cpu_usage", {"service": name}, course.cpu[name]
        yield "container_pressure_cpu_waiting_seconds_total", {"service": name}, _grown(course.waiting[name])
        labels = {"service": name, "relname": "orders"}
        yield "pg_stat_user_tables_seq_tup_read", labels, _counted(course.rows[name])
    for name in story.world.caches:
        lookups = zip(course.load[name], course.hits[name], strict=True)
        shares = [(load * hit, load * (1 - hit)) for load, hit in lookups]
        yield "cache_up", {"service": name}, course.alive[name]
        yield "cache_lookups_total", {"service": name, "result": "hit"}, _counted([hit for hit, _ in shares])
        yield (
            "cache_lookups_total",
            {"service": name, "result": "miss"},
            _counted([lost for _, lost in shares]),
        )


def _of_hosts(story: Story) -> Iterator[_Raw]:
    """As the node exporter and cAdvisor tell it; what runs beside our services is one container."""
    course = story.course
    for node, placed in story.world.nodes.items():
        mine = {NODE_LABEL: node}
        taken = (course.others[node], *(course.cpu[name] for name in placed))
        busy = [min(_CORES, sum(step)) for step in zip(*taken, strict=True)]
        used = [sum(step) for step in zip(*(course.memory[name] for name in placed), strict=True)]
        yield "node_cpu_seconds_total", {**mine, "mode": "user"}, _grown(busy)
        yield "node_cpu_seconds_total", {**mine, "mode": "idle"}, _grown(_CORES - one for one in busy)
        yield "node_load1", mine, [one * 1.1 for one in busy]
        yield "node_memory_MemAvailable_bytes", mine, [_MEMORY - one for one in used]
        free = [_DISK * (1 - step / 1e5) for step in range(len(busy))]
        yield "node_filesystem_avail_bytes", {**mine, "mountpoint": "/"}, free
        yield "container_cpu_usage_seconds_total", {**mine, "container": "other"}, _grown(course.others[node])


def _counted(per_second: Iterable[float]) -> Track:
    """A counter that grew by so much per second."""
    return [round(one, 1) for one in accumulate(STEP_S * rate for rate in per_second)]


def _grown(share: Iterable[float]) -> Track:
    """A counter of seconds that grew by so many per second."""
    return [round(one, 4) for one in accumulate(STEP_S * rate for rate in share)]


def lines(story: Story, until: int) -> list[LogLine]:
    """What the services said up to a step."""
    said = [one for one in story.said if one[0] <= until]
    for name in story.world.services:
        for step in range(until + 1):
            said.append((step, name, "INFO", f"request {step * 7} handled in {step % 13 + 4} ms"))
            if not (name in story.hushed and step >= story.onset):
                said.append((step, name, "INFO", f"record {step * 3} written for customer {step % 97}"))
            if story.course.errors[name][step] > story.chance.uniform(0.03, 0.3):
                said.append((step, name, "ERROR", f"request {step * 7} failed with status 500"))
    moved = (
        (at(step + story.skewed.get(name, 0.0) / STEP_S), name, level, text)
        for step, name, level, text in said
    )
    return [
        LogLine(at=when, service=name, severity=level, message=text, ref=f"{name}:{number}")
        for number, (when, name, level, text) in enumerate(sorted(moved))
        if when <= at(until)
    ]


def change_of(one: Deploy) -> Change:
    """A deploy as a change; a flag as the service of flags tells it, which is at once in force."""
    if one.flag:
        return Change(
            id=one.id,
            service=one.service,
            kind="flag",
            version=one.flag,
            author="Kim Doe",
            summary=f"{one.flag}: turned on the flag",
            diff=one.diff,
            source="launchdarkly",
            handle=one.id,
            started_at=at(one.at),
        )
    return Change(
        id=one.id,
        service=one.service,
        kind="code",
        version=f"2.1.{one.id.removeprefix('dep-')}",
        previous="2.0.9",
        summary="release",
        diff=one.diff,
        started_at=at(one.at),
        finished_at=at(one.at + 0.5),
    )


def reports(story: Story, until: int) -> list[DatabaseReport]:
    """A look into each database at a step."""
    return [_report(name, story, until) for name in story.world.databases]


def _report(name: str, story: Story, until: int) -> DatabaseReport:
    age = max(0.0, (until - story.onset) * STEP_S)
    sessions = [_session(pid, "app", "active", "SELECT 1", 0.1) for pid in range(100, 104)]
    holder = story.idle.get(name)
    if holder:
        text = "SELECT * FROM stock WHERE id = $1"
        sessions += [
            _session(200 + number, holder, "idle in transaction", text, age * (number + 1) / 16)
            for number in range(16)
        ]
    if name in story.locked:
        sessions.append(_session(300, "report", "active", "ALTER TABLE orders ADD COLUMN note text", age))
        sessions += [_session(301 + one, "app", "active", _STATEMENT, age / 2, (300,)) for one in range(9)]
    scans: tuple[Scan, ...] = ()
    if name in story.scanned:
        scans = (
            Scan(table="orders", columns=("customer_email",), rows=_ROWS, query=_STATEMENT, mean_ms=400.0),
        )
    return DatabaseReport(
        database=name,
        at=at(until),
        sessions=tuple(sessions),
        max_connections=100,
        scans=scans,
        indexes=(Index(name="orders_pkey", table="orders", columns=("id",), valid=True),),
    )


def _session(
    pid: int, application: str, state: str, query: str, age: float, blocked_by: tuple[int, ...] = ()
) -> Session:
    wait = "Lock/relation" if blocked_by else ""
    return Session(
        pid=pid,
        application=application,
        state=state,
        wait=wait,
        transaction_s=age,
        state_s=age,
        query=query,
        blocked_by=blocked_by,
    )
