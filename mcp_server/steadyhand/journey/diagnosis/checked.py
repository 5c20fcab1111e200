"""What a validation check showed, and what it does to the ranking.

The rule: an outcome multiplies the weight of its hypothesis by a Bayes factor, 3 when it was as expected if
true and 1/5 when as expected if false, and all weights, "none of these" included, are divided by their sum.
All checks of one hypothesis together move it by a factor of at most 9 up and 1/20 down, so no string of weak
looks settles anything. The factors are stated, not fitted: a ranking they touched is called uncalibrated.
"""

import math
from collections.abc import Sequence

from steadyhand.journey.diagnosis.model import Check, Diagnosis, Hypothesis, Outcome
from steadyhand.journey.evidence.model import Page

FACTORS = {"as_if_true": 3.0, "as_if_false": 0.2, "unclear": 1.0}
_MOST, _LEAST = 9.0, 0.05
UNCALIBRATED = "uncalibrated"


def find_check(outcome: Outcome, diagnosis: Diagnosis) -> Check | str:
    """The check it is about, or what is wrong with it and how to mend it."""
    one = next((one for one in diagnosis.hypotheses if one.id == outcome.hypothesis), None)
    if one is None:
        known = ", ".join(one.id for one in diagnosis.hypotheses) or "none"
        return f"checked.hypothesis: no {outcome.hypothesis!r}; get_diagnosis lists {known}"
    found = next((check for check in one.checks if check.name == outcome.check), None)
    if found is None:
        known = ", ".join(repr(check.name) for check in one.checks) or "none"
        return f"checked.check: {one.id} has no check {outcome.check!r}; it has {known}"
    return found


def update(diagnosis: Diagnosis, outcomes: Sequence[Outcome]) -> Diagnosis:
    """The ranking after these outcomes; a later outcome of the same check stands in place of the earlier.

    `diagnosis.before` holds the confidences that no check has touched, so that outcomes never count twice.
    """
    kept = {(one.hypothesis, one.check): one for one in (*diagnosis.checked, *outcomes)}
    before = diagnosis.before or {one.id: one.confidence for one in diagnosis.hypotheses}
    factors = {one.id: _factor(one.id, tuple(kept.values())) for one in diagnosis.hypotheses}
    none = max(0.0, 1.0 - math.fsum(before.values()))
    weights = {name: value * factors.get(name, 1.0) for name, value in before.items()}
    whole = math.fsum(weights.values()) + none
    after = {name: weight / whole if whole else 0.0 for name, weight in weights.items()}
    moved = any(one.outcome != "unclear" for one in kept.values())
    return diagnosis.model_copy(
        update={
            "hypotheses": _ranked(diagnosis.hypotheses, after),
            "none_of_these": min(max(1.0 - math.fsum(after.values()), 0.0), 1.0),
            "calibrated_on": UNCALIBRATED if moved else diagnosis.calibrated_on,
            "checked": tuple(kept.values()),
            "before": before,
        }
    )


def _factor(hypothesis: str, outcomes: Sequence[Outcome]) -> float:
    product = math.prod(FACTORS[one.outcome] for one in outcomes if one.hypothesis == hypothesis)
    return min(max(product, _LEAST), _MOST)


def _ranked(known: Sequence[Hypothesis], after: dict[str, float]) -> tuple[Hypothesis, ...]:
    """Best first, ids kept: plans name them."""
    ordered = sorted(known, key=lambda one: (-after[one.id], one.rank))
    return tuple(
        one.model_copy(update={"rank": rank, "confidence": after[one.id]})
        for rank, one in enumerate(ordered, start=1)
    )


def carried_over(earlier: Diagnosis | None, fresh: Diagnosis) -> Diagnosis:
    """A fresh ranking with the outcomes of an earlier one, where the same cause is still named."""
    if earlier is None or not earlier.checked:
        return fresh
    causes = {one.id: (one.cause.entity, one.cause.fault_class) for one in earlier.hypotheses}
    now = {(one.cause.entity, one.cause.fault_class): one for one in fresh.hypotheses}
    outcomes = [
        outcome.model_copy(update={"hypothesis": same.id})
        for outcome in earlier.checked
        if (same := now.get(causes.get(outcome.hypothesis, ("", "")))) is not None
        and any(check.name == outcome.check for check in same.checks)
    ]
    return update(fresh, outcomes) if outcomes else fresh


def with_checks(page: Page, previous: Page | None) -> Page:
    """A fresh page with what checks showed before, under the ids it has been cited by."""
    kept = tuple(one for one in previous.items if one.kind == "check") if previous else ()
    return page.model_copy(update={"items": (*page.items, *kept)}) if kept else page


def told(outcome: Outcome, before: Diagnosis, after: Diagnosis) -> str:
    """One outcome and what it did, in a line."""
    was = next((one.confidence for one in before.hypotheses if one.id == outcome.hypothesis), 0.0)
    now = next((one.confidence for one in after.hypotheses if one.id == outcome.hypothesis), 0.0)
    words = outcome.outcome.replace("_", " ")
    factor = FACTORS[outcome.outcome]
    return f"{outcome.hypothesis} {was:.0%} -> {now:.0%} (check {outcome.check!r} {words}, factor {factor:g})"
