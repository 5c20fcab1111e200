"""Seal the trail: join its chains, sign the joint, and keep the checkpoint outside the store."""

import asyncio
import json
import logging
from typing import Any

from steadyhand.journey.audit.proof import checkpoint_bytes
from steadyhand.journey.audit.rule import due
from steadyhand.ports import CheckpointKey, CheckpointSink, SteadyhandError
from steadyhand.responder.engine.alarm import Alarm
from steadyhand.responder.outside import Outside

log = logging.getLogger("steadyhand.sealing")
_DEADLINE_S = 10.0


def signed(joint: dict[str, Any], key: CheckpointKey) -> dict[str, Any]:
    """The checkpoint of a joint: its number, its hash, how many rows there were, and when (unix ms)."""
    point = {
        "seq": joint["seq"],
        "hash": joint["hash"],
        "count": joint["seq"],
        "at": joint["ts"],
        "key": key.public,
    }
    return point | {"sig": key.sign(checkpoint_bytes(point)).hex()}


class Sealer:
    """Looks at every turn of a worker whether the trail is to be sealed.

    What a sink did not take is tried again at the next turn.
    """

    def __init__(self, outside: Outside, alarm: Alarm) -> None:
        self._outside = outside
        self._alarm = alarm
        self._fresh = True
        self._unkept: list[tuple[CheckpointSink, str]] = []

    async def turn(self) -> None:
        """Seal if it is due, and keep what is not kept yet. Raises LedgerError."""
        key = self._outside.checkpoint_key
        if key is None:
            return
        joint = await asyncio.to_thread(self._joint)
        if joint is not None:
            line = json.dumps(signed(joint, key), separators=(",", ":"))
            self._unkept += [(sink, line) for sink in self._outside.checkpoints]
        waiting, self._unkept = self._unkept, []
        kept = await asyncio.gather(*(self._keep(sink, line) for sink, line in waiting))
        self._unkept = [one for one, done in zip(waiting, kept, strict=True) if not done]

    def _joint(self) -> dict[str, Any] | None:
        """A new joint if one is due; the last one at the start, for whoever died before it was signed."""
        ledger, now = self._outside.ledger, self._outside.clock.now()
        fresh, self._fresh = self._fresh, False
        with ledger.read() as tx:
            waiting, newest = tx.audit.unsealed(), tx.audit.joint() if fresh else None
        if not due(waiting, now, self._outside.rules.audit):
            return newest
        with ledger.write() as tx:
            # Another worker may have sealed it since we looked.
            return tx.audit.join(now) if due(tx.audit.unsealed(), now, self._outside.rules.audit) else None

    async def _keep(self, sink: CheckpointSink, line: str) -> bool:
        try:
            async with asyncio.timeout(_DEADLINE_S):
                await sink.keep(line)
        except (SteadyhandError, OSError, TimeoutError) as error:
            why = str(error) or f"no answer within {_DEADLINE_S:.0f} s"
            await self._alarm.ring(f"A checkpoint of the audit trail was not kept by {sink.name}: {why}")
            return False
        return True
