"""A model's own hypotheses: admitted when they rest on the page, stored beside the engine's."""

from collections.abc import Sequence

from pydantic import Field

from steadyhand.journey.commands import Record
from steadyhand.journey.diagnosis.admit import check
from steadyhand.journey.diagnosis.model import Cause, Diagnosis, EntityKind, Hypothesis, Step
from steadyhand.journey.evidence.model import Onset, Page
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rule import Share, Value
from steadyhand.responder.deciding import Refused
from steadyhand.responder.intake import UnknownIncident
from steadyhand.responder.outside import Outside
from steadyhand.responder.planning import goals_around, goals_for, make_plans


class Arrow(Value):
    """One step of the path from the cause to the alerting service."""

    source: str
    target: str
    evidence: tuple[str, ...] = ()


class Claim(Value):
    """A hypothesis as a model submits it. Cite evidence by the ids of get_evidence."""

    entity: str
    entity_kind: EntityKind
    fault_class: str
    change_id: str | None = None
    claim: str = Field(max_length=400)
    confidence: Share
    supports: tuple[str, ...]
    contradicts: tuple[str, ...] = ()
    path: tuple[Arrow, ...] = ()


def submit(outside: Outside, wanted: str, claims: Sequence[Claim]) -> Diagnosis:
    """Store a model's hypotheses. Raises Refused with every problem, in words that say how to mend it."""
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        page, engine = tx.latest("page", wanted, Page), tx.latest("diagnosis", wanted, Diagnosis)
        if page is None or engine is None:
            raise Refused(f"{wanted} has no evidence yet; wait for it, or check the id with list_incidents")
        ranked = sorted(claims, key=lambda one: -one.confidence)
        opinion = tuple(_hypothesis(one, rank, engine, page) for rank, one in enumerate(ranked, start=1))
        problems = check(opinion, page, engine, outside.rules.diagnosis)
        if problems:
            tx.record(
                wanted,
                Record(
                    action="opinion.refused", actor="model", actor_kind="agent", body={"why": problems[0]}
                ),
                now,
            )
        else:
            rest = max(0.0, 1.0 - sum(one.confidence for one in opinion))
            stored = engine.model_copy(update={"hypotheses": opinion, "none_of_these": rest})
            tx.put("opinion", outside.new_id("opin"), wanted, stored, now)
            body = {"first": opinion[0].claim if opinion else "none of these"}
            tx.record(
                wanted, Record(action="opinion.stored", actor="model", actor_kind="agent", body=body), now
            )
            return stored
    raise Refused("; ".join(problems))


def _hypothesis(claim: Claim, rank: int, engine: Diagnosis, page: Page) -> Hypothesis:
    twin = next((one for one in engine.hypotheses if _same(one.cause, claim)), None)
    change = next((one for one in page.items if one.facts.get("change_id") == claim.change_id), None)
    facts = twin.cause.facts if twin else (change.facts if change else {})
    return Hypothesis(
        id=f"m{rank}",
        rank=rank,
        cause=Cause(
            entity=claim.entity,
            entity_kind=claim.entity_kind,
            fault_class=claim.fault_class,
            change_id=claim.change_id,
            facts=facts,
        ),
        claim=claim.claim,
        confidence=claim.confidence,
        score=twin.score if twin else 0.0,
        onset=twin.onset if twin else _first_sign(claim, page),
        path=tuple(Step(source=one.source, target=one.target, evidence=one.evidence) for one in claim.path),
        supports=claim.supports,
        contradicts=claim.contradicts,
        checks=twin.checks if twin else (),
        blast_radius=twin.blast_radius if twin else (),
        remediation=twin.remediation if twin else "none",
        by="model",
    )


def _first_sign(claim: Claim, page: Page) -> Onset | None:
    """The earliest of what is cited for it; a change is a cause and no sign."""
    cited = [one for one in page.items if one.id in claim.supports and one.role != "change"]
    return min((one.onset for one in cited if one.onset), key=lambda one: one.at, default=None)


def _same(cause: Cause, claim: Claim) -> bool:
    return (cause.entity, cause.fault_class) == (claim.entity, claim.fault_class)


async def propose_plans(outside: Outside, wanted: str, hypothesis: str) -> tuple[Plan, ...]:
    """Fresh plans for one hypothesis, the engine's or a model's. Raises Refused, UnknownIncident."""
    with outside.ledger.read() as tx:
        incident, page = tx.incident(wanted), tx.latest("page", wanted, Page)
        engine, opinion = tx.latest("diagnosis", wanted, Diagnosis), tx.latest("opinion", wanted, Diagnosis)
    if incident is None:
        raise UnknownIncident(f"there is no incident {wanted}; list_incidents shows them")
    both = [one for diagnosis in (engine, opinion) if diagnosis for one in diagnosis.hypotheses]
    chosen = next((one for one in both if one.id == hypothesis), None)
    if chosen is None or engine is None or page is None:
        known = ", ".join(one.id for one in both) or "none yet"
        raise Refused(f"{wanted} has no hypothesis {hypothesis!r}; known: {known}")
    now = outside.clock.now()
    goals = await goals_for(outside, incident.service, page.baseline.end, now)
    watched = await goals_around(outside, incident.service, page.baseline.end, now)
    plans = make_plans(outside, incident, engine, chosen, goals, watched)
    if not plans:
        raise Refused(f"no typed fix is known for {chosen.cause.fault_class}; get_playbook may help a human")
    with outside.ledger.write() as tx:
        for plan in plans:
            tx.put("plan", plan.id, wanted, plan, now)
    return plans
