"""A diagnosis takes as long as it takes; meanwhile timers fire and whoever is due is rung."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from steadyhand.journey.diagnosis.playbook import Playbook, Shelf
from steadyhand.responder.engine.worker import Worker
from stories.night import Night

pytestmark = pytest.mark.anyio


class Slow(tuple[Playbook, ...]):  # noqa: SLOT001 - it keeps what its reader waits for
    """Playbooks that keep whoever reads them waiting, until they are let go."""

    def __init__(self) -> None:
        self.reading, self.let_go = threading.Event(), threading.Event()
        self.in_time: list[bool] = []

    def __iter__(self) -> Iterator[Playbook]:
        self.reading.set()
        self.in_time.append(self.let_go.wait(10))
        self.let_go.set()
        return super().__iter__()


async def test_a_timer_fires_and_its_page_leaves_while_a_diagnosis_is_under_way(night: Night) -> None:
    playbooks = Slow()
    night.outside = replace(night.outside, playbooks=Shelf(playbooks))
    night.worker = Worker(night.outside)
    night.alert()
    await night.worker.turn()
    await asyncio.to_thread(playbooks.reading.wait, 10)
    await night.clock.advance(minutes=15)
    async with asyncio.timeout(10):
        while not night.phone.rang("bo"):
            await night.worker.turn()
            await asyncio.sleep(0)
    playbooks.let_go.set()
    await night.worker.settle()
    assert all(playbooks.in_time), "the loop stood still until the diagnosis gave up waiting"
