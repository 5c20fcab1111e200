"""Evidence pages made by hand: a small shop in front of a database, a cache and a payment provider."""

from datetime import UTC, datetime, timedelta
from typing import get_args

from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.evidence.model import Item, Onset, Page, Role, Window
from steadyhand.journey.topology import Service, Topology

START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
RULE = DiagnosisRule()
TOPOLOGY = Topology(
    services=(
        Service(name="users", kind="client", depends_on=("edge",)),
        Service(name="edge", kind="balancer", depends_on=("shop",)),
        Service(name="shop", depends_on=("orders-db", "memo", "payments")),
        Service(name="orders-db", kind="database"),
        Service(name="memo", kind="cache"),
        Service(name="payments", kind="third_party"),
    )
)
_KIND_OF: dict[str, str] = {"change": "change", "new_log": "log", "log_rate": "log"}
_OF_DATABASE = ("idle_in_transaction", "lock_queue", "full_scan", "table_load", "connections")
_PREFIX = {"metric": "m", "log": "l", "change": "c", "database": "d"}


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def seen(name: str, role: Role, entity: str, second: float | None = None, **facts: str) -> Item:
    """One item; `direction` among the facts sets the direction (up unless said otherwise)."""
    assert role in get_args(Role)
    direction = facts.pop("direction", "none" if role in {"change", "full_scan"} else "up")
    kind = "database" if role in _OF_DATABASE else _KIND_OF.get(role, "metric")
    onset = None if second is None else Onset(at=at(second), lo=at(second - 1), hi=at(second))
    return Item.model_validate(
        {
            "id": f"{_PREFIX[kind]}-{name}",
            "kind": kind,
            "role": role,
            "entity": entity,
            "title": name,
            "onset": onset,
            "direction": direction,
            "strength": 20.0,
            "facts": facts,
        }
    )


def change(name: str, second: float, kind: str = "code", service: str = "shop", **facts: str) -> Item:
    known = {"change_id": name, "change_kind": kind, "version": "2.1.0", "previous": "2.0.0"}
    return seen(name, "change", service, second, **{**known, **facts})


def page(*items: Item, gaps: tuple[str, ...] = ()) -> Page:
    return Page(
        incident="i1",
        service="shop",
        window=Window(start=at(-600), end=at(120)),
        baseline=Window(start=at(-600), end=at(-60)),
        items=items,
        gaps=gaps,
    )


def told(shown: Page, topology: Topology = TOPOLOGY) -> Diagnosis:
    return diagnose(shown, topology, RULE)


CONNECTIONS = seen("connections", "connections", "orders-db", direction="none", used="17", max="60")
STANDING_SCAN = seen(
    "scan", "full_scan", "orders-db", table="orders", columns="customer_email", rows="900000", index="none"
)
POOL_ERRORS = seen(
    "pool-timeout",
    "new_log",
    "shop",
    20,
    direction="new",
    severity="ERROR",
    template="no free connection after <n> s",
)


def idle(query: str, oldest: str, youngest: str, application: str = "s1") -> Item:
    return seen(
        "idle",
        "idle_in_transaction",
        "orders-db",
        application=application,
        count="15",
        oldest_s=oldest,
        youngest_s=youngest,
        last_query=query,
    )


def leak() -> list[Item]:
    return [
        seen("pool", "saturation", "shop", 5, shape="ramp", metric="pool_in_use"),
        seen("waiting", "waiting", "shop", 22, shape="step"),
        seen("errors", "errors", "shop", 25, shape="step"),
        seen("latency", "latency", "shop", 24, shape="step"),
        seen("calls", "traffic", "shop", 25, direction="down", target="payments"),
        idle("SELECT id, total FROM orders WHERE id = $1", "33", "2"),
        POOL_ERRORS,
        STANDING_SCAN,
        CONNECTIONS,
    ]


def slow_lookup() -> list[Item]:
    return [
        seen("rows", "work", "orders-db", 3, metric="table_seq_tup_read", labels="relname=orders"),
        seen("load", "table_load", "orders-db", table="orders", seq_rows_per_s="9000000"),
        seen("latency", "latency", "shop", 4, shape="step", labels="route=/orders"),
        STANDING_SCAN.model_copy(update={"facts": STANDING_SCAN.facts | {"mean_ms": "310", "calls": "400"}}),
        CONNECTIONS,
    ]


def silent_provider() -> list[Item]:
    return [
        seen("pool", "saturation", "shop", 1, shape="step", metric="pool_in_use"),
        seen("calls", "traffic", "shop", 3, direction="down", target="payments"),
        seen("errors", "errors", "shop", 6, shape="step"),
        seen("waiting", "waiting", "shop", 4, shape="step"),
        idle("UPDATE products SET sold = sold + 1 WHERE id = $1", "10", "1"),
        POOL_ERRORS,
        STANDING_SCAN,
        CONNECTIONS,
    ]


def hanging_provider() -> list[Item]:
    """The calm rate was too uneven for its fall to show: only open calls tell of the provider."""
    return [
        *(one for one in silent_provider() if one.title != "calls"),
        seen("open-calls", "saturation", "shop", 2, shape="step", target="payments"),
    ]


def lock_queue() -> list[Item]:
    return [
        seen("pool", "saturation", "shop", 3, shape="step", metric="pool_in_use"),
        seen("waiting", "waiting", "shop", 3, shape="step"),
        seen("errors", "errors", "shop", 7, shape="step"),
        seen(
            "queue",
            "lock_queue",
            "orders-db",
            root_pid="4711",
            root_application="reporting",
            root_query="SELECT count(*) FROM orders a, orders b",
            waiters="15",
        ),
        POOL_ERRORS,
        STANDING_SCAN,
        CONNECTIONS,
    ]


def lost_cache() -> list[Item]:
    return [
        seen("alive", "up", "memo", 1, direction="down", metric="up"),
        seen("hits", "up", "shop", 2, direction="down", metric="cache_hit_share", target="memo"),
        seen("latency", "latency", "shop", 2, shape="step"),
        seen("pool", "saturation", "shop", 2, shape="step"),
        STANDING_SCAN,
        CONNECTIONS,
    ]


def busy_neighbour() -> list[Item]:
    return [
        seen("batch-cpu", "resource", "recompress", -1, shape="step", metric="process_cpu_seconds_total"),
        seen("pool", "saturation", "shop", 4, shape="step"),
        seen("waiting", "waiting", "shop", 4, shape="step"),
        seen("latency", "latency", "shop", 5, shape="step"),
        STANDING_SCAN,
        CONNECTIONS,
    ]


def growing_memory() -> list[Item]:
    return [
        seen("rss", "resource", "shop", 7, shape="ramp", metric="process_resident_memory_bytes"),
        seen("entries", "resource", "shop", 3, shape="ramp", metric="session_entries"),
        STANDING_SCAN,
        CONNECTIONS,
    ]


def surge() -> list[Item]:
    return [
        seen("requests", "traffic", "shop", 0, shape="step"),
        seen("latency", "latency", "shop", 8, shape="step"),
        seen("cpu", "resource", "shop", 2, shape="step", metric="process_cpu_seconds_total"),
        CONNECTIONS,
    ]


def plain_errors() -> list[Item]:
    return [
        seen("errors", "errors", "shop", 3, shape="step"),
        seen(
            "canceled", "new_log", "shop", 3, direction="new", severity="error", template="statement canceled"
        ),
        CONNECTIONS,
    ]
