"""A rollout starts on an unused consent to this very plan, and on nothing else."""

import asyncio

from stories.night import RULES, Night

from steadyhand.journey.approval.policy import AutonomyRule
from steadyhand.responder.rollouts.interventions import abort_rollout

GUARDED = RULES.model_copy(update={"autonomy": AutonomyRule(level="guarded")})


def test_what_the_policy_consents_to_is_carried_out(night: Night) -> None:
    async def story() -> None:
        night.rules = GUARDED
        night.restart()
        plan = night.propose(night.alert(), calibrated=True, confidence=0.95)
        await night.pass_time(3)
        view = night.view(plan.incident)
        assert view.rollout is not None
        assert view.decision is not None
        assert (view.decision.by, view.decision.via) == ("policy", "guardrails")
        assert view.decision.used_at is not None

    asyncio.run(story())


def test_what_the_policy_consented_to_waits_for_a_human_once_the_policy_changed(night: Night) -> None:
    async def story() -> None:
        night.rules = GUARDED
        night.restart()
        plan = night.propose(night.alert(), calibrated=True, confidence=0.95)
        night.rules = RULES
        night.restart()
        await night.pass_time(3)
        assert night.view(plan.incident).incident.status == "needs_human"
        assert night.view(plan.incident).rollout is None
        assert night.traffic.canary.version == ""

    asyncio.run(story())


def test_an_abort_while_the_fix_is_made_permanent_brings_the_old_release_back(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        for _ in range(120):
            await night.pass_time(1)
            if night.view(plan.incident).rollout.phase == "settling":
                break
        await night.traffic.settle("1.0")  # done at the target, not yet seen by us
        await abort_rollout(night.outside, plan.incident, "ana", "the old one after all")
        await night.pass_time(3)
        assert night.view(plan.incident).rollout.phase == "reverted"
        assert night.traffic.stable.version == "1.1"
        assert (await night.traffic.observe()).share == 0

    asyncio.run(story())
