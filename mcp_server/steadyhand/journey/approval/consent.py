"""Consent: a human's yes to the exact bytes of one plan, once, in time."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rule import Instant, Value

GUARDRAILS = "guardrails"


class Decision(Value):
    """What an authenticated person decided about one digest."""

    plan: str
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    answer: Literal["approve", "reject"]
    by: str = Field(min_length=1)
    via: str = Field(min_length=1, description="The door: console, terminal, or the policy's guardrails.")
    at: Instant
    reason: str = Field(default="", max_length=1000)
    used_at: Instant | None = None


def objection(plan: Plan, decision: Decision | None, now: datetime) -> str:
    """Why this plan may not run on this decision; empty when it may."""
    if decision is None:
        return "nobody has approved this plan"
    found = (
        (decision.plan != plan.id, "the approval belongs to another plan"),
        (decision.digest != plan.digest, "the plan is not the one that was approved: its digest differs"),
        (decision.answer != "approve", f"{decision.by} rejected it: {decision.reason or 'no reason given'}"),
        (decision.used_at is not None, "the approval was used already; it holds for one run"),
        (not plan.created_at <= decision.at < plan.expires_at, "it was approved outside the plan's lifetime"),
        (now >= plan.expires_at, "the plan has expired"),
    )
    return next((why for holds, why in found if holds), "")


def prove_fence(plan: Plan, now: datetime) -> tuple[str, ...]:
    """Try every forbidden way through the fence; return the ways that were open (none, if all is well).

    The service runs this at start, on a plan of its own making, and refuses to start on an open way.
    """
    yes = Decision(
        plan=plan.id, digest=plan.digest, answer="approve", by="self-test", via="self-test", at=now
    )
    edited = plan.model_copy(update={"service": f"{plan.service}-edited"})
    tries = {
        "unapproved": objection(plan, None, now),
        "expired": objection(plan, yes, plan.expires_at),
        "replayed": objection(plan, yes.model_copy(update={"used_at": now}), now),
        "edited": objection(edited, yes, now),
        "rejected": objection(plan, yes.model_copy(update={"answer": "reject"}), now),
        "another plan's": objection(plan, yes.model_copy(update={"plan": "other"}), now),
    }
    shut = objection(plan, yes, now)
    return tuple(way for way, why in tries.items() if not why) + (
        (f"closed to consent: {shut}",) if shut else ()
    )
