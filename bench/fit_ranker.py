"""Fit the ranker's weights and calibrate its confidence out of fold; write the file the product ships.

    python bench/fit_ranker.py RCA_FOLDER [--worlds N] [--twins N] [--traps N] [--seed S] [--write]

RCA_FOLDER holds the public metric sets. Only the open two thirds of them are read, and generated worlds of
this seed; windows of the open cases from before their fault teach what nobody's fault looks like. Prints the
figures of five-fold cross-validation and of leaving one system out, each with weights fitted on the others.
Needs numpy and scipy (requirements/bench.txt).
"""

import argparse
import pickle
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from ranker_fit import SHELF, Example, Part, fitted, names_of, platt

from steadyhand.evaluation.answers import Answer, answer_of
from steadyhand.evaluation.case import Case, Inputs
from steadyhand.evaluation.figures import SURE, bins, calibration_error
from steadyhand.evaluation.metric_sets import quiet_cases
from steadyhand.evaluation.report import as_text
from steadyhand.evaluation.score import Scored, rows, score
from steadyhand.evaluation.sources import find_cases
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.ranking import weights as shipped_weights
from steadyhand.journey.diagnosis.ranking.weights import RankerWeights
from steadyhand.journey.diagnosis.rule import DiagnosisRule

FOLDS = 5
DRAWS = 500


def learned_without(
    examples: Sequence[Example], names: list[str], strength: float, part: Part, about: dict[str, object]
) -> dict[str, RankerWeights]:
    """For each part the weights that were fitted without it."""
    return {
        name: fitted([one for one in examples if part(one) != name], names, strength, about)
        for name in sorted({part(one) for one in examples})
    }


def parts_of(
    examples: Sequence[Example], part: Part, known: Mapping[str, RankerWeights]
) -> dict[str, tuple[Scored, ...]]:
    """Each part answered by weights that know nothing of it."""
    return {
        name: answered([one for one in examples if part(one) == name], weights)
        for name, weights in known.items()
    }


def whole(found: Mapping[str, Sequence[Scored]]) -> tuple[Scored, ...]:
    """All parts together."""
    return tuple(one for part in found.values() for one in part)


def with_calibration(
    known: Mapping[str, RankerWeights], found: Mapping[str, Sequence[Scored]]
) -> dict[str, RankerWeights]:
    """Each with a calibration by the answers of all other parts."""
    return {
        name: weights.model_copy(
            update={
                "calibration": platt(
                    claims([one for other in found if other != name for one in found[other]])
                )
            }
        )
        for name, weights in known.items()
    }


def answered(examples: Sequence[Example], learned: RankerWeights) -> tuple[Scored, ...]:
    """These cases by these weights."""
    held = {f"{one.case.system}/{one.case.id}": one.inputs for one in examples}

    def respond(case: Case) -> Answer:
        inputs = held[f"{case.system}/{case.id}"]
        rule = DiagnosisRule()
        found = diagnose(inputs.page, inputs.topology, rule, ranker=learned, playbooks=SHELF)
        return answer_of(found, 0.0)

    return score([one.case for one in examples], respond)


def claims(scored: Sequence[Scored]) -> list[tuple[float, bool]]:
    """Raw share and whether it was right, of all that claim a cause: in fault-free windows always wrong."""
    return [
        (one.answer.confidence, one.right and not one.truth.healthy)
        for one in scored
        if not one.answer.abstained
    ]


def tell_calibration(scored: Sequence[Scored]) -> None:
    """The reliability table; ECE over claims with a bootstrap interval, and what is sure, also by system."""
    known = [one for one in scored if not one.answer.abstained]
    for name in ["pooled", *sorted({_system(one) for one in known})]:
        part = [(one.answer.confidence, one.right) for one in known if name in {"pooled", _system(one)}]
        dice = np.random.default_rng(1)
        errors = [
            calibration_error(bins([part[at] for at in dice.integers(0, len(part), len(part))]))
            for _ in range(DRAWS)
        ]
        low, high = np.percentile([one for one in errors if one is not None], [2.5, 97.5])
        sure = [right for value, right in part if value >= SURE]
        sick = sum(not one.truth.healthy for one in scored if name in {"pooled", _system(one)})
        print(
            f"calibrated, {name}: claims {len(part)}, ECE {calibration_error(bins(part)):.3f} "
            f"[{low:.3f},{high:.3f}], at {SURE} or more {len(sure)} of {sick} cases, {sum(sure)} right"
        )
        if name == "pooled":
            for one in bins(part):
                print(f"  said {one.confidence:.2f}, right {one.right.hits} of {one.right.of}")


def _system(one: Scored) -> str:
    return one.system.split()[0]


def worlds(args: argparse.Namespace) -> list[str]:
    """What is drawn to learn from."""
    many = {"generated": args.worlds, "twins": args.twins, "traps": args.traps}
    return [f"{name}:{wanted}:{args.seed}" for name, wanted in many.items() if wanted]


def load(args: argparse.Namespace) -> list[Example]:
    """The open cases with their inputs; kept in a cache file while it is given."""
    cases = [one for one in find_cases(str(args.folder)) if not one.kept_aside]
    cases += quiet_cases(args.folder)
    for drawn in worlds(args):
        cases += find_cases(drawn)
    known = pickle.loads(args.cache.read_bytes()) if args.cache and args.cache.exists() else {}  # noqa: S301 - our own
    out = []
    for one in cases:
        key = f"{one.system}/{one.id}"
        if key not in known:
            seen = one.look()
            known[key] = Inputs(seen.page, seen.topology, tuple)
        one.__dict__["inputs"] = known[key]
        out.append(Example(one, known[key], one.reveal()))
    if args.cache:
        args.cache.write_bytes(pickle.dumps(known))
    return [one for one in out if one.truth.healthy or one.truth.component in one.entities]


def parsed() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--worlds", type=int, default=280)
    parser.add_argument("--twins", type=int, default=63)
    parser.add_argument("--traps", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--strength", type=float, default=2.0, help="inverse of the ridge")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--version", default="ranker-7")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def tell(title: str, scored: Sequence[Scored]) -> None:
    """The figures per system."""
    print(title)
    print(as_text([row for row in rows(scored) if " / " not in row.name]))


def main() -> int:
    """Print the figures; write the weights where asked."""
    given = parsed()
    examples = load(given)
    names = names_of(examples)
    about: dict[str, object] = {
        "version": given.version,
        "about": "Two softmax regressions: of entities over their bearings, and of suspects over what the "
        "table and the first say; bench/fit_ranker.py.",
        "trained_on": dict(Counter(one.kind for one in examples)),
        "calibrated_on": "uncalibrated",
        "calibrated_n": 0,
    }
    folds = learned_without(examples, names, given.strength, lambda one: str(one.fold(FOLDS)), about)
    raw = parts_of(examples, lambda one: str(one.fold(FOLDS)), folds)
    sure = parts_of(examples, lambda one: str(one.fold(FOLDS)), with_calibration(folds, raw))
    tell("five-fold, calibrated by the other folds", whole(sure))
    tell_calibration(whole(sure))
    apart = learned_without(examples, names, given.strength, lambda one: one.system, about)
    tell(
        "each system by weights of the others, uncalibrated",
        whole(parts_of(examples, lambda one: one.system, apart)),
    )
    if given.write:
        counted, drawn = claims(whole(raw)), ", ".join(worlds(given))
        about |= {
            "calibrated_on": f"{given.version} out of fold: open public cases, {drawn}",
            "calibrated_n": len(counted),
            "calibration": platt(counted),
        }
        found = fitted(examples, names, given.strength, about)
        target = Path(shipped_weights.__file__).with_name("weights.json")
        target.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
