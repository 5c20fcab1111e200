"""What a look into a database says first: what was not seen, who blocks whom, what lacks an index."""

from datetime import UTC, datetime

from steadyhand.journey.evidence.model import DatabaseReport, Scan, Session
from steadyhand.tools.answers import bounded
from steadyhand.tools.telling import tell_database

AT = datetime(2026, 1, 31, 2, tzinfo=UTC)


def session(pid: int, *blocked_by: int, application: str = "shop") -> Session:
    query = f"commit {pid}"
    return Session(pid=pid, application=application, state="active", query=query, blocked_by=blocked_by)


def told(*sessions: Session, **rest: object) -> list[str]:
    report = DatabaseReport.model_validate({"database": "postgres", "at": AT, "sessions": sessions, **rest})
    return list(tell_database(report))


def test_what_blocks_and_what_lacks_an_index_stands_before_sessions_however_many_there_are() -> None:
    crowd = [session(100 + n, application=f"application number {n} of many") for n in range(80)]
    scan = Scan(
        table="orders", columns=("email",), rows=9, query="select 1", mean_ms=1450.0634746666, calls=3
    )
    text = bounded(
        "\n".join(told(*crowd, session(1), session(2, 1), scans=(scan,), gaps=("limits: no answer",)))
    )
    assert "truncated" in text
    assert "not seen: limits: no answer" in text
    assert "pid 2 waits for 1" in text
    assert "mean 1450 ms" in text


def test_who_waits_for_whom_is_a_tree_from_who_holds_it_all_up() -> None:
    tree = [one for one in told(session(3, 2), session(2, 1), session(4, 1), session(1)) if "pid" in one]
    assert tree[0].startswith("blocks others: pid 1, shop, active")
    assert [one.split(":")[0] for one in tree[1:4]] == [
        "  pid 2 waits for 1",
        "    pid 3 waits for 2",
        "  pid 4 waits for 1",
    ]


def test_a_circle_of_waits_is_told_once_and_a_blocker_nobody_sees_is_named() -> None:
    circle = [one for one in told(session(1, 2), session(2, 1)) if "waits for" in one]
    assert len(circle) == 1
    assert "blocks others: pid 9, which is not shown" in told(session(1, 9))
