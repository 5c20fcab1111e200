"""Put a report together from what is stored of an incident."""

from collections.abc import Sequence
from typing import assert_never

from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.diagnosis.model import Diagnosis, Hypothesis
from steadyhand.journey.evidence.model import Page
from steadyhand.journey.evidence.wording import quantity
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.remedy.model import (
    CancelBackend,
    CreateIndex,
    DatabaseAction,
    DropIndex,
    EndSession,
    Nothing,
    SetRelease,
    SetSetting,
    WayBack,
)
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.report.figures import figures, span
from steadyhand.journey.report.lessons import follow_ups, unproven
from steadyhand.journey.report.model import Cited, Figures, Report, RootCause
from steadyhand.journey.report.timeline import timeline
from steadyhand.journey.rollout.state import Rollout
from steadyhand.journey.rollout.words import say


def write(
    incident: Incident,
    *,
    page: Page | None = None,
    diagnosis: Diagnosis | None = None,
    plan: Plan | None = None,
    decision: Decision | None = None,
    rollout: Rollout | None = None,
    trail: Sequence[Entry] = (),
) -> Report:
    """The report; while the incident is open it is a draft. Only what is known is said."""
    blamed = _blamed(diagnosis, plan)
    spans = figures(incident)
    return Report(
        incident=incident.id,
        title=incident.title,
        service=incident.service,
        severity=incident.severity,
        severity_why=incident.severity_why,
        status=incident.status,
        final=incident.status == "resolved",
        summary=_summary(incident, blamed, spans),
        impact=_impact(incident, blamed, plan, spans),
        figures=spans,
        timeline=timeline(trail, page),
        root_cause=_root_cause(blamed, diagnosis, page),
        done=_done(plan, decision, rollout),
        canary=_canary(rollout),
        unproven=unproven(incident, diagnosis, blamed, plan, rollout),
        follow_ups=follow_ups(incident, diagnosis, plan, rollout, trail),
    )


def describe(action: WayBack) -> str:
    """What an action does, in words."""
    match action:
        case SetRelease():
            return f"Bring {action.service} to release {action.version}"
        case Nothing():
            return f"None: {action.why}"
        case _:
            return _describe_statement(action)


def _describe_statement(action: DatabaseAction) -> str:
    match action:
        case CreateIndex():
            columns = ", ".join(action.columns)
            return (
                f"Create index {action.name} on {action.table} ({columns}) in {action.database}, concurrently"
            )
        case DropIndex():
            return f"Drop index {action.name} in {action.database}, concurrently"
        case CancelBackend():
            return f"Cancel what pid {action.pid} of {action.application} runs in {action.database}"
        case EndSession():
            return f"End the idle session of {action.application} (pid {action.pid}) in {action.database}"
        case SetSetting(value=None):
            return f"Reset {action.name} in {action.database}"
        case SetSetting():
            return f"Set {action.name} to {action.value} in {action.database}"
        case _:
            assert_never(action)


def _blamed(diagnosis: Diagnosis | None, plan: Plan | None) -> Hypothesis | None:
    """The hypothesis the plan rests on, else the best one."""
    if diagnosis is None:
        return None
    by_plan = (one for one in diagnosis.hypotheses if plan is not None and one.id == plan.hypothesis)
    return next(by_plan, diagnosis.best)


def _summary(incident: Incident, blamed: Hypothesis | None, spans: Figures) -> tuple[str, ...]:
    state = "is resolved" if incident.status == "resolved" else f"is {incident.status.replace('_', ' ')}"
    took = f" after {span(spans.resolve)}" if spans.resolve is not None else ""
    cause = blamed.claim if blamed else "No cause has been named."
    return (
        f"{incident.severity} on {incident.service}: {incident.title}.",
        cause,
        f"The incident {state}{took}. {incident.note}".strip(),
    )


def _impact(
    incident: Incident, blamed: Hypothesis | None, plan: Plan | None, spans: Figures
) -> tuple[str, ...]:
    said = [f"Users felt it for {span(spans.whole)}."] if spans.whole is not None else []
    for goal in plan.goals if plan else ():
        if goal.at_incident is None:
            said.append(f"{goal.name} was not measured when it hurt.")
            continue
        normal = "unknown" if goal.normal is None else quantity(goal.normal, goal.unit)
        bound = f"{goal.comparison} {quantity(goal.bound, goal.unit)}"
        said.append(
            f"{goal.name} was {quantity(goal.at_incident, goal.unit)} (normal {normal}, goal {bound})."
        )
    if blamed and blamed.blast_radius:
        said.append(f"Touched: {', '.join(blamed.blast_radius)}.")
    said.append(f"Alerts: {len(incident.alerts)}; repeats of them: {incident.repeats}.")
    return tuple(said)


def _root_cause(
    blamed: Hypothesis | None, diagnosis: Diagnosis | None, page: Page | None
) -> RootCause | None:
    if blamed is None or diagnosis is None:
        return None
    return RootCause(
        claim=blamed.claim,
        entity=blamed.cause.entity,
        fault_class=blamed.cause.fault_class,
        confidence=blamed.confidence,
        calibrated=diagnosis.calibrated_on != "uncalibrated",
        by=blamed.by,
        supports=_cited(blamed.supports, page),
        contradicts=_cited(blamed.contradicts, page),
    )


def _cited(ids: Sequence[str], page: Page | None) -> tuple[Cited, ...]:
    found = [(one, page.item(one) if page else None) for one in ids]
    return tuple(
        Cited(id=one, title=item.title if item else "not on the page any more") for one, item in found
    )


def _done(plan: Plan | None, decision: Decision | None, rollout: Rollout | None) -> tuple[str, ...]:
    if plan is None:
        return ("Nothing was done: no plan was put.",)
    said = [
        f"Proposed by {plan.proposed_by}: {plan.fix.title}.",
        f"The way back: {describe(plan.fix.rollback)}.",
    ]
    if decision is None:
        said.append("Nobody has answered it.")
    else:
        verb = "approved" if decision.answer == "approve" else "rejected"
        why = f" Reason: {decision.reason}" if decision.reason else ""
        said.append(
            f"{decision.by} {verb} it by {decision.via} at {decision.at:%H:%M:%S} UTC, "
            f"bound to digest {decision.digest}.{why}"
        )
    said.append(
        f"Rollout {rollout.id} is {rollout.phase}: {rollout.reason}" if rollout else "It was not run."
    )
    return tuple(said)


def _canary(rollout: Rollout | None) -> tuple[str, ...]:
    if rollout is None:
        return ()
    if not rollout.moves_traffic:
        return (
            "A database fix cannot be tried on a share of traffic: it was applied in place and verified.",
        )
    if rollout.verdict is None:
        return ("The judge has not spoken.",)
    seen = rollout.verdict.figures
    could = seen.could_have_seen
    sight = "no harm at all" if could is None else f"harm from {could:.1f} times the control's rate up"
    return (
        f"{100 * seen.share:.1f} % of answers came from the fix for {seen.seconds:.0f} s.",
        f"The judge: {say(rollout.verdict)}",
        f"In that time it could have seen {sight}.",
    )
