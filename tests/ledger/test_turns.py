"""Writers of one process take turns, and a post that must be stored before it is answered goes first."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from steadyhand.adapters.ledger.engine import Turns
from steadyhand.ports import LedgerError


def test_who_goes_first_writes_before_those_who_wait_already() -> None:
    turns, order = Turns(), list[str]()

    def write(name: str) -> None:
        with turns.mine(first=name == "post"):
            order.append(name)

    with ThreadPoolExecutor(3) as pool, turns.mine():
        for waiting, name in enumerate(("step", "letter", "post"), start=1):
            pool.submit(write, name)
            while turns.waiting < waiting:
                os.sched_yield()
    assert order[0] == "post"
    assert sorted(order[1:]) == ["letter", "step"]


def test_a_writer_that_does_not_end_is_an_error_and_no_dead_end() -> None:
    turns = Turns()
    with turns.mine():
        with pytest.raises(LedgerError, match="another writer"), turns.mine(first=True, limit_s=0):
            pass
        assert turns.waiting == 0
    with turns.mine(limit_s=0):
        pass
