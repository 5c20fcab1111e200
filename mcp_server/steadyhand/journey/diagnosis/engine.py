"""From the evidence page to ranked causes, without any model."""

import math
from collections.abc import Sequence

from steadyhand.journey.diagnosis.explain import explain
from steadyhand.journey.diagnosis.mechanisms import MECHANISMS
from steadyhand.journey.diagnosis.model import Diagnosis, Hypothesis
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.diagnosis.scene import Scene, surely_before
from steadyhand.journey.diagnosis.weigh import Finding, weigh
from steadyhand.journey.diagnosis.weights import HAND_SET, Weights
from steadyhand.journey.evidence.model import Item, Page
from steadyhand.journey.topology import Topology

_FEWEST = 3


def diagnose(page: Page, topology: Topology, rule: DiagnosisRule, weights: Weights = HAND_SET) -> Diagnosis:
    """Rank what could have caused what the page shows.

    Suspects come from the roles of the evidence and from the topology, never from names. Each is
    weighed by the table; a softmax over all of them and "none of these" gives the confidence. What
    is not listed counts as none of these. A page without a symptom gives no hypothesis at all.
    """
    scene = Scene(page, topology, rule)
    findings = _ranked(scene, weights) if scene.symptoms else []
    *shares, _ = _softmax([*(one.score for one in findings), weights.none], rule.temperature)
    listed = [one for index, one in enumerate(findings) if index < _FEWEST or one.supports][: rule.most]
    named = tuple(
        explain(one, _others(one, findings), rank, shares[findings.index(one)], scene)
        for rank, one in enumerate(listed, start=1)
    )
    return Diagnosis(
        incident=page.incident,
        hypotheses=named,
        none_of_these=min(max(1.0 - math.fsum(one.confidence for one in named), 0.0), 1.0),
        calibrated_on=weights.calibrated_on,
        model_version=weights.version,
        unexplained=_unexplained(scene, named),
        data_gaps=page.gaps,
    )


def _ranked(scene: Scene, weights: Weights) -> list[Finding]:
    """All suspects weighed, the likeliest first; ties by name, so that order of evidence never matters.

    A change that is itself the suspect and has an alibi is no suspect any more.
    """
    weighed = [
        weigh(mechanism, suspect, scene, weights)
        for mechanism in MECHANISMS
        for suspect in mechanism.suspects(scene)
    ]
    return sorted((one for one in weighed if one.culprit.change or not one.suspect.change), key=_rank)


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
        sorted(one.id for one in scene.symptoms if one.id not in cited and not _brought(one, named[0], scene))
    )


def _brought(symptom: Item, first: Hypothesis, scene: Scene) -> bool:
    """Whether it is of somebody the first hypothesis reaches, and not surely from before its onset."""
    if symptom.entity not in first.blast_radius:
        return False
    return first.onset is None or not surely_before(symptom, first.onset, scene.rule)
