"""kill -9 at any commit of a night loses no step, repeats none, and wakes nobody after somebody has it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from ledger.doomed import ACKED, Failpoint, NightShift, PhoneBook, live_until, outside, turns, work_until
from ledger.shelf import NOW, filled, opening
from stores import Place

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.audit.proof import find_problem
from steadyhand.responder.engine.worker import Worker

LATE = NOW + timedelta(minutes=15)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "calls"


def run(forks: ForkServerContext, target: object, *arguments: object) -> int | None:
    child = forks.Process(target=target, args=arguments)
    child.start()
    child.join(60)
    return child.exitcode


def test_a_night_survives_a_kill_at_each_of_its_commits(
    place: Place, tmp_path: Path, forks: ForkServerContext
) -> None:
    ledger = filled(place)
    whole = tmp_path / "whole"
    assert run(forks, live_until, place, whole, "inc-1", Failpoint()) == 0
    commits = int(whole.with_suffix(".commits").read_text())
    wanted = [one.removeprefix("inc-1:") for one in PhoneBook(whole).lines()]
    assert [one.partition(":")[2] for one in wanted] == [
        "page:0::phone:ana",
        "plan.none:0::phone:ana",
        "page:1::phone:bo",
        "",
    ]

    for commit in range(1, commits + 1):
        for after in (False, True):
            incident = f"inc-{commit}-{after:d}"
            with ledger.write() as tx:
                tx.save(*opening(incident, incident), NOW)
            book = tmp_path / incident
            assert run(forks, live_until, place, book, incident, Failpoint(commit, after)) in (-9, 0)
            shift = NightShift(place, book, incident, f"next-{incident}")
            shift.ledger.reclaim(NOW, all_owners=True)
            shift.live()
            calls = [one.removeprefix(f"{incident}:") for one in PhoneBook(book).lines()]
            assert set(calls) == set(wanted), (commit, after)
            assert len(calls) <= len(wanted) + 1, "only what was on its way may come twice, with the same key"
            assert not [one for one in calls[calls.index(ACKED) :] if "page" in one], (commit, after)

    with ledger.read() as tx:
        assert find_problem(tx.audit.rows()) == ""
        assert {one.acked_by for one in tx.incidents(999)} == {"ana"}
        actions = [one.action for one in tx.trail()]
    nights = 2 * commits + 1
    for action in ("incident.diagnosed", "incident.acknowledged", "incident.escalated"):
        assert actions.count(action) == nights


def test_three_processes_share_the_work_and_two_of_them_die(
    place: Place, book: Path, forks: ForkServerContext
) -> None:
    names = [f"inc-{number}" for number in range(1, 13)]
    ledger = filled(place)
    with ledger.write() as tx:
        for name in names[1:]:
            tx.save(*opening(name, name), NOW)
    points = (Failpoint(9), Failpoint(12, after=True), Failpoint())
    workers = [forks.Process(target=work_until, args=(place, book, LATE, one)) for one in points]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)
    assert workers[-1].exitcode == 0
    work_until(place, book, LATE + timedelta(seconds=31), Failpoint())

    calls = PhoneBook(book).lines()
    for who, step in (("ana", "page:0::"), ("bo", "page:1::")):
        assert {f"{name}:0:{step}phone:{who}" for name in names} <= set(calls)
    with ledger.read() as tx:
        trail = tx.trail()
        assert find_problem(tx.audit.rows()) == ""
        assert {one.state for name in names for one in tx.receipts(name)} == {"sent"}
    escalated = [one.incident for one in trail if one.action == "incident.escalated"]
    assert sorted(escalated) == sorted(names)


def test_without_a_restart_another_process_takes_over_once_the_lease_is_out(place: Place, book: Path) -> None:
    ledger = filled(place)
    ledger.claim_timers("dead", NOW, timedelta(seconds=30), 9)
    for seconds, status in ((29, "investigating"), (31, "needs_human")):
        then = outside(ledger, PhoneBook(book), NOW + timedelta(seconds=seconds), "other")
        asyncio.run(turns(Worker(then)))
        with ledger.read() as tx:
            assert tx.incident("inc-1").status == status


def _sqlite(place: Place) -> Sequence[SqlLedger]:
    if not isinstance(place, Path):
        pytest.skip("only a file is one host's")
    return SqlLedger(place), SqlLedger(place)


def test_what_the_dead_held_is_taken_over_at_once_when_nobody_else_works_on_the_file(place: Place) -> None:
    dead, alive = _sqlite(place)
    dead.take_over(NOW)
    with dead.write() as tx:
        tx.save(*opening(), NOW)
    dead.claim_timers("dead", NOW, timedelta(seconds=30), 9)
    assert alive.take_over(NOW) == 0  # the other one may be at work on it
    alive.close()
    dead.close()
    next_one = SqlLedger(place)
    assert next_one.take_over(NOW) == 1
    next_one.close()
