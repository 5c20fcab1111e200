"""The mathematics of fitting the ranker: softmax regressions with ridge, and a logistic calibration."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from steadyhand.evaluation.case import Case, Inputs, Truth
from steadyhand.journey.diagnosis.engine import said_of, standing
from steadyhand.journey.diagnosis.mechanisms import MECHANISMS
from steadyhand.journey.diagnosis.mechanisms.place import PLACE
from steadyhand.journey.diagnosis.mechanisms.playbooks import with_playbooks
from steadyhand.journey.diagnosis.ranking.blend import traits
from steadyhand.journey.diagnosis.ranking.rank import log_odds_of, rank
from steadyhand.journey.diagnosis.ranking.weights import Blend, Calibration, FigureWeights, RankerWeights
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.diagnosis.weigh import Finding
from steadyhand.journey.diagnosis.weights import HAND_SET
from steadyhand.wiring import playbooks

SHELF = playbooks()
WAYS = with_playbooks(MECHANISMS, SHELF)  # as in production
EITHER_WAY = {"explained", "load", "silent", "starved"}  # figures that may also speak against
SIGNS = {
    **dict.fromkeys(("mechanism", "change", "edge", "place"), (None, None)),
    **dict.fromkeys(("behind", "unfelt"), (None, 0)),
}  # bounds of the blend's weights; of all others 0 and more
INNER = 5
_MOST = 12.0
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """One case with its truth; `quiet` marks a window of a case from before its fault."""

    case: Case
    inputs: Inputs
    truth: Truth

    @cached_property
    def entities(self) -> list[str]:
        """Everybody who can be to blame."""
        return [one.entity for one in self.inputs.page.bearings]

    @property
    def kind(self) -> str:
        """What weighs as much as any other of its kind: a system, its fault-free windows apart."""
        return f"{self.case.system}{' calm' if self.truth.healthy else ''}"

    @property
    def system(self) -> str:
        """The system it comes from; all generated worlds are one."""
        return self.case.system.split()[0]

    def fold(self, many: int, salt: str = "") -> int:
        """Its fold, by a hash of its name; both sides of a pair are in one."""
        name = salt + (self.truth.twin or f"{self.case.system}/{self.case.id}")
        return int(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(), 16) % many


def names_of(examples: Sequence[Example]) -> list[str]:
    """The figures any bearing has."""
    return sorted({name for one in examples for b in one.inputs.page.bearings for name in b.figures})


def table(one: Example, names: list[str]) -> tuple[Vector, int]:
    """A row for each entity, the last for nobody, and which row is right."""
    found = np.array([[max(0.0, b.figures.get(n, 0.0)) for n in names] for b in one.inputs.page.bearings])
    top = found.max(axis=0)
    scaled = np.where(top > 0, found / np.maximum(top, 1e-12), 0.0)
    flags = (scaled > 0.99) * 1.0
    flags /= np.maximum(1.0, flags.sum(axis=0))
    zero = np.zeros((len(found), 1 + len(names)))
    people = np.hstack([scaled, flags, np.minimum(found, _MOST) / 4, zero])
    nobody = np.concatenate([np.zeros(3 * len(names)), [1.0], -np.minimum(top, _MOST) / 4])
    right = len(found) if one.truth.healthy else one.entities.index(one.truth.component)  # type: ignore[arg-type]
    return np.vstack([people, nobody]), right


def shares(examples: Sequence[Example]) -> Vector:
    """The weight of each, so that each kind weighs the same."""
    many = Counter(one.kind for one in examples)
    return np.array([len(examples) / len(many) / many[one.kind] for one in examples])


def fit(examples: Sequence[Example], names: list[str], strength: float) -> Vector:
    """Softmax regression with ridge, weights not negative but for a few."""
    tables = [table(one, names) for one in examples]
    rows = np.vstack([one for one, _ in tables])
    sizes = np.array([len(one) for one, _ in tables])
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    right = starts + np.array([at for _, at in tables])
    owner, weight = np.repeat(np.arange(len(tables)), sizes), shares(examples)
    wanted = rows[right].T @ weight
    either = [(None, None) if name in EITHER_WAY else (0, None) for name in names]
    bounds = [*either, *either, *either, (None, None), *[(0, None)] * len(names)]

    def loss(beta: Vector) -> tuple[float, Vector]:
        scores = rows @ beta
        top = np.maximum.reduceat(scores, starts)
        powers = np.exp(scores - top[owner])
        whole = np.add.reduceat(powers, starts)
        total = float((weight * (np.log(whole) + top - scores[right])).sum())
        slope = rows.T @ (powers / whole[owner] * weight[owner]) - wanted
        return total + 0.5 * float(beta @ beta) / strength, slope + beta / strength

    found = minimize(
        loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 400}
    )
    return np.asarray(found.x)


def as_weights(beta: Vector, names: list[str], about: dict[str, object]) -> RankerWeights:
    """The fit as the product reads it; figures without weight are left out."""
    size = len(names)
    found = {
        name: FigureWeights(
            scaled=round(float(beta[at]), 3),
            largest=round(float(beta[size + at]), 3),
            raw=round(float(beta[2 * size + at]), 3),
            against_none=round(float(beta[3 * size + 1 + at]), 3),
        )
        for at, name in enumerate(names)
    }
    told = {name: one for name, one in found.items() if any(one.model_dump().values())}
    return RankerWeights(nobody=round(float(beta[3 * size]), 3), figures=told, **about)  # type: ignore[arg-type]


def suspects(one: Example, learned: RankerWeights) -> tuple[Vector, NDArray[np.bool_]]:
    """The traits of each suspect as the blend weighs them, and which are right; none of them: nobody."""
    ranking = rank(one.inputs.page.bearings, learned)
    odds = {name: ranking.odds(name) for name in ranking.shares}
    scene = Scene(one.inputs.page, one.inputs.topology, DiagnosisRule(), odds)
    found = standing(scene, HAND_SET, WAYS)
    right = right_ones(found, one.truth)
    size = len(Blend.model_fields)
    rows = traits(said_of(found), odds, felt=scene.felt)
    return np.array(rows).reshape(len(found), size), np.array(right, dtype=bool)


def right_ones(found: Sequence[Finding], truth: Truth) -> list[bool]:
    """Which suspects are what is true: at the right place; of those the ones with the right change, if any.

    Of these in turn the ones of the very class that show signs of it, if any: what is said in general is
    right only where nothing says it exactly.
    """
    right = [not truth.healthy and _at_its_place(one, truth) for one in found]
    for closer in (_names_the_change, _is_of_its_class):
        those = [one and closer(it, truth) for one, it in zip(right, found, strict=True)]
        right = those if any(those) else right
    return right


def _at_its_place(found: Finding, truth: Truth) -> bool:
    if found.suspect.entity not in {truth.component, *truth.equally}:
        return False
    general = found.suspect.change or found.mechanism.name == PLACE
    return bool(general) or truth.fault_class in {None, found.mechanism.name}


def _is_of_its_class(found: Finding, truth: Truth) -> bool:
    return bool(found.signs) and found.mechanism.name == truth.fault_class


def _names_the_change(found: Finding, truth: Truth) -> bool:
    change = found.culprit.change
    named = change.facts.get("change_id", change.id) if change else None
    return truth.changes is None or (named in truth.changes if truth.changes else named is None)


def fit_blend(known: Sequence[tuple[Vector, NDArray[np.bool_]]], weight: Vector) -> Blend:
    """Softmax over suspects and nobody; drawn to the hand-set blend by a ridge."""
    names = list(Blend.model_fields)
    start = np.array([getattr(Blend(), name) for name in names])
    bounds = [SIGNS.get(name, (0, None)) for name in names]

    def loss(beta: Vector) -> tuple[float, Vector]:
        total, slope = 0.2 * float((beta - start) @ (beta - start)), 0.4 * (beta - start)
        for (rows, right), share in zip(known, weight, strict=True):
            scores = np.r_[rows @ beta, 0.0]
            chances = np.exp(scores - scores.max())
            chances /= chances.sum()
            among = np.r_[right, not right.any()]
            hit = float(chances[among].sum()) + 1e-9
            total -= share * np.log(hit)
            slope = slope + share * (rows.T @ (chances - np.where(among, chances, 0.0) / hit)[:-1])
        return total, slope

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Blend(**{name: round(float(one), 3) for name, one in zip(names, found, strict=True)})


def fitted(
    examples: Sequence[Example], names: list[str], strength: float, about: dict[str, object]
) -> RankerWeights:
    """Both stages: the blend is fitted on places ranked by weights that had not seen them."""
    known: dict[int, tuple[Vector, NDArray[np.bool_]]] = {}
    for turn in range(INNER):
        rest = [one for one in examples if one.fold(INNER, "inner") != turn]
        part = as_weights(fit(rest, names, strength), names, about)
        known |= {
            at: suspects(one, part) for at, one in enumerate(examples) if one.fold(INNER, "inner") == turn
        }
    blend = fit_blend([known[at] for at in range(len(examples))], shares(examples))
    whole = as_weights(fit(examples, names, strength), names, about)
    return whole.model_copy(update={"blend": blend})


def platt(pairs: Sequence[tuple[float, bool]]) -> Calibration:
    """A logistic curve over (raw share, right), with the softened targets of Platt (1999)."""
    found = np.array([log_odds_of(share) for share, _ in pairs])
    right = np.array([hit for _, hit in pairs])
    good, bad = right.sum(), (~right).sum()
    wanted = np.where(right, (good + 1) / (good + 2), 1 / (bad + 2))

    def loss(beta: Vector) -> float:
        scores = beta[0] * found + beta[1]
        return float((np.logaddexp(0.0, scores) - wanted * scores).sum())

    slope, offset = minimize(
        loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.01, None), (None, None)]
    ).x
    return Calibration(slope=round(float(slope), 4), offset=round(float(offset), 4))


Part = Callable[[Example], str]
