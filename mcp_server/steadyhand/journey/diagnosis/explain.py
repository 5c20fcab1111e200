"""A finding put into words an engineer can check."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from steadyhand.journey.diagnosis.asking import ask, words_of
from steadyhand.journey.diagnosis.chain import in_order, out_of_order
from steadyhand.journey.diagnosis.model import Cause, Hypothesis, Remediation, RuledOut
from steadyhand.journey.diagnosis.path import blast_radius, trace
from steadyhand.journey.diagnosis.scene import Scene, earliest, ids, started, surely_before
from steadyhand.journey.diagnosis.weigh import Finding, trait_of
from steadyhand.journey.evidence.model import Item, Onset
from steadyhand.journey.evidence.wording import spell

_MOST_RULED_OUT = 3  # of each kind: changes, and other explanations
_CLAIM = 400


def explain(
    finding: Finding, others: Sequence[Finding], rank: int, confidence: float, scene: Scene
) -> Hypothesis:
    """The hypothesis this finding stands for, `others` being those it was preferred to or lost to."""
    change = finding.culprit.change
    cause = _cause(finding)
    words = words_of(cause, scene)
    told = Hypothesis(
        id=f"h{rank}",
        rank=rank,
        cause=cause,
        claim=_claim(finding, words),
        confidence=confidence,
        score=round(finding.score, 3),
        onset=finding.onset or _first_seen(finding, scene),
        path=trace(finding.suspect, change, _own_signs(finding), scene),
        supports=finding.supports,
        contradicts=finding.contradicts,
        ruled_out=(
            *finding.culprit.innocent[:_MOST_RULED_OUT],
            *_weaker(finding, others)[:_MOST_RULED_OUT],
        ),
        checks=tuple(ask(check, words, scene) for check in finding.mechanism.checks),
        blast_radius=blast_radius(finding.suspect, scene),
        remediation=_remediation(finding),
        unexplained=_unexplained(finding, scene),
        data_gaps=_unseen(finding, scene),
    )
    against = {*finding.contradicts, *out_of_order(told, scene)}
    kept = tuple(one for one in finding.supports if one not in against)
    owned = told.model_copy(update={"contradicts": tuple(sorted(against)), "supports": kept})
    return in_order(owned, scene)


def _cause(finding: Finding) -> Cause:
    change = finding.culprit.change
    facts = {key: value for key, value in finding.suspect.facts.items() if value}
    return Cause(
        entity=finding.suspect.entity,
        entity_kind=finding.suspect.kind,
        fault_class=finding.mechanism.name,
        change_id=change.facts.get("change_id", change.id) if change else None,
        facts=facts | (_change_facts(change) if change else {}),
    )


def _first_seen(finding: Finding, scene: Scene) -> Onset | None:
    """Of what is cited for it, where no sign of its own dates it; a change is no sign."""
    return earliest(one for one in scene.page.items if one.id in finding.supports and one.role != "change")


def _change_facts(change: Item) -> dict[str, str]:
    """What a remedy needs to take the change back."""
    known = {key: change.facts.get(key, "") for key in ("version", "previous", "change_kind")}
    return {key: value for key, value in known.items() if value} | {"service": change.entity}


def _claim(finding: Finding, words: Mapping[str, str]) -> str:
    claim = finding.mechanism.claim.format_map(words)
    change, onset = finding.culprit.change, finding.onset
    began = started(change) if change else None
    if change is None or onset is None or began is None:
        return claim[:_CLAIM]
    name = f"{change.facts.get('version', '')} ({change.facts.get('change_id', change.id)})".strip()
    gap = spell(max(onset.at - began, timedelta()))
    return f"{claim} It began {gap} after change {name} of {change.entity}."[:_CLAIM]


def _own_signs(finding: Finding) -> tuple[str, ...]:
    change = finding.culprit.change
    return tuple(one for one in finding.supports if change is None or one != change.id)


def _weaker(finding: Finding, others: Sequence[Finding]) -> tuple[RuledOut, ...]:
    """Other explanations with what speaks against them; those without anything against stay open.

    Look-alikes of this one come first, with what tells them apart, as its playbook says.
    """
    alike = finding.mechanism.told_apart
    found: dict[str, RuledOut] = {}  # of each mechanism its likeliest place: the next would say the same
    for one in sorted(others, key=lambda one: one.mechanism.name not in alike):
        if one.mechanism.name not in found and (why := _against(one)):
            told = _told(why, one, finding)
            found[one.mechanism.name] = RuledOut(what=_name(one), why=told, evidence=one.contradicts)
    return tuple(found.values())


def _told(why: str, other: Finding, finding: Finding) -> str:
    differs = finding.mechanism.told_apart.get(other.mechanism.name, "")
    return f"{why}. {differs}" if differs else why


def _unexplained(finding: Finding, scene: Scene) -> tuple[str, ...]:
    """Symptoms out of its reach: of somebody it does not touch, or surely from before it began."""
    touched = set(blast_radius(finding.suspect, scene))
    known = {*finding.supports, *finding.contradicts}
    return ids(
        one
        for one in scene.symptoms
        if one.id not in known and (one.entity not in touched or _before(one, finding, scene))
    )


def _before(one: Item, finding: Finding, scene: Scene) -> bool:
    return finding.onset is not None and surely_before(one, finding.onset, scene.rule)


def _unseen(finding: Finding, scene: Scene) -> tuple[str, ...]:
    """What would speak for or against it, where nobody could look."""
    sought = (trait_of(name, finding.mechanism) for name in finding.pairs)
    blind = [one for one in sought if not scene.looked(one.seen_in)]
    missed = dict.fromkeys(_missed(one.seen_in, one.says) for one in blind)
    return tuple(missed)[:_MOST_RULED_OUT]


def _missed(source: str, says: str) -> str:
    """That nobody told of a change is itself worth knowing: they are told of, and not read anywhere."""
    if source == "change":
        return "no change was told of: what nobody posts, no diagnosis can blame; ask who touched what"
    return f"no {source} evidence: not known whether {says}"


def _name(finding: Finding) -> str:
    return f"{finding.mechanism.name} of {finding.suspect.entity}"


def _against(finding: Finding) -> str:
    reasons = [
        trait_of(name, finding.mechanism).says
        if found
        else f"not seen: {trait_of(name, finding.mechanism).says}"
        for name, found in finding.seen.items()
        if finding.pairs[name][0 if found else 1] < 0
    ]
    return "; ".join(reasons)


def _remediation(finding: Finding) -> Remediation:
    mechanism = finding.mechanism
    if finding.culprit.change is not None and mechanism.remediation_of_change is not None:
        return mechanism.remediation_of_change
    return mechanism.remediation
