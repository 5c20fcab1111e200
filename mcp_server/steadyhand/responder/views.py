"""What the doors show: everything about one incident, read in one consistent look."""

from collections.abc import Sequence

from pydantic import Field

from steadyhand.journey.alert.enrichment import Enrichment
from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.escalation.delivery import Receipt
from steadyhand.journey.evidence.masking import Masker, renamed
from steadyhand.journey.evidence.model import Page
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.memory.case import Judgement
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.report.why import Why, why
from steadyhand.journey.rollout.state import Rollout
from steadyhand.journey.rule import Value
from steadyhand.responder.alerts.intake import UnknownIncident
from steadyhand.responder.hiding import numbering
from steadyhand.responder.investigation.recalling import said_no
from steadyhand.responder.outside import Outside
from steadyhand.store import Transaction
from steadyhand.store_alerts import KeptPost

_MOST_POSTS = 20
_LONGEST_POST = 3_000


class IncidentView(Value):
    """One incident with all that belongs to it."""

    incident: Incident
    enrichment: Enrichment | None = Field(default=None, description="What its pages say beside the alert.")
    page: Page | None = None
    diagnosis: Diagnosis | None = None
    opinion: Diagnosis | None = Field(default=None, description="What a model thinks of the same page.")
    plan: Plan | None = Field(default=None, description="The plan in question, or the last that was.")
    digest: str = Field(default="", description="The digest of that plan: what an answer must name.")
    options: tuple[Plan, ...] = Field(default=(), description="All plans, best first.")
    decision: Decision | None = None
    rollout: Rollout | None = None
    judgement: Judgement | None = Field(default=None, description="What a person said it was.")
    refusals: tuple[str, ...] = Field(
        default=(), description="Why the plan's kind of fix was refused before."
    )
    trail: tuple[Entry, ...] = ()
    receipts: tuple[Receipt, ...] = ()


def list_incidents(outside: Outside, limit: int = 50) -> Sequence[Incident]:
    """Those that are open, however old, then the latest of the others; newest first. Raises LedgerError."""
    with outside.ledger.read() as tx:
        return tx.incidents(limit, open_first=True)


def view_incident(outside: Outside, wanted: str) -> IncidentView:
    """Everything about one incident. Raises UnknownIncident, LedgerError."""
    with outside.ledger.read() as tx:
        return view(tx, wanted)


def explain_pages(outside: Outside, wanted: str) -> Why:
    """Why each message of an incident was written, and what comes next. Raises UnknownIncident."""
    now = outside.clock.now()
    with outside.ledger.read() as tx:
        incident = _incident(tx, wanted)
        began = min((one.starts_at for one in incident.alerts), default=now)
        facts = tx.receipts(wanted), tx.trail(wanted), tx.clocks(wanted), tx.silences(began)
    return why(incident, *facts, now)


def view_posts(outside: Outside, wanted: str) -> Sequence[KeptPost]:
    """The latest posts that told of an incident's alerts, cut, without secrets. Raises UnknownIncident."""
    with outside.ledger.read() as tx:
        _incident(tx, wanted)
        found, masker = tx.posts(wanted, _MOST_POSTS), Masker(tx.vault.known(wanted))
    safe = [masker.text(one.raw, _LONGEST_POST) for one in found]
    names = numbering(outside, wanted, masker)
    return [one.model_copy(update={"raw": renamed(raw, names)}) for one, raw in zip(found, safe, strict=True)]


def view(tx: Transaction, wanted: str) -> IncidentView:
    """Everything about one incident, inside an open transaction. Raises UnknownIncident."""
    return _view(tx, _incident(tx, wanted))


def _incident(tx: Transaction, wanted: str) -> Incident:
    incident = tx.incident(wanted)
    if incident is None:
        raise UnknownIncident(f"there is no incident {wanted}; list_incidents shows them")
    return incident


def _view(tx: Transaction, incident: Incident) -> IncidentView:
    diagnosis = tx.latest("diagnosis", incident.id, Diagnosis)
    plan = tx.get("plan", incident.plan, Plan) if incident.plan else None
    options = (tx.get("plan", one, Plan) for one in incident.plans)
    return IncidentView(
        incident=incident,
        enrichment=tx.latest("enrichment", incident.id, Enrichment),
        page=tx.latest("page", incident.id, Page),
        diagnosis=diagnosis,
        opinion=tx.latest("opinion", incident.id, Diagnosis),
        plan=plan,
        digest=plan.digest if plan else "",
        options=tuple(one for one in options if one is not None),
        decision=tx.decision(plan.id) if plan else None,
        rollout=tx.rollout(incident.rollout) if incident.rollout else None,
        judgement=tx.latest("judgement", incident.id, Judgement),
        refusals=said_no(tx, diagnosis, plan) if plan else (),
        trail=tuple(tx.trail(incident.id)),
        receipts=tuple(tx.receipts(incident.id)),
    )
