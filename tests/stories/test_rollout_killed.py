"""Kill -9 of the controller at every boundary of its journal, and in every call to the target.

Time is virtual and the lease is the target's own. While nobody runs, traffic must be stable again within the
lease and a second; whoever comes next closes the journal, and promotes only what it has observed itself.
"""

import asyncio
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from mortal import Death, Killed, MortalLedger, MortalTraffic

from steadyhand.journey.recovery.model import RecoveryRule
from steadyhand.journey.rollout.machine import overtaken
from steadyhand.journey.rollout.model import Arms, Counts
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.state import OVER, Rollout
from steadyhand.journey.rollout.watch import HISTORY_SECONDS
from steadyhand.responder.engine.worker import Worker
from steadyhand.responder.rollouts.baseline import Baselines
from steadyhand.testing.clock import START
from stories.night import RULES, Night

SOAK = timedelta(seconds=8)
BRISK = RULES.model_copy(
    update={
        "canary": CanaryRule(soak=SOAK),
        "recovery": RecoveryRule(hold=timedelta(seconds=3), least_samples=3),
    }
)
CALM = Baselines()  # two minutes of steady traffic, so that the burstiness is known
GRACE = timedelta(seconds=1)


def mortal(night: Night, death: Death) -> None:
    night.outside = replace(
        night.outside,
        ledger=MortalLedger(night.outside.ledger, death),
        traffic={"shop": MortalTraffic(night.traffic, death)},
        baselines=CALM,
    )
    night.worker = Worker(night.outside)


async def live_until_over_or_dead(night: Night, incident: str) -> bool:
    """Turns of the worker until the rollout is over; False when the process was killed on the way."""
    for _ in range(150):
        try:
            await night.clock.advance(seconds=1)
            await night.worker.turn()
            tasks = list(night.worker._busy)  # noqa: SLF001 - what a dead process leaves undone
            for one in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(one, Killed):
                    raise one
        except Killed:
            return False
        await never_full_unobserved(night, incident)
        if rollout_of(night, incident) and rollout_of(night, incident).phase in OVER:
            return True
    raise AssertionError("neither over nor dead")


def rollout_of(night: Night, incident: str) -> Rollout | None:
    return night.view(incident).rollout


async def never_full_unobserved(night: Night, incident: str) -> None:
    """All traffic is on the fix only after a whole soak was watched by the process that gave it."""
    rollout = rollout_of(night, incident)
    if (await night.traffic.observe()).share == 1.0:
        assert rollout is not None
        assert rollout.watch is not None
        assert rollout.phase_at - rollout.watch.started_at >= SOAK


async def play(folder: Path, at: int, *, good: bool) -> Death:
    """One night with a death at this boundary; everything promised is asserted on the way."""
    night = Night(folder, BRISK)
    night.hire()
    night.traffic.canary.error_rate = 0.0 if good else 0.6
    if not good:
        night.traffic.stable.error_rate = 0.05
    plan = night.propose(night.alert())
    await night.answer(plan)
    await night.turn()
    death = Death(at)
    mortal(night, death)
    if not await live_until_over_or_dead(night, plan.incident):
        await asyncio.sleep(0)
        await night.clock.advance(seconds=(night.rules.canary.lease + GRACE).total_seconds())
        assert (await night.traffic.observe()).share == 0, death.passed[-1]
        await night.clock.advance(seconds=40)
        night.restart()
        mortal(night, Death(0))
        assert await live_until_over_or_dead(night, plan.incident)
    rollout = rollout_of(night, plan.incident)
    assert rollout is not None
    assert rollout.phase == ("verified" if good else "reverted"), (death.passed[-1], rollout.reason)
    assert night.traffic.stable.version == ("1.0" if good else "1.1")
    seen = await night.traffic.observe()
    assert (seen.share, seen.canary_version) == (0, "")
    assert night.view(plan.incident).incident.attempts == 1
    return death


@pytest.mark.parametrize("good", [True, False], ids=["a good fix", "a bad fix"])
def test_a_kill_at_any_boundary_leaves_traffic_stable_and_the_journal_closed(
    tmp_path: Path, *, good: bool
) -> None:
    hear_a_calm_past()

    def night(name: str, at: int) -> Death:
        folder = tmp_path / name
        folder.mkdir()
        return asyncio.run(play(folder, at, good=good))

    whole = night("whole", 0).passed
    chosen = interesting(whole)
    assert len(chosen) >= 15
    for number in chosen:
        night(f"killed-{number}", number)


def hear_a_calm_past() -> None:
    for second in range(HISTORY_SECONDS + 1):
        at = START - timedelta(seconds=HISTORY_SECONDS - second)
        counts = Counts(requests=100 * second, errors=5 * second, slow90=10 * second, slow99=second)
        CALM.hear("shop", Arms(at=at, stable=counts, canary=Counts(requests=0, errors=0)), (400.0, 2000.0))


def interesting(passed: list[str]) -> list[int]:
    """The first boundaries, those around every call that is not a renewal, the last, and a few between.

    All of them, when STEADYHAND_EVERY_BOUNDARY is set: some minutes.
    """
    if os.environ.get("STEADYHAND_EVERY_BOUNDARY"):
        return list(range(1, len(passed) + 1))
    rare = {
        near
        for number, name in enumerate(passed, start=1)
        if name.split()[-1] in ("prepare", "settle", "revert")
        for near in (number, number + 1)
    }
    steady = range(13, len(passed), max(1, len(passed) // 5))
    chosen = set(range(3, 13)) | rare | set(steady) | {len(passed) - 1, len(passed)}
    return sorted(one for one in chosen if 1 <= one <= len(passed))


def test_an_old_process_that_wakes_up_after_a_take_over_moves_nothing(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        for _ in range(8):
            await night.pass_time(1)
        old = rollout_of(night, plan.incident)
        assert old is not None
        assert old.phase == "watching"
        await night.clock.advance(seconds=20)
        night.restart()
        for _ in range(5):
            await night.pass_time(1)
        lease = night.rules.canary.lease
        with pytest.raises(Exception, match="another process of ours has taken its rollout over") as error:
            await night.traffic.set_share(old.share, lease, old.fence)
        assert overtaken(old, str(error.value), night.clock.now()).phase == "stuck"  # dropped with its lease
        assert (await night.traffic.observe()).share == pytest.approx(0.05)

    asyncio.run(story())
