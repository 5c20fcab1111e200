"""A closed incident is remembered in the transaction that closes it."""

import logging

from pydantic import ValidationError

from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.evidence.masking import Masker, unnumbered
from steadyhand.journey.evidence.model import Page
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.memory.case import Case, Judgement, RejectedFix
from steadyhand.journey.memory.remember import Papers, case_of
from steadyhand.journey.remedy.plan import Plan
from steadyhand.store import Transaction

log = logging.getLogger("steadyhand.memory")
_TEXT = 500


def remember(tx: Transaction, incident: Incident) -> None:
    """Keep what a closed incident looked like and what became of it; what cannot be read stays out."""
    try:
        tx.keep_case(_elsewhere(case_of(_papers(tx, incident))))
    except ValidationError as error:
        log.warning(
            "%s is remembered without its papers, an earlier release wrote them: %s", incident.id, error
        )
        tx.keep_case(_elsewhere(case_of(Papers(incident))))


def _elsewhere(case: Case) -> Case:
    """The case as other incidents may read it: numbers of its placeholders mean something in its own only."""
    return unnumbered(case)


def _papers(tx: Transaction, incident: Incident) -> Papers:
    return Papers(
        incident=incident,
        page=tx.latest("page", incident.id, Page),
        diagnosis=tx.latest("diagnosis", incident.id, Diagnosis),
        opinion=tx.latest("opinion", incident.id, Diagnosis),
        plan=tx.get("plan", incident.plan, Plan) if incident.plan else None,
        rollout=tx.rollout(incident.rollout) if incident.rollout else None,
        rejected=_rejected(tx, incident),
        judgement=tx.latest("judgement", incident.id, Judgement),
    )


def _rejected(tx: Transaction, incident: Incident) -> list[RejectedFix]:
    """The plans people said no to, with their reasons."""
    found = []
    for name in incident.plans:
        plan, decision = tx.get("plan", name, Plan), tx.decision(name)
        if plan is not None and decision is not None and decision.answer == "reject":
            reason = Masker().text(decision.reason, _TEXT)
            found.append(RejectedFix(action=plan.fix.action.kind, title=plan.fix.title, reason=reason))
    return found
