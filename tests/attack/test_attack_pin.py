"""Guessing a PIN, and using the guard against guessing against the people it guards."""

import asyncio

import pytest
from stories.night import PIN, Night
from web.house import House, basic

from steadyhand.responder.fixes.deciding import Refused, sign_in
from steadyhand.store import Person

pytestmark = pytest.mark.anyio


def _person(night: Night, name: str = "ana") -> Person:
    with night.outside.ledger.read() as tx:
        found = tx.person(name)
    assert found is not None
    return found


async def test_wrong_tries_of_others_at_the_same_moment_do_not_make_a_right_pin_wrong(night: Night) -> None:
    with pytest.raises(Refused):
        await sign_in(night.outside, "ana", "000000", "console")
    both = await asyncio.gather(*(sign_in(night.outside, "ana", PIN, "console") for _ in range(3)))
    assert [one.name for one in both] == ["ana"] * 3
    assert _person(night).wrong == 0


async def test_a_burst_of_guesses_at_once_gets_no_more_tries_than_one_by_one(night: Night) -> None:
    guesses = (sign_in(night.outside, "ana", f"{one:06}", "terminal") for one in range(12))
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert all(isinstance(one, Refused) for one in answers)
    assert _person(night).locked_until > night.clock.now()
    with pytest.raises(Refused):
        await sign_in(night.outside, "ana", PIN, "console")


async def test_both_doors_count_the_same_tries(house: House) -> None:
    browser = await house.visit("bo")
    for one in range(3):
        await browser.sign_in("ana", f"00000{one}")
    async with house.client(headers=basic(pin="999999")) as terminal:
        for _ in range(2):
            assert (await terminal.get("/api/incidents")).status_code == 401
    assert _person(house).locked_until > house.clock.now()
    assert (await browser.sign_in("ana")).status_code == 401


async def test_a_lock_ends_no_session_touches_nobody_else_and_is_not_prolonged_by_more_tries(
    house: House,
) -> None:
    inside = await house.visit("ana")
    incident = await house.break_shop()
    async with house.client(headers=basic(pin="000000")) as guesser:
        for _ in range(8):
            await guesser.get("/api/incidents")
    view = house.view(incident)
    assert view.plan is not None
    assert (await inside.answer(view.plan.id, view.digest)).status_code == 303
    await house.visit("bo")
    locked_until = _person(house).locked_until
    await house.clock.advance(minutes=4)
    async with house.client(headers=basic(pin="000000")) as guesser:
        await guesser.get("/api/incidents")
    assert _person(house).locked_until == locked_until
    await house.clock.advance(minutes=2)
    assert (await (await house.visit("bo")).sign_in("ana")).status_code == 303


async def test_a_locked_a_wrong_and_an_unknown_name_are_told_the_same(house: House) -> None:
    async with house.client() as guesser:
        for _ in range(6):
            await guesser.get("/api/incidents", headers=basic(pin="000000"))
        told = [
            (await guesser.get("/api/incidents", headers=one)).text
            for one in (basic(), basic("bo", "000000"), basic("nobody", "000000"))
        ]
    assert len(set(told)) == 1
