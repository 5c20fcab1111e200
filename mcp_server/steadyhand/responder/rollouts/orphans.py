"""Traffic on a canary arm that no rollout of ours accounts for: found at the start, and told."""

import asyncio
import logging
from datetime import timedelta

from steadyhand.journey.commands import Record
from steadyhand.ports import LedgerError, SourceError, TrafficTarget
from steadyhand.responder.engine.alarm import Alarm
from steadyhand.responder.outside import Outside

log = logging.getLogger("steadyhand.orphans")
_TRIES = 20
_AGAIN = timedelta(seconds=15)


async def find_orphans(outside: Outside) -> tuple[str, ...]:
    """What was found, in words. A share under our own mark goes home; another's is only told about."""
    alarm = Alarm(outside)
    found = await asyncio.gather(*(_look(outside, alarm, one) for one in outside.traffic.values()))
    return tuple(one for one in found if one)


async def _look(outside: Outside, alarm: Alarm, target: TrafficTarget) -> str:
    """One target, asked until it answers: a balancer may start after us."""
    for _ in range(_TRIES):
        try:
            said = await _settle(outside, target)
        except (SourceError, LedgerError) as error:
            log.info("%s: not looked for orphans yet: %s", target.name, error)
            await outside.clock.sleep(_AGAIN)
            continue
        except Exception:  # a bug in one target keeps no other from being looked at
            log.exception("%s: not looked for orphans", target.name)
            return ""
        if said:
            await alarm.ring(said)
        return said
    return ""


async def _settle(outside: Outside, target: TrafficTarget) -> str:
    now = await target.observe()
    if now.share == 0 or await asyncio.to_thread(_is_accounted_for, outside, target.name):
        return ""
    said = f"{target.name}: {now.share:.0%} of its traffic is on a canary that no rollout here accounts for"
    if now.owner == target.mark:
        await target.revert()
        said += "; it bore our mark and was brought home"
    else:
        said += f"; it is {now.owner or 'nobody'}'s, and was left. By hand: {target.by_hand()}"
    await asyncio.to_thread(_record, outside, target.name, said)
    return said


def _is_accounted_for(outside: Outside, service: str) -> bool:
    with outside.ledger.read() as tx:
        return tx.running_on(service) is not None


def _record(outside: Outside, service: str, said: str) -> None:
    with outside.ledger.write() as tx:
        body = {"service": service, "what": said}
        tx.record("", Record(action="rollout.orphan", body=body), outside.clock.now())
