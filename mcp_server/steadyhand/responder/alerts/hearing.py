"""Posts that were received are heard: the oldest first, many in one transaction that also marks them.

So a post is heard once, however many processes hear, and none overtakes another. What a process leaves when
it dies is on disk and heard by the next one, late.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from steadyhand.journey.commands import Record
from steadyhand.ports import LedgerError
from steadyhand.responder.alerts.ears import Taken
from steadyhand.responder.alerts.intake import hear_posts
from steadyhand.responder.alerts.reading import read_waiting
from steadyhand.responder.engine.distress import call_for_help
from steadyhand.responder.outside import Outside

log = logging.getLogger("steadyhand.hearing")
_LEFT = timedelta(seconds=1)  # who received a post hears it at once; one that waits longer was left
_TRIES, _TRIES_OF_A_SICK_STORE = 3, 8
_AGAIN, _LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)


async def hear_all(outside: Outside) -> None:
    """Hear until nothing waits. Where this process hears already, that goes on for what came meanwhile.

    A burst is stored first. While posts keep coming it rests longer than it works; where it falls behind,
    storing waits for it.
    """
    ears = outside.ears
    if not ears.begin():
        return
    try:
        while True:
            await ears.turn()
            taken = await asyncio.to_thread(hear_round, outside)
            ears.tell(taken)
            if not taken and not ears.goes_on():
                return
            await asyncio.sleep(ears.rest_s)
    except LedgerError as error:
        log.error("posts wait to be heard: %s", error)  # noqa: TRY400 - the cause is in the text
        raise
    finally:
        ears.end()


def left(outside: Outside) -> bool:
    """Whether posts wait that nobody is hearing, as it seems: their process died. Raises LedgerError."""
    with outside.ledger.read() as tx:
        backlog = tx.backlog(outside.clock.now())
    return backlog.posts > 0 and backlog.age >= _LEFT


def hear_round(outside: Outside) -> Sequence[Taken]:
    """Hear the posts that have waited longest, all or none. Raises LedgerError.

    Where one of them spoils it each is tried alone; one that fails again and again is given up and pages.
    """
    now, numbers, ears = outside.clock.now(), list[int](), outside.ears
    try:
        with outside.ledger.write() as tx, ears.pace.kept(yields=ears.yields):
            posts = tx.waiting(now, ears.pace.alerts)
            ears.pace.waited = now - posts[0].at if posts else timedelta()
            if not posts:
                return ()
            numbers = [one.number for one in posts]
            taken = hear_posts(outside, tx, [read_waiting(outside, one) for one in posts], now)
            tx.heard(numbers)
    except Exception as error:
        if not numbers:
            raise
        log.warning("%d posts are heard one by one: %r", len(numbers), error)
        return [found for one in numbers if (found := _alone(outside, one))]
    return taken


def _alone(outside: Outside, number: int) -> Taken | None:
    """Hear one post; None where somebody else did, or it failed."""
    now = outside.clock.now()
    try:
        with outside.ledger.write() as tx:
            post = tx.unheard(number)
            if post is None:
                return None
            (taken,) = hear_posts(outside, tx, [read_waiting(outside, post)], now)
            tx.heard([number])
            return taken
    except Exception as error:
        log.exception("post %d could not be heard", number)
        _put_off(outside, number, error)
        return None


def _put_off(outside: Outside, number: int, error: Exception) -> None:
    """Try it again later, or give it up. A store that cannot even note that is sick: no try is counted."""
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        post = tx.unheard(number)
        if post is None:
            return
        tries = post.tries + 1
        if tries < (_TRIES_OF_A_SICK_STORE if isinstance(error, LedgerError) else _TRIES):
            tx.put_off(number, now + min(_AGAIN * 2**post.tries, _LONGEST_PAUSE))
            return
        tx.put_off(number, None)
        about = {"post": str(number), "source": post.source, "why": repr(error)[:200]}
        tx.record("", Record(action="post.dead", body=about), now)
        said = (
            f"A post of alerts from {post.source} is stored (number {number}) and cannot be heard: "
            f"{about['why']}. Nobody knows what it says. It is tried once more at the next start."
        )
        call_for_help(outside, tx, f"post:{number}", said, now)


def retry_given_up(outside: Outside) -> None:
    """At a start: what an older release could not hear is tried once more. Raises LedgerError."""
    with outside.ledger.write() as tx:
        count = tx.retry_given_up(outside.clock.now())
    if count:
        log.warning("%d posts that could not be heard are tried once more", count)


def look_up(outside: Outside, taken: Taken) -> Taken:
    """What another process heard of a post meanwhile, or that nobody has yet. Raises LedgerError."""
    with outside.ledger.read() as tx:
        if tx.unheard(taken.receipt) is not None:
            return taken.model_copy(update={"note": "stored, not yet heard"})
        return taken.model_copy(update={"heard": True, "incidents": tuple(tx.told_of(taken.receipt))})
