"""A look into a database becomes evidence only where something is wrong."""

from little_world import at

from steadyhand.journey.evidence.database_items import database_items
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.model import DatabaseReport, Index, Item, Scan, Session, TableLoad

BY_MAIL = "SELECT id FROM orders WHERE mail = $1"


def report(
    *sessions: Session,
    tables: tuple[TableLoad, ...] = (),
    scans: tuple[Scan, ...] = (),
    indexes: tuple[Index, ...] = (),
) -> DatabaseReport:
    return DatabaseReport(
        database="ledger",
        at=at(100),
        sessions=sessions,
        max_connections=60,
        tables=tables,
        scans=scans,
        indexes=indexes,
    )


def items(given: DatabaseReport) -> list[Item]:
    return database_items(given, Masker())


def idle(pid: int, application: str, age: float) -> Session:
    return Session(
        pid=pid,
        application=application,
        state="idle in transaction",
        transaction_s=age,
        state_s=age,
        query="SELECT total FROM orders WHERE id = $1",
    )


def test_a_healthy_database_gives_no_evidence() -> None:
    sessions = [Session(pid=n, application="r1", state="idle") for n in range(10)]
    calm = TableLoad(table="orders", rows=900_000, seq_scans_per_s=0, seq_rows_per_s=0, index_scans_per_s=50)
    small = Scan(table="settings", columns=("key",), rows=40, query="SELECT 1")
    assert items(report(*sessions, idle(99, "r1", 0.02), tables=(calm,), scans=(small,))) == []


def test_held_transactions_are_told_per_application_with_count_ages_and_last_query() -> None:
    held = [idle(n, "r1", 5.0 * n) for n in range(1, 6)] + [idle(11, "r2", 30.0)]
    first, second = items(report(*held))
    assert (first.role, first.entity) == ("idle_in_transaction", "ledger")
    assert (first.facts["application"], first.facts["count"]) == ("r1", "5")
    assert (first.facts["oldest_s"], first.facts["youngest_s"]) == ("25.0", "5.0")
    assert first.onset is not None
    assert first.onset.at == at(75)
    assert second.facts["application"] == "r2"


def test_the_root_of_a_lock_queue_is_who_waits_for_nobody_and_not_the_first_waiter() -> None:
    sessions = (
        Session(
            pid=1, application="reporting", state="active", query="SELECT sum(total) FROM orders", state_s=20
        ),
        Session(
            pid=2,
            application="migrator",
            state="active",
            query="ALTER TABLE orders",
            blocked_by=(1,),
            state_s=9,
        ),
        Session(pid=3, application="r1", state="active", query=BY_MAIL, blocked_by=(2,), state_s=8),
        Session(pid=4, application="r2", state="active", query=BY_MAIL, blocked_by=(2,), state_s=7),
    )
    (item,) = items(report(*sessions))
    assert item.role == "lock_queue"
    assert (item.facts["root_pid"], item.facts["root_application"]) == ("1", "reporting")
    assert (item.facts["waiters"], item.facts["head_query"]) == ("3", "ALTER TABLE orders")


def test_a_circle_of_waiters_still_ends() -> None:
    sessions = (
        Session(pid=1, application="a", state="active", blocked_by=(2,), state_s=5),
        Session(pid=2, application="b", state="active", blocked_by=(1,), state_s=5),
    )
    assert {one.role for one in items(report(*sessions))} == {"lock_queue"}


def scan(calls: int | None = 12) -> Scan:
    return Scan(table="orders", columns=("mail",), rows=900_000, query=BY_MAIL, mean_ms=210.0, calls=calls)


def test_a_full_scan_names_table_column_and_the_missing_index() -> None:
    other = Index(name="orders_pkey", table="orders", columns=("id",), valid=True)
    (item,) = items(report(scans=(scan(),), indexes=(other,)))
    assert item.role == "full_scan"
    assert (item.facts["table"], item.facts["columns"], item.facts["index"]) == ("orders", "mail", "none")
    assert "no index on mail" in item.title


def test_an_index_counts_only_if_it_is_valid_and_leads_with_the_column() -> None:
    broken = Index(name="half_built", table="orders", columns=("mail",), valid=False)
    second = Index(name="by_day", table="orders", columns=("day", "mail"), valid=True)
    good = Index(name="by_mail", table="orders", columns=("mail", "day"), valid=True)
    (without,) = items(report(scans=(scan(),), indexes=(broken, second)))
    (covered,) = items(report(scans=(scan(),), indexes=(broken, second, good)))
    assert (without.facts["index"], covered.facts["index"]) == ("none", "by_mail")


def test_a_statement_that_was_never_called_is_no_evidence() -> None:
    assert items(report(scans=(scan(calls=0),))) == []


def test_a_table_read_by_the_million_and_a_full_house_are_told() -> None:
    load = TableLoad(table="orders", rows=900_000, seq_scans_per_s=9, seq_rows_per_s=8e6, index_scans_per_s=1)
    sessions = [Session(pid=n, application="r1", state="active") for n in range(58)]
    found = {one.role: one for one in items(report(*sessions, tables=(load,)))}
    assert found["table_load"].facts["seq_rows_per_s"] == "8000000"
    assert (found["connections"].facts["used"], found["connections"].facts["max"]) == ("58", "60")


def test_an_idle_root_is_told_by_its_transaction_and_a_busy_one_by_its_statement() -> None:
    def root_of(state: str) -> dict[str, str]:
        began = {"backend_start": at(1), "query_start": at(40), "transaction_start": at(30)}
        root = Session(pid=1, application="console", state=state, **began)
        waiting = (
            Session(pid=n, application="r1", state="active", blocked_by=(1,), state_s=9) for n in (2, 3)
        )
        (item,) = (one for one in items(report(root, *waiting)) if one.role == "lock_queue")
        return item.facts

    idle_root, busy_root = root_of("idle in transaction"), root_of("active")
    assert idle_root["root_transaction_start"] == at(30).isoformat()
    assert "root_query_start" not in idle_root
    assert busy_root["root_query_start"] == at(40).isoformat()
    assert "root_transaction_start" not in busy_root


def test_a_page_says_whether_transactions_may_idle_for_ever_and_what_waits_for_a_restart() -> None:
    held = [idle(n, "r1", 5.0 * n) for n in range(1, 46)]
    given = report(*held).model_copy(update={"idle_timeout_ms": 0, "waits_for_restart": ("max_connections",)})
    found = {one.role: one for one in items(given)}
    assert found["idle_in_transaction"].facts["idle_timeout"] == "0"
    assert found["connections"].facts["waits_for_restart"] == "max_connections"
    assert "max_connections" in found["connections"].title
