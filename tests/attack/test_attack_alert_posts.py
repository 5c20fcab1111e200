"""Whatever is no alert of its source: a 4xx with a reason, and no trace but a line in the trail."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from attack.hostile_posts import EVERY, FAULTS, Besieged, contents, hostile

from steadyhand.journey.audit.entry import Entry

pytestmark = pytest.mark.anyio


def trail(house: Besieged) -> Sequence[Entry]:
    with house.outside.ledger.read() as tx:
        return tx.trail()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_hostile_posts_are_refused_with_a_reason_and_leave_no_trace(tmp_path: Path) -> None:
    """A share of what `python tests/attack/hostile_posts.py 20000` does."""
    house = Besieged(tmp_path)
    house.besiege()
    taken = await house.take_good_ones()
    before, noted = contents(house), len(trail(house))
    answers = await house.attack(600, seed=7)
    assert contents(house) == before
    assert {one.action for one in trail(house)[noted:]} == {"door.refused"}
    assert sum(len(one.alerts) for one in house.incidents()) == taken
    assert {fault for fault, _ in answers} == {one.__name__ for one, _ in FAULTS}


def test_every_source_and_every_fault_is_tried() -> None:
    tried = {(one.source, one.fault) for one in hostile(3000)}
    assert {source for source, _ in tried} == set(EVERY)
    assert len(tried) >= 3 * len(EVERY)
