"""Fit the ranker's weights and calibrate its confidence out of fold; write the file the product ships.

    python bench/fit_ranker.py RCA_FOLDER [--worlds N] [--seed S] [--write]

RCA_FOLDER holds the public metric sets. Only the open two thirds of them are read, and generated worlds of
this seed. Prints the figures of five-fold cross-validation and of leaving one system out, each system with
weights fitted on all others. Needs numpy and scipy (requirements/bench.txt).
"""

import argparse
import hashlib
import pickle
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from steadyhand.evaluation.answers import Answer, answer_of
from steadyhand.evaluation.case import Case, Inputs, Truth
from steadyhand.evaluation.report import as_text
from steadyhand.evaluation.score import Scored, rows, score
from steadyhand.evaluation.sources import find_cases
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.ranking import weights as shipped_weights
from steadyhand.journey.diagnosis.ranking.weights import FigureWeights, RankerWeights
from steadyhand.journey.diagnosis.rule import DiagnosisRule

FOLDS = 5
BLOCKS = 16
ALONE: dict[str, list[bool]] = defaultdict(list)
EITHER_WAY = {"explained", "load", "silent"}  # figures that may also speak against
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """One case as numbers: a row per entity, the last for nobody; `answer` is the right row."""

    case: Case
    inputs: Inputs
    truth: Truth
    rows: Vector
    answer: int


def names_of(examples: Sequence[tuple[Case, Inputs]]) -> list[str]:
    """The figures any bearing has."""
    return sorted({name for _, one in examples for b in one.page.bearings for name in b.figures})


def example(case: Case, inputs: Inputs, names: list[str]) -> Example | None:
    """The case as numbers; None if its true cause is nobody the bearings know."""
    truth = case.reveal()
    entities = [one.entity for one in inputs.page.bearings]
    found = np.array([[max(0.0, b.figures.get(n, 0.0)) for n in names] for b in inputs.page.bearings])
    if not truth.healthy and truth.component not in entities:
        return None
    top = found.max(axis=0)
    scaled = np.where(top > 0, found / np.maximum(top, 1e-12), 0.0)
    flags = (scaled > 0.99) * 1.0
    flags /= np.maximum(1.0, flags.sum(axis=0))
    zero = np.zeros((len(entities), 1 + len(names)))
    people = np.hstack([scaled, flags, np.log1p(found) / 2, zero])
    nobody = np.concatenate([np.zeros(3 * len(names)), [1.0], -np.log1p(top) / 2])
    answer = len(entities) if truth.healthy else entities.index(truth.component)
    return Example(case, inputs, truth, np.vstack([people, nobody]), answer)


def fit(examples: Sequence[Example], names: list[str], strength: float) -> Vector:
    """Softmax regression, each system of equal weight, ridge, weights not negative but for a few."""
    many = Counter(kind(one) for one in examples)
    share = {name: len(examples) / len(many) / count for name, count in many.items()}
    either = [(None, None) if name in EITHER_WAY else (0, None) for name in names]
    bounds = [*either, *either, *either, (None, None), *[(0, None)] * len(names)]

    def loss(beta: Vector) -> tuple[float, Vector]:
        total, slope = 0.5 * float(beta @ beta) / strength, beta / strength
        for one in examples:
            scores = one.rows @ beta
            powers = np.exp(scores - scores.max())
            chances = powers / powers.sum()
            weight = share[kind(one)]
            total -= weight * float(np.log(chances[one.answer] + 1e-12))
            slope = slope + weight * (one.rows.T @ chances - one.rows[one.answer])
        return total, slope

    start = np.zeros(4 * len(names) + 1)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def kind(one: Example) -> str:
    """What weighs as much as any other of its kind: a system, its fault-free windows apart."""
    return f"{one.case.system}{' calm' if one.truth.healthy else ''}"


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


def fold_of(case: Case) -> int:
    """Its fold, by a hash of its name."""
    return (
        int(hashlib.md5(f"{case.system}/{case.id}".encode(), usedforsecurity=False).hexdigest(), 16) % FOLDS
    )


def out_of_fold(
    examples: Sequence[Example],
    names: list[str],
    strength: float,
    part: Callable[[Example], str],
    about: dict,
) -> tuple[Scored, ...]:
    """Each part answered by weights that were fitted without it."""
    found: list[Scored] = []
    for name in sorted({part(one) for one in examples}):
        rest = [one for one in examples if part(one) != name]
        beta = fit(rest, names, strength)
        learned = as_weights(beta, names, about)
        for one in examples:
            if part(one) == name and not one.truth.healthy:
                order = one.rows[:-1] @ beta
                ALONE[one.case.system].append(int((order > order[one.answer]).sum()) == 0)
        held = {one.case.id + one.case.system: one for one in examples if part(one) == name}

        def respond(case: Case, learned: RankerWeights = learned, held: dict[str, Example] = held) -> Answer:
            inputs = held[case.id + case.system].inputs
            return answer_of(diagnose(inputs.page, inputs.topology, DiagnosisRule(), ranker=learned), 0.0)

        found += score([one.case for one in held.values()], respond)
    return tuple(found)


def calibration(scored: Sequence[Scored]) -> tuple[tuple[float, float], ...]:
    """Isotonic regression (pool adjacent violators) of being right on raw confidence, kept inside .02 to .97.

    Only answers that name a cause count, those of fault-free windows among them.
    """
    named = [one for one in scored if one.answer.components]
    pairs = np.array(
        sorted((one.answer.confidence, float(one.right and not one.truth.healthy)) for one in named)
    )
    blocks: list[list[float]] = []  # sum of confidence, sum right, count
    for part in np.array_split(pairs, BLOCKS):
        blocks.append([float(part[:, 0].sum()), float(part[:, 1].sum()), float(len(part))])
        while len(blocks) > 1 and blocks[-2][1] / blocks[-2][2] >= blocks[-1][1] / blocks[-1][2]:
            last = blocks.pop()
            blocks[-1] = [one + other for one, other in zip(blocks[-1], last, strict=True)]
    knots = [(c / n, min(0.97, max(0.02, r / n))) for c, r, n in blocks]
    return tuple((round(x, 4), round(y, 4)) for x, y in knots)


def load(args: argparse.Namespace) -> list[tuple[Case, Inputs]]:
    """The open cases with their inputs; kept in a cache file while it is given."""
    cases = [one for one in find_cases(str(args.folder)) if not one.kept_aside]
    cases += find_cases(f"generated:{args.worlds}:{args.seed}")
    known = pickle.loads(args.cache.read_bytes()) if args.cache and args.cache.exists() else {}  # noqa: S301 - our own
    out = []
    for one in cases:
        key = f"{one.system}/{one.id}"
        if key not in known:
            seen = one.look()
            known[key] = Inputs(seen.page, seen.topology, tuple)
        one.__dict__["inputs"] = known[key]
        out.append((one, known[key]))
    if args.cache:
        args.cache.write_bytes(pickle.dumps(known))
    return out


def parsed() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--worlds", type=int, default=240)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--strength", type=float, default=3.0, help="inverse of the ridge")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--version", default="ranker-1")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def tell(title: str, scored: Sequence[Scored]) -> None:
    """The figures per system, and those of the ranker without the mechanisms."""
    print(title)
    print(as_text([row for row in rows(scored) if " / " not in row.name]))
    print("ranker alone, AC@1:", {name: round(float(np.mean(one)), 2) for name, one in ALONE.items()})
    ALONE.clear()


def main() -> int:
    """Print the figures; write the weights where asked."""
    given = parsed()
    known = load(given)
    names = names_of(known)
    made = [example(case, inputs, names) for case, inputs in known]
    examples = [one for one in made if one is not None]
    about: dict[str, object] = {
        "version": given.version,
        "about": "Softmax regression over the bearings of all entities and nobody; bench/fit_ranker.py.",
        "trained_on": dict(Counter(kind(one) for one in examples)),
        "calibrated_on": "uncalibrated",
        "calibrated_n": 0,
        "calibration": (),
    }
    folded = out_of_fold(examples, names, given.strength, lambda one: str(fold_of(one.case)), about)
    tell("five-fold, uncalibrated", folded)
    others = out_of_fold(examples, names, given.strength, lambda one: one.case.system.split()[0], about)
    tell("each system by weights of the others", others)
    knots = calibration(folded)
    about |= {
        "calibrated_on": f"{given.version}, out of fold",
        "calibrated_n": len(folded),
        "calibration": knots,
    }
    whole = as_weights(fit(examples, names, given.strength), names, about)
    if given.write:
        target = Path(shipped_weights.__file__).with_name("weights.json")
        target.write_text(whole.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
