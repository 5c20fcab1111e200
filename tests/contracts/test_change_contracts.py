"""What every ChangeSource promises, whoever tells the changes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from contracts.change_worlds import EVERY, START, WANTED, WINDOW, Make, World, at
from servers import RESET, Reply
from vendors.base import Trouble, status
from vendors.change_vendors import TOKEN

from steadyhand.journey.evidence.model import Window
from steadyhand.ports import SourceError

pytestmark = pytest.mark.anyio


@pytest.fixture(params=EVERY, ids=[one.__name__ for one in EVERY])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    make: Make = request.param
    async with make(tmp_path) as found:
        yield found


async def test_changes_are_of_the_window_start_included_end_excluded_oldest_first(world: World) -> None:
    found = await world.source.changes(["shop", "cart"], WINDOW)
    assert [one.started_at for one in found] == [at(10), at(15), at(19)]
    assert {one.service for one in found} == {"shop"}


async def test_changes_of_others_are_not_told(world: World) -> None:
    assert list(await world.source.changes(["cart"], WINDOW)) == []


async def test_each_change_keeps_its_id_from_look_to_look(world: World) -> None:
    first = await world.source.changes(["shop"], WINDOW)
    again = await world.source.changes(["shop"], Window(start=START, end=at(60)))
    assert len({one.id for one in again}) == 5
    assert {one.id for one in first} < {one.id for one in again}


async def test_a_diff_shows_what_was_changed(world: World) -> None:
    last = (await world.source.changes(["shop"], WINDOW))[-1]
    assert WANTED in await world.source.diff(last)


async def test_a_change_says_who_told_it_and_how_its_diff_is_found(world: World) -> None:
    for one in await world.source.changes(["shop"], WINDOW):
        assert one.source in {world.source.name, ""}
        assert one.summary or one.source == ""


@pytest.mark.parametrize(
    "trouble", [Trouble(Reply(401)), Trouble(RESET), status(500), Trouble(Reply(200, b"<p>"))]
)
async def test_a_source_that_fails_says_so_by_name_and_leaks_no_secret(
    world: World, trouble: Trouble
) -> None:
    if world.vendor is None:
        pytest.skip("nothing of it can fail so")
    world.vendor.trouble.extend([trouble] * 3)
    with pytest.raises(SourceError) as caught:
        await world.source.changes(["shop"], WINDOW)
    assert caught.value.source == world.source.name
    assert TOKEN not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert TOKEN not in repr(vars(world.source))
    world.vendor.trouble.clear()


async def test_a_quiet_hour_has_no_change(world: World) -> None:
    later = Window(start=at(120), end=at(180))
    assert list(await world.source.changes(["shop"], later)) == []
