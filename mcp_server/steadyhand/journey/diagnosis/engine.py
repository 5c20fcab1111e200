"""From the evidence page to ranked causes, without any model."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from steadyhand.journey.diagnosis.explain import explain
from steadyhand.journey.diagnosis.mechanisms import MECHANISMS
from steadyhand.journey.diagnosis.mechanisms.place import PLACE
from steadyhand.journey.diagnosis.mechanisms.playbooks import with_playbooks
from steadyhand.journey.diagnosis.model import Diagnosis, Hypothesis
from steadyhand.journey.diagnosis.playbook import Shelf
from steadyhand.journey.diagnosis.ranking.blend import Candidate, Said, blended
from steadyhand.journey.diagnosis.ranking.rank import Ranking, confidences, rank
from steadyhand.journey.diagnosis.ranking.weights import RankerWeights, shipped
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.diagnosis.scene import Scene, surely_before
from steadyhand.journey.diagnosis.suspect import Mechanism
from steadyhand.journey.diagnosis.weigh import Finding, weigh
from steadyhand.journey.diagnosis.weights import HAND_SET, Weights
from steadyhand.journey.evidence.model import Item, Page
from steadyhand.journey.topology import Topology

_FEWEST = 3
_CALM = 0.8  # share of "nobody" from which on a healthy system is left in peace


def diagnose(
    page: Page,
    topology: Topology,
    rule: DiagnosisRule,
    weights: Weights = HAND_SET,
    ranker: RankerWeights | None = None,
    playbooks: Shelf | None = None,
) -> Diagnosis:
    """Rank what could have caused what the page shows.

    Suspects come from the roles of the evidence, from the topology and from the learned ranker, never
    from names. Each is weighed by the table, its place by the ranker; a softmax over all of them and "none
    of these" gives the shares, the ranker's calibration the confidence. What is not listed counts as
    none of these. A page without a symptom lists places only, and nothing where nobody is far likelier. What
    `playbooks` tell counts beside the table, and makes suspects where the table knows nothing of a failure.
    """
    mechanisms = with_playbooks(MECHANISMS, playbooks) if playbooks else MECHANISMS
    learned = ranker or shipped()
    ranking = rank(page.bearings, learned) if page.bearings else None
    scene = Scene(page, topology, rule, _places(ranking))
    findings = _ranked(standing(scene, weights, mechanisms), scene, learned if ranking else None)
    none, temperature = (0.0, 1.0) if ranking else (weights.none, rule.temperature)
    *shares, nobody = _softmax([*(one.score for one in findings), none], temperature)
    said = [] if nobody > _CALM and not scene.symptoms else findings
    listed = [one for index, one in enumerate(said) if index < _FEWEST or one.supports][: rule.most]
    known = [shares[findings.index(one)] for one in listed]
    sure = confidences(known, nobody, learned) if ranking else shares
    named = tuple(
        explain(one, _others(one, findings), place, sure[place - 1], scene)
        for place, one in enumerate(listed, start=1)
    )
    return Diagnosis(
        incident=page.incident,
        hypotheses=named,
        none_of_these=min(max(1.0 - math.fsum(one.confidence for one in named), 0.0), 1.0),
        calibrated_on=learned.calibrated_on if ranking and learned.proven else weights.calibrated_on,
        model_version=f"{weights.version}+{learned.version}" if ranking else weights.version,
        unexplained=_unexplained(scene, named),
        data_gaps=page.gaps,
    )


def _places(ranking: Ranking | None) -> Mapping[str, float]:
    """All entities with their log-odds against nobody."""
    return {name: ranking.odds(name) for name in ranking.shares} if ranking else {}


def _ranked(found: list[Finding], scene: Scene, learned: RankerWeights | None) -> list[Finding]:
    """All suspects, the likeliest first; ties by name, so that order of evidence never matters."""
    heard = _blended(found, scene, learned) if learned else found
    return list(_apart(sorted(heard, key=_rank)))


def standing(scene: Scene, weights: Weights, mechanisms: Sequence[Mechanism] = MECHANISMS) -> list[Finding]:
    """All suspects weighed by the table; without symptoms there are none but places.

    A change that is itself the suspect and has an alibi is no suspect any more; nor is the deepest that is
    sick where something deeper shows how it fails.
    """
    weighed = [
        weigh(mechanism, suspect, scene, weights)
        for mechanism in mechanisms
        for suspect in mechanism.suspects(scene)
        if scene.symptoms or mechanism.name == PLACE
    ]
    found = [
        one
        for one in weighed
        if (one.culprit.change or not one.suspect.change)
        and (one.mechanism.name in weights.signals or one.score >= weights.playbook.least)
    ]
    named = [one for one in found if one.signs and one.score >= weights.playbook.least and _is_named(one)]
    return [one for one in found if not (one.mechanism.deepest and _is_deeper(one, named, scene))]


def _is_named(finding: Finding) -> bool:
    """Whether it says how something fails, and not only that something does."""
    return _candidate(finding) in {"mechanism", "edge"}


def _is_deeper(finding: Finding, named: Sequence[Finding], scene: Scene) -> bool:
    """Whether one of them is of somebody the suspect depends on, or of its way there."""
    me = finding.suspect.entity
    return any(
        one.suspect.facts.get("caller") == me
        or (one.suspect.entity != me and scene.topology.path(one.suspect.entity, me))
        for one in named
    )


def said_of(findings: Sequence[Finding]) -> list[Said]:
    """What the table says of them, as the blend hears it."""
    return [
        Said(one.suspect.entity, one.score, _candidate(one), _other_end(one), bool(one.signs))
        for one in findings
    ]


def _other_end(finding: Finding) -> str:
    """Of an edge the end that does not name it."""
    facts = finding.suspect.facts
    ends = {facts.get("caller", ""), facts.get("callee", "")} - {finding.suspect.entity}
    return min(ends, default="") if finding.suspect.kind == "network_edge" else ""


def _candidate(finding: Finding) -> Candidate:
    if finding.mechanism.name == PLACE:
        return "place"
    if finding.suspect.kind == "network_edge":
        return "edge"
    return "change" if finding.suspect.change else "mechanism"


def _blended(findings: Sequence[Finding], scene: Scene, learned: RankerWeights) -> list[Finding]:
    scores = blended(said_of(findings), scene.places, learned.blend, felt=scene.felt)
    return [replace(one, score=score) for one, score in zip(findings, scores, strict=True)]


def _apart(ranked: Sequence[Finding]) -> Iterator[Finding]:
    """Without places that a better finding of the same entity already holds."""
    held: set[str] = set()
    for one in ranked:
        if one.mechanism.name != PLACE or one.suspect.entity not in held:
            yield one
        held.add(one.suspect.entity)


def _rank(finding: Finding) -> tuple[float, str, str, list[tuple[str, str]], str]:
    suspect = finding.suspect
    facts = sorted(suspect.facts.items())
    return (-finding.score, finding.mechanism.name, suspect.entity, facts, suspect.change or "")


def _softmax(scores: Sequence[float], temperature: float) -> list[float]:
    top = max(scores)
    powers = [math.exp((one - top) / temperature) for one in scores]
    return [one / math.fsum(powers) for one in powers]


def _others(finding: Finding, findings: Sequence[Finding]) -> list[Finding]:
    return [one for one in findings if one is not finding]


def _unexplained(scene: Scene, named: Sequence[Hypothesis]) -> tuple[str, ...]:
    """Symptoms that no hypothesis cites and that the first one cannot have brought about either."""
    cited = {one for hypothesis in named for one in hypothesis.supports}
    cited |= {one for hypothesis in named for step in hypothesis.path for one in step.evidence}
    return tuple(
        sorted(
            one.id
            for one in scene.symptoms
            if one.id not in cited and not any(_brought(one, first, scene) for first in named[:1])
        )
    )


def _brought(symptom: Item, first: Hypothesis, scene: Scene) -> bool:
    """Whether it is of somebody the first hypothesis reaches, and not surely from before its onset."""
    if symptom.entity not in first.blast_radius:
        return False
    return first.onset is None or not surely_before(symptom, first.onset, scene.rule)
