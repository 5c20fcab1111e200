"""What the page of one incident shows, worked out once for the whole page and for each live part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from steadyhand.journey.escalation.ladder import Tier
from steadyhand.journey.evidence.model import Item, Page
from steadyhand.journey.incident import updates
from steadyhand.journey.incident.state import Incident, Milestone
from steadyhand.journey.recovery.criteria import assess, limit
from steadyhand.journey.recovery.model import Goal
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.report.figures import figures
from steadyhand.journey.report.model import Event
from steadyhand.journey.report.timeline import timeline
from steadyhand.journey.rollout.live import Live, live
from steadyhand.journey.rollout.state import Rollout
from steadyhand.responder.outside import Outside
from steadyhand.responder.views import IncidentView
from steadyhand.store import Person
from steadyhand.web.console.drawing import Drawing, draw
from steadyhand.web.console.sight import sight

_STEPS: tuple[tuple[Milestone, str], ...] = (
    ("started", "Began"),
    ("detected", "Detected"),
    ("evidence_ready", "Evidence"),
    ("fix_ready", "Fix ready"),
    ("decided", "Decided"),
    ("fully_out", "Fully out"),
    ("resolved", "Resolved"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One milestone; `at` is None until it is reached."""

    name: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Number:
    """A number that must recover, as it was read last; `limit` is what it must come back to."""

    goal: Goal
    value: float | None
    limit: float
    met: bool


@dataclass(frozen=True, slots=True)
class Moving:
    """A rollout as it is shown."""

    live: Live
    drawing: Drawing | None
    numbers: tuple[Number, ...]
    may_promote: bool
    may_widen: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """What stakeholders are told next; `words` is what a person may put in their own."""

    draft: str
    words: str
    told: int
    by_itself: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """One incident for one person at one instant."""

    view: IncidentView
    now: datetime
    person: Person
    people: tuple[str, ...]
    approvers: tuple[str, ...]
    may_approve: bool
    open_question: bool
    expired: bool
    reasons: tuple[str, ...]
    sight: tuple[str, ...]
    others: tuple[Plan, ...]
    items: tuple[Item, ...]
    steps: tuple[Step, ...]
    took: timedelta | None
    told: tuple[Tier, ...]
    next_tier: Tier | None
    moving: Moving | None
    events: tuple[Event, ...]
    update: Update | None


def make_sheet(outside: Outside, view: IncidentView, person: Person, known: Sequence[Person]) -> Sheet:
    """Everything the page needs beside the view itself; `known` are those who can sign in."""
    roles = outside.rules.approval.approvers
    incident, plan, now = view.incident, view.plan, outside.clock.now()
    ladder, rung = incident.policy.ladder, incident.rung
    may_approve = person.role in roles
    silent = not incident.acked_by and incident.status != "resolved"
    climbs = incident.policy.treatment.auto_escalate and ladder.has_next(rung)
    return Sheet(
        view=view,
        now=now,
        person=person,
        people=tuple(sorted({one.name for one in known} | {one.name for one in outside.rules.people})),
        approvers=tuple(one.name for one in known if one.role in roles and one.name != person.name),
        may_approve=may_approve,
        open_question=incident.status == "awaiting_approval" and plan is not None,
        expired=plan is not None and now >= plan.expires_at,
        reasons=_reasons(view),
        sight=sight(plan, view.page) if plan else (),
        others=_others(view, now),
        items=_ordered(view.page) if view.page else (),
        steps=_steps(view),
        took=figures(incident).resolve,
        told=tuple(dict.fromkeys(ladder.tier(one) for one in range(rung + 1))),
        next_tier=ladder.tier(rung + 1) if silent and climbs else None,
        moving=_moving(view, now, may_approve=may_approve),
        events=tuple(one for one in reversed(timeline(view.trail, view.page)) if one.kind != "signal"),
        update=_update(incident, now),
    )


def _update(incident: Incident, now: datetime) -> Update | None:
    """None where nobody is to be told."""
    told = len(incident.policy.stakeholders.contacts)
    if not told:
        return None
    by_itself = updates.wanted(incident) and incident.status != "resolved"
    return Update(updates.draft(incident, now), updates.status_words(incident), told, by_itself)


def _others(view: IncidentView, now: datetime) -> tuple[Plan, ...]:
    """Plans that can be asked about: not the open question itself, unless it has expired."""
    incident, plan = view.incident, view.plan
    if incident.status not in ("awaiting_approval", "needs_human"):
        return ()
    open_ = plan is not None and incident.status == "awaiting_approval" and now < plan.expires_at
    return tuple(one for one in view.options if plan is None or not open_ or one.id != plan.id)


def _reasons(view: IncidentView) -> tuple[str, ...]:
    """Why the guardrails ask, as they said when the question was put."""
    said = [
        one.body.get("reasons", "")
        for one in view.trail
        if one.action == "guardrail.verdict" and one.body.get("digest") == view.digest
    ]
    return tuple(one for one in said[-1].split("; ") if one) if said else ()


def _ordered(page: Page) -> tuple[Item, ...]:
    """By onset, then those that have none."""
    dated = [item for one in page.order if (item := page.item(one)) is not None]
    return (*dated, *(one for one in page.items if one.id not in page.order))


def _steps(view: IncidentView) -> tuple[Step, ...]:
    """The milestones; one of an earlier question or episode is not reached yet."""
    incident, reached = view.incident, []
    last: datetime | None = None
    for name, label in _STEPS:
        at = incident.milestones.get(name)
        stale = at is not None and last is not None and at < last
        undone = name == "resolved" and incident.status != "resolved"
        shown = None if stale or undone else at
        last = shown or last
        reached.append(Step(label, shown))
    return tuple(reached)


def _moving(view: IncidentView, now: datetime, *, may_approve: bool) -> Moving | None:
    rollout = view.rollout
    if rollout is None:
        return None
    severe, shown = view.incident.severity == "SEV1", live(rollout, now)
    return Moving(
        live=shown,
        drawing=draw(rollout.history, rollout.plan.canary),
        numbers=tuple(_numbers(rollout)),
        may_promote=may_approve and severe and rollout.phase == "asking",
        may_widen=shown.widen if may_approve else (),
    )


def _numbers(rollout: Rollout) -> Iterator[Number]:
    values = {one.name: one.value for one in rollout.readings}
    baseline = rollout.plan.recovery.baseline
    met = assess(rollout.plan.goals, rollout.readings, baseline).met
    for goal in rollout.plan.goals if rollout.readings else ():
        yield Number(goal, values.get(goal.name), limit(goal, baseline), goal.name in met)
