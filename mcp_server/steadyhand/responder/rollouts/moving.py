"""What each phase of a rollout does outside: look, set an absolute state, look again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import assert_never

from steadyhand.journey.recovery.model import Reading
from steadyhand.journey.remedy.model import (
    CancelBackend,
    CreateIndex,
    DropIndex,
    EndSession,
    Nothing,
    SetRelease,
    SetSetting,
)
from steadyhand.journey.rollout.gauges import GaugeRule
from steadyhand.journey.rollout.model import Observed
from steadyhand.journey.rollout.state import Rollout, Seen
from steadyhand.journey.rollout.watching import same_share
from steadyhand.ports import DatabaseHand, ForeignChange, SourceError, TrafficTarget
from steadyhand.responder.fixes.planning import read_goals
from steadyhand.responder.outside import Outside

_AROUND_EVERY = 5  # seconds between two looks at the numbers around a canary


async def perform(outside: Outside, rollout: Rollout) -> Seen:
    """Carry out what the phase asks for. Raises SourceError, ForeignChange, EffectUnknown."""
    action = rollout.plan.fix.action
    match action:
        case SetRelease():
            return await _move_traffic(outside, traffic_of(outside, action.service), rollout, action)
        case CreateIndex() | DropIndex() | CancelBackend() | EndSession() | SetSetting():
            return await _change_database(outside, _hand(outside, action.database), rollout)
        case _:
            assert_never(action)


def traffic_of(outside: Outside, service: str) -> TrafficTarget:
    """What moves this service's traffic. Raises SourceError where nothing does."""
    if service not in outside.traffic:
        raise SourceError("connections.traffic", f"nothing there moves the traffic of {service}")
    return outside.traffic[service]


def _hand(outside: Outside, database: str) -> DatabaseHand:
    if database not in outside.hands:
        raise SourceError("connections.hands", f"nothing there may change {database}")
    return outside.hands[database]


async def _move_traffic(
    outside: Outside, target: TrafficTarget, rollout: Rollout, action: SetRelease
) -> Seen:
    match rollout.phase:
        case "preflight":
            return await _preflight(outside, target, rollout)
        case "preparing":
            return Seen(observed=await _prepare(target, action.version, rollout.plan.canary.lease))
        case "shifting" | "promoting":
            return await _shift(target, rollout)
        case "watching" | "asking" | "verifying":
            return await _watch(outside, target, rollout)
        case "settling":
            async with _kept(outside, target, rollout):
                return Seen(observed=await target.settle(action.version))
        case _:
            return Seen(observed=await _bring_back(target, rollout))


async def _preflight(outside: Outside, target: TrafficTarget, rollout: Rollout) -> Seen:
    """Nobody else may be there; and the way back is walked once while there is nothing to bring back."""
    now = await target.observe()
    if now.owner not in ("", target.mark):
        raise ForeignChange(target.name, f"{now.owner} holds its traffic")
    if now.share > 0 and not now.owner:
        raise ForeignChange(target.name, f"its share is {now.share:.1%}, and nobody says whose it is")
    return Seen(
        observed=await target.revert(),
        by_hand=target.by_hand(),
        phi=outside.baselines.phi(target.name, rollout.plan.slow_ms),
    )


async def _prepare(target: TrafficTarget, version: str, lease: timedelta) -> Observed:
    """Look first: traffic that a dead controller left on the canary arm goes home before it is touched."""
    now = await target.observe()
    if now.share > 0:
        now = await target.set_share(0.0, lease)
    return await target.prepare(version, max(now.stable_ready, 1))


async def _shift(target: TrafficTarget, rollout: Rollout) -> Seen:
    observed = await target.set_share(rollout.share, rollout.plan.canary.lease, rollout.fence)
    return Seen(observed=observed, arms=await target.counters(rollout.plan.slow_ms))


async def _watch(outside: Outside, target: TrafficTarget, rollout: Rollout) -> Seen:
    """Renew the share only while it still is what we set; then read both arms and all around."""
    found = await target.observe()
    if not same_share(rollout, found):
        return Seen(observed=found)
    observed = await target.set_share(rollout.share, rollout.plan.canary.lease, rollout.fence)
    async with _kept(outside, target, rollout):
        arms, readings = await asyncio.gather(
            target.counters(rollout.plan.slow_ms), _numbers(outside, rollout)
        )
    names = {one.name for one in _gauges(rollout)}
    gauges = {one.name: one.value for one in readings if one.name in names}
    rest = tuple(one for one in readings if one.name not in gauges)
    return Seen(observed=observed, arms=arms, readings=rest, gauges=gauges)


async def _numbers(outside: Outside, rollout: Rollout) -> tuple[Reading, ...]:
    """Goals, those of the services around, and gauges: each second while verifying, else now and then."""
    now, plan = outside.clock.now(), rollout.plan
    if rollout.phase != "verifying" and int((now - rollout.phase_at).total_seconds()) % _AROUND_EVERY:
        return ()
    return await read_goals(outside, (*plan.goals, *plan.watched, *_gauges(rollout)), now)


def _gauges(rollout: Rollout) -> tuple[GaugeRule, ...]:
    """Those of the fix's arm, and of the control beside it where they are compared."""
    gauges = rollout.plan.gauges
    return (*gauges, *(one.of_control for one in gauges if one.of_control))


async def _bring_back(target: TrafficTarget, rollout: Rollout) -> Observed:
    """Traffic first; then the release before, if the fix had begun to be made permanent."""
    observed = await target.revert()
    before = rollout.plan.fix.rollback
    if rollout.settled and isinstance(before, SetRelease) and observed.stable_version != before.version:
        return await target.settle(before.version)
    return observed


@asynccontextmanager
async def _kept(outside: Outside, target: TrafficTarget, rollout: Rollout) -> AsyncIterator[None]:
    """Renew the lease while something long is done, so that traffic does not go home in the middle."""
    lease = rollout.plan.canary.lease

    async def renew() -> None:
        while True:
            await outside.clock.sleep(lease / 3)
            await target.set_share(rollout.share, lease, rollout.fence)

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        task.cancel()
        # A failed renewal only lets traffic go home early; what was seen is what counts.
        with suppress(asyncio.CancelledError, SourceError):
            await task


async def _change_database(outside: Outside, hand: DatabaseHand, rollout: Rollout) -> Seen:
    """Look first, act only if the wanted state is not there, look again."""
    plan = rollout.plan
    if rollout.phase == "verifying":
        return Seen(readings=await read_goals(outside, (*plan.goals, *plan.watched), outside.clock.now()))
    action, way_back = plan.fix.action, plan.fix.rollback
    wanted = action if rollout.phase == "applying" else way_back
    if isinstance(wanted, Nothing):
        return Seen()
    assert not isinstance(wanted, SetRelease), "a database fix is undone by a database fix"
    by_hand = "" if isinstance(way_back, Nothing | SetRelease) else hand.by_hand(way_back)
    state = await hand.state(wanted)
    if state in ("not done", "broken"):
        await hand.act(wanted)
        state = await hand.state(wanted)
    return Seen(effect=state, by_hand=by_hand)
