"""Posts that come at the same time share one commit; each is answered when it is on disk."""

from functools import partial

from steadyhand.responder.alerts.intake import Arrival, Taken, take
from steadyhand.responder.outside import Outside
from steadyhand.responder.together import Most, Together

_MOST = Most(items=64, weight=2_000)


class Inbox:
    """Takes posts; whatever waits when a commit ends goes into the next one."""

    def __init__(self, outside: Outside) -> None:
        self._posts = Together(partial(take, outside), _MOST, lambda one: len(one.delivery.alerts))

    async def take(self, arrival: Arrival) -> Taken:
        """Returns once the post is on disk. Raises LedgerError, Replayed: then nothing of it is."""
        return await self._posts.put(arrival)
