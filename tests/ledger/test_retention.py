"""Closed incidents leave the store for the archive, whole; the trail stays."""

import hashlib
import itertools
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from ledger.doomed import PhoneBook, outside
from ledger.shelf import NOW, alert, opening, plan, raw, send
from stores import Place
from stories.night import RULES

from steadyhand.adapters.ledger.archive import FileArchive
from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.audit.proof import find_problem
from steadyhand.journey.incident.retention import RetentionRule
from steadyhand.journey.incident.state import ClosedByHuman
from steadyhand.responder.alerts.intake import take_alert, tell_incident
from steadyhand.responder.engine.retention import prune
from steadyhand.responder.outside import Outside
from steadyhand.testing.clock import VirtualClock

LATER = NOW + timedelta(days=91)


@pytest.fixture
def later(place: Place, tmp_path: Path) -> Outside:
    """Two incidents, one of them closed; 91 days later."""
    then = outside(SqlLedger(place), PhoneBook(tmp_path / "calls"), NOW, "a")
    with then.ledger.write() as tx:
        for name in ("inc-1", "inc-2"):
            tx.save(*opening(name, name), NOW)
            tx.put("plan", f"plan-{name}", name, plan(f"plan-{name}", name), NOW)
        tx.send("", send("handoff:1"), NOW)
    tell_incident(then, "inc-1", ClosedByHuman(by="ana", via="test", why="a drill"))
    for one in then.ledger.claim_messages("a", NOW, timedelta(seconds=30), 99):
        with then.ledger.write() as tx:
            tx.sent(one, "r")
    return replace(then, clock=VirtualClock(LATER), archive=FileArchive(tmp_path / "archive"))


def lines(tmp_path: Path) -> list[str]:
    return [line for path in (tmp_path / "archive").glob("*.jsonl") for line in path.read_text().splitlines()]


def count(place: Place, table: str, incident: str) -> object:
    return raw(place, f"select count(*) from {table} where incident = '{incident}'")[0][0]  # noqa: S608 - our own names


def test_a_closed_incident_goes_whole_and_an_open_one_stays(
    later: Outside, place: Place, tmp_path: Path
) -> None:
    assert prune(later) == 1
    (line,) = lines(tmp_path)
    kept = json.loads(line)
    assert kept["incident"] == "inc-1"
    rows = kept["rows"]
    assert {name for name, found in rows.items() if found} >= {
        "incident",
        "timer",
        "outbox",
        "document",
        "audit",
    }
    with later.ledger.read() as tx:
        assert [one.id for one in tx.incidents(9)] == ["inc-2"]
    for table in ("timer", "outbox", "document"):
        assert count(place, table, "inc-1") == 0
        assert count(place, table, "inc-2") > 0


def test_the_trail_stays_and_names_the_line_that_was_archived(later: Outside, tmp_path: Path) -> None:
    prune(later)
    (line,) = lines(tmp_path)
    with later.ledger.read() as tx:
        assert find_problem(tx.audit.rows()) == ""
        trail = tx.trail("inc-1")
    assert trail[0].action == "incident.opened"
    assert trail[-1].action == "incident.archived"
    assert trail[-1].body["sha256"] == hashlib.sha256(line.encode()).hexdigest()


def test_what_cannot_be_archived_is_not_deleted(later: Outside, tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("a file stands where the folder should be")
    with pytest.raises(OSError, match="archive"):
        prune(later)
    with later.ledger.read() as tx:
        assert tx.incident("inc-1") is not None


def test_one_that_still_has_something_to_say_stays(later: Outside, place: Place) -> None:
    raw(place, "update outbox set state = 'queued' where incident = 'inc-1'")
    assert prune(later) == 0


def test_posts_go_with_the_last_incident_that_they_told_of(place: Place, tmp_path: Path) -> None:
    then = outside(SqlLedger(place), PhoneBook(tmp_path / "calls"), NOW, "a")
    numbers = itertools.count(1)
    then = replace(then, new_id=lambda prefix: f"{prefix}-{next(numbers)}")
    closed = take_alert(then, alert("shop"), "of a closed one")
    take_alert(then, alert("wiki"), "of an open one")
    take_alert(then, alert("wiki").model_copy(update={"dedup_key": "x", "status": "resolved"}), "nobody's")
    tell_incident(then, closed, ClosedByHuman(by="ana", via="test", why="a drill"))
    raw(place, "update timer set state = 'done'", "update outbox set state = 'sent'")
    later = replace(then, clock=VirtualClock(LATER), archive=FileArchive(tmp_path / "archive"))
    assert prune(later) == 1
    assert raw(place, "select raw from alert_post") == [("of an open one",)]
    assert "of a closed one" in lines(tmp_path)[0]


def test_messages_of_no_incident_go_too(later: Outside, place: Place) -> None:
    prune(later)
    assert raw(place, "select count(*) from outbox where incident is null") == [(0,)]


@pytest.mark.parametrize(
    ("keep", "gone"), [(timedelta(days=92), 0), (timedelta(days=90), 1), (timedelta(), 0)]
)
def test_the_rule_says_when_and_nought_is_never(later: Outside, keep: timedelta, gone: int) -> None:
    rules = RULES.model_copy(update={"retention": RetentionRule(keep_closed=keep)})
    assert prune(replace(later, rules=rules)) == gone


def test_the_archive_is_its_owner_s_alone(later: Outside, tmp_path: Path) -> None:
    prune(later)
    (path,) = (tmp_path / "archive").glob("*.jsonl")
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
