"""Hear every target before it is moved: each half minute, and each second near an open incident."""

import asyncio
import logging
from datetime import timedelta

from steadyhand.ports import LedgerError, SourceError, TrafficTarget
from steadyhand.responder.outside import Outside
from steadyhand.responder.rollouts.baseline import Limits

log = logging.getLogger("steadyhand.listening")
_TICK = timedelta(seconds=1)
_IDLE = timedelta(seconds=30)
_OPEN = ("investigating", "awaiting_approval", "needs_human")
_MS = 1000.0
_SLOW_MS = 400.0  # where neither users were promised anything nor anything is measured
_TAIL = 5.0


async def keep_listening(outside: Outside) -> None:
    """Listen until cancelled. A store that fails is the worker's alarm, not ours."""
    while True:
        try:
            await listen(outside)
        except LedgerError as error:
            log.warning("not listening: %s", error)
        await outside.clock.sleep(_TICK)


async def listen(outside: Outside) -> None:
    """One look at every target whose turn it is; one that fails is heard anew later. Raises LedgerError."""
    if not outside.traffic:
        return
    near = await asyncio.to_thread(_near_an_incident, outside)
    due = [one for name, one in outside.traffic.items() if name in near or _is_due(outside, name)]
    await asyncio.gather(*(_hear(outside, one, busy=one.name in near) for one in due))


def _near_an_incident(outside: Outside) -> frozenset[str]:
    """What may be moved soon: all around a service that hurts, but nothing that is being moved now."""
    with outside.ledger.read() as tx:
        hurt = [one.service for one in tx.incidents(50, open_first=True) if one.status in _OPEN]
    topology = outside.rules.topology
    return frozenset(name for one in hurt for name in topology.neighbourhood(one))


def _is_due(outside: Outside, name: str) -> bool:
    heard_at = outside.baselines.heard_at(name)
    return heard_at is None or outside.clock.now() - heard_at >= _IDLE


async def _hear(outside: Outside, target: TrafficTarget, *, busy: bool) -> None:
    try:
        # Near an incident the control may be sick already: what is slow was settled before.
        settled = outside.baselines.limits(target.name) if busy else None
        limits = settled or await _limits(outside, target)
        outside.baselines.hear(target.name, await target.counters(limits), limits)
    except SourceError as error:
        log.info("%s was not heard: %s", target.name, error)
        outside.baselines.forget(target.name)
    except Exception:  # a bug in one target keeps no other from being heard
        log.exception("%s was not heard", target.name)
        outside.baselines.forget(target.name)


async def _limits(outside: Outside, target: TrafficTarget) -> Limits:
    """What users were promised where it is known, else the p90 as measured; and the p99 as measured."""
    goals = outside.rules.goals.get(target.name, ())
    promised = next((one.bound * _MS for one in goals if one.kind == "latency"), None)
    measured = await target.slow_limits()
    slow = promised or (measured[0] if measured else _SLOW_MS)
    return slow, measured[1] if measured else slow * _TAIL
