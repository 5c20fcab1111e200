"""A model's own hypotheses: admitted when they rest on the page, stored beside the engine's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from steadyhand.journey.commands import Record
from steadyhand.journey.diagnosis.admit import check, held_to
from steadyhand.journey.diagnosis.chain import links
from steadyhand.journey.diagnosis.model import Cause, Check, Diagnosis, EntityKind, Hypothesis, RuledOut, Step
from steadyhand.journey.diagnosis.scene import Scene, earliest, speaks_of
from steadyhand.journey.evidence.model import Onset, Page
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rule import Share, Value
from steadyhand.responder.alerts.intake import UnknownIncident
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.fixes.planning import goals_around, goals_for, left_to_people, make_plans
from steadyhand.responder.outside import Outside
from steadyhand.store import Transaction

_LONGEST_WHY = 1000
_LONGEST_NAME = 200


def _short(name: str) -> str:
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"a name has at most {_LONGEST_NAME} characters")
    return name


Name = Annotated[str, AfterValidator(_short)]  # not in the schema: every word of it is paid for


class Arrow(Value):
    """One step of the path from the cause to the alerting service."""

    source: str
    target: str
    evidence: tuple[str, ...] = ()


class Rejected(Value):
    """Another explanation, and why it is not this one."""

    what: str = Field(max_length=200)
    why: str = Field(max_length=300)
    evidence: tuple[str, ...] = ()


class LookAt(Value):
    """A read-only look that would tell: one of the tools that read, or person."""

    tool: str
    query: str = Field(min_length=1, max_length=300)
    expect_if_true: str = Field(min_length=1, max_length=300)
    expect_if_false: str = Field(min_length=1, max_length=300)


class Claim(Value):
    """A hypothesis as a model submits it. Cite evidence by the ids of get_evidence."""

    entity: Name
    entity_kind: EntityKind
    fault_class: Name
    change_id: Name | None = None
    claim: str = Field(max_length=400)
    confidence: Share
    supports: tuple[str, ...]
    contradicts: tuple[str, ...] = ()
    path: tuple[Arrow, ...] = ()
    ruled_out: tuple[Rejected, ...] = ()
    unexplained: tuple[str, ...] = ()
    checks: tuple[LookAt, ...] = ()


class Admitted(Value):
    """What was stored, and of each step of each path whether its order and its edge are shown."""

    opinion: Diagnosis
    steps: tuple[str, ...]


def submit(outside: Outside, wanted: str, claims: Sequence[Claim]) -> Admitted:
    """Store a model's hypotheses. Raises Refused with every problem, in words that say how to mend it."""
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        page, engine = evidence_of(tx, wanted)
        topology = outside.rules.topology.with_seen(page.seen)
        scene = Scene(page, topology, outside.rules.diagnosis)
        ranked = sorted(claims, key=lambda one: -one.confidence)
        opinion = tuple(_hypothesis(one, rank, engine, page) for rank, one in enumerate(ranked, start=1))
        problems = check(opinion, scene, engine)
        if not problems:
            stored = _store(outside, tx, wanted, engine, opinion, now)
            steps = tuple(f"{one.id} {link.words}" for one in opinion for link in links(one, scene))
            return Admitted(opinion=stored, steps=steps)
        why = "; ".join(problems)
        tx.record(wanted, _record("opinion.refused", {"why": why[:_LONGEST_WHY]}), now)
    raise Refused(why)


def hold_to_engine(outside: Outside, tx: Transaction, wanted: str, engine: Diagnosis, now: datetime) -> None:
    """Lower what a model submitted before to what the engine, ranked anew, allows by now."""
    opinion = tx.latest("opinion", wanted, Diagnosis)
    if opinion is None or (held := held_to(opinion, engine)) == opinion:
        return
    tx.put("opinion", outside.new_id("opin"), wanted, held, now)
    told = ", ".join(f"{one.id} {one.confidence:.0%}" for one in held.hypotheses)
    tx.record(wanted, Record(action="opinion.lowered", actor="engine", body={"to": told}), now)


def evidence_of(tx: Transaction, wanted: str) -> tuple[Page, Diagnosis]:
    """The page and the engine's ranking of an incident. Raises Refused while there are none."""
    page, engine = tx.latest("page", wanted, Page), tx.latest("diagnosis", wanted, Diagnosis)
    if page is None or engine is None:
        raise Refused(f"{wanted} has no evidence yet; wait for it, or check the id with list_incidents")
    return page, engine


def _store(
    outside: Outside,
    tx: Transaction,
    wanted: str,
    engine: Diagnosis,
    opinion: tuple[Hypothesis, ...],
    now: datetime,
) -> Diagnosis:
    rest = max(0.0, 1.0 - sum(one.confidence for one in opinion))
    stored = engine.model_copy(update={"hypotheses": opinion, "none_of_these": rest})
    tx.put("opinion", outside.new_id("opin"), wanted, stored, now)
    first = opinion[0].claim if opinion else "none of these"
    tx.record(wanted, _record("opinion.stored", {"first": first}), now)
    return stored


def _record(action: str, body: dict[str, str]) -> Record:
    return Record(action=action, actor="model", actor_kind="agent", body=body)


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
        ruled_out=tuple(
            RuledOut(what=one.what, why=one.why, evidence=one.evidence) for one in claim.ruled_out
        ),
        unexplained=claim.unexplained,
        checks=(*(_check(one) for one in claim.checks), *(twin.checks if twin else ())),
        blast_radius=twin.blast_radius if twin else (),
        remediation=twin.remediation if twin else "none",
        by="model",
    )


def _check(look: LookAt) -> Check:
    """As it was submitted; whether the look only reads is judged with all else."""
    known = look.model_dump(exclude={"tool"})
    return Check.model_construct(name=look.query[:80], tool=look.tool, look_at=look.query, **known)


def _first_sign(claim: Claim, page: Page) -> Onset | None:
    """The earliest of what is cited of the cause itself, else of all cited; a change is no sign."""
    cited = [one for one in page.items if one.id in claim.supports and one.role != "change"]
    own = [one for one in cited if speaks_of(one, claim.entity) and one.onset]
    return earliest(own or cited)


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
        left = left_to_people(outside, engine, chosen)
        known = left or f"no typed fix is known for {chosen.cause.fault_class}"
        raise Refused(f"{known}; get_playbook may help a human")
    with outside.ledger.write() as tx:
        for plan in plans:
            tx.put("plan", plan.id, wanted, plan, now)
    return plans
