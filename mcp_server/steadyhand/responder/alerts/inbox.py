"""Posts are received first: on disk before they are answered, heard right after.

Posts that come at the same time share one commit. What a post holds was read and found well-formed before it
gets here; what it means for incidents is decided by `hearing`, from the store.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from steadyhand.journey.alert.model import Delivery
from steadyhand.ports import Replayed
from steadyhand.responder.alerts.ears import Taken
from steadyhand.responder.alerts.hearing import hear_all, look_up
from steadyhand.responder.outside import Outside
from steadyhand.responder.together import Most, Together
from steadyhand.store import Transaction
from steadyhand.store_alerts import NewPost

_MOST = Most(items=256, weight=5_000)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A post that was read, and its raw bytes."""

    delivery: Delivery
    raw: bytes


class Inbox:
    """Takes posts; whatever waits when a commit ends goes into the next one."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._posts = Together(partial(receive, outside), _MOST, lambda one: one.delivery.size)
        self._hearing: set[asyncio.Task[None]] = set()

    async def take(self, arrival: Arrival, within: float = 0) -> Taken:
        """Returns once the post is on disk; with `within`, in seconds, waits for as long to have it heard.

        Raises LedgerError, Replayed: then nothing of it is stored.
        """
        ears = self._outside.ears
        with ears.knock():
            await ears.gate.enter(arrival.delivery.size)
            taken = await self._posts.put(arrival)
        if taken.heard:
            return taken
        asked = ears.ask(taken.receipt) if within else None
        self._hear()
        if asked is None:
            return taken
        try:
            return await asyncio.wait_for(asked, within)
        except TimeoutError:
            return await asyncio.to_thread(look_up, self._outside, taken)

    def _hear(self) -> None:
        task = asyncio.create_task(hear_all(self._outside))
        self._hearing.add(task)
        task.add_done_callback(self._hearing.discard)


def receive(outside: Outside, arrivals: Sequence[Arrival]) -> Sequence[Taken | Replayed]:
    """Store posts, all or none of them. Raises LedgerError.

    A post whose id was used for another one is not taken; that hinders none of the others.
    """
    with outside.ledger.write(first=True) as tx:
        return _Reception(tx, outside.clock.now()).take(arrivals)


class _Reception:
    """Posts that share one commit."""

    def __init__(self, tx: Transaction, now: datetime) -> None:
        self._tx, self._now = tx, now
        self._digests: dict[tuple[str, str], str] = {}

    def take(self, arrivals: Sequence[Arrival]) -> list[Taken | Replayed]:
        posts = [_post(one) for one in arrivals]
        known = [self._taken_before(one, arrival) for one, arrival in zip(posts, arrivals, strict=True)]
        new = [one for one, before in zip(posts, known, strict=True) if before is None]
        numbers = iter(self._tx.keep_posts(new, self._now))
        return [
            before or self._keep(next(numbers), one.delivery)
            for one, before in zip(arrivals, known, strict=True)
        ]

    def _keep(self, number: int, told: Delivery) -> Taken:
        if told.size:
            self._tx.await_hearing(number, told, self._now)
        return Taken(receipt=number, heard=not told.size, alerts=told.size, note=told.note)

    def _taken_before(self, post: NewPost, arrival: Arrival) -> Taken | Replayed | None:
        """What is to be said of a post whose id came before; None for one that is new."""
        if not post.delivery:
            return None
        named = post.source, post.delivery
        digest = self._digests.get(named) or self._tx.delivered(*named)
        if digest is None:
            self._digests[named] = post.digest
            return None
        if digest != post.digest:
            return Replayed("the id of this post was used for another one")
        return Taken(heard=True, alerts=arrival.delivery.size, duplicate=True, note="taken before")


def _post(arrival: Arrival) -> NewPost:
    told = arrival.delivery
    digest = hashlib.sha256(arrival.raw).hexdigest()
    return NewPost(source=told.source, delivery=told.id, digest=digest, raw=arrival.raw)
