"""Several doors opened at once with the right PIN all open."""

import asyncio

import pytest
from stories.night import PIN, Night

from steadyhand.responder.fixes.deciding import Refused, sign_in


def test_the_right_pin_opens_at_once_twice_although_one_try_before_was_wrong(night: Night) -> None:
    async def story() -> None:
        with pytest.raises(Refused):
            await sign_in(night.outside, "ana", "000000", "test")
        both = await asyncio.gather(*(sign_in(night.outside, "ana", PIN, "test") for _ in range(4)))
        assert {one.name for one in both} == {"ana"}
        with night.outside.ledger.read() as tx:
            assert tx.person("ana").wrong == 0

    asyncio.run(story())
