"""Answers against truth: the one place that reads it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from steadyhand.evaluation.answering import Respond, Told, answered
from steadyhand.evaluation.answers import Answer
from steadyhand.evaluation.baselines import BASELINES
from steadyhand.evaluation.case import Case, Truth
from steadyhand.evaluation.errors import NoCases
from steadyhand.evaluation.figures import (
    SURE,
    Bin,
    Share,
    average_of_five,
    bins,
    calibration_error,
    hits_within,
)
from steadyhand.evaluation.kept import Kept


@dataclass(frozen=True)
class Scored:
    """One case, answered and judged. A rank is 1-based; None where the true cause was not named."""

    case: str
    system: str
    truth: Truth
    answer: Answer
    candidates: int
    rank: int | None
    right: bool
    baselines: Mapping[str, int | None]
    onset_error: float | None


@dataclass(frozen=True)
class Row:
    """The figures of one group of cases."""

    name: str
    n: int
    chance: float | None
    chance_three: float | None
    first: Share
    three: Share
    average: float | None
    fault_class: Share
    change: Share
    decoys: Share
    baselines: Mapping[str, Share]
    baselines_three: Mapping[str, Share]
    baselines_average: Mapping[str, float | None]
    failed: Share
    abstained: Share
    specificity: Share
    pairs: Share
    confident_wrong: Share
    sure: Share
    sure_right: Share
    bins: tuple[Bin, ...]
    calibration_error: float | None
    onset_error: float | None
    seconds: float
    tokens: int
    cost: float | None


def score(
    cases: Iterable[Case], respond: Respond, kept: Kept | None = None, tell: Told | None = None
) -> tuple[Scored, ...]:
    """Every case answered, then judged. Raises NoCases, and what reading a case raises."""
    found = tuple(_scored(*one) for one in answered(cases, respond, kept, tell))
    if not found:
        raise NoCases("there is no case to score; name a folder with cases or generated:N")
    return found


def _scored(case: Case, answer: Answer) -> Scored:
    truth, inputs = case.reveal(), case.inputs
    names = {one.entity for one in inputs.page.bearings}
    return Scored(
        case=case.id,
        system=case.system,
        truth=truth,
        answer=answer,
        candidates=len(names),
        rank=_rank(answer.components, truth),
        right=_right(answer, truth),
        baselines={name: _rank(method(inputs), truth) for name, method in BASELINES.items()},
        onset_error=_error(answer, truth),
    )


def _rank(ranked: Sequence[str], truth: Truth) -> int | None:
    wanted = {truth.component, *truth.equally}
    return next((rank for rank, name in enumerate(ranked, start=1) if name in wanted), None)


def _right(answer: Answer, truth: Truth) -> bool:
    """Whether the first answer is right: nobody if nothing is wrong, else component and change, if asked.

    Where only the fault class is known, that decides.
    """
    if answer.failed:
        return False
    if truth.healthy:
        return answer.abstained
    if truth.component is None and truth.changes is None:
        return answer.fault_class == truth.fault_class
    change = truth.changes is None or (answer.change in truth.changes if truth.changes else not answer.change)
    return change and (truth.component is None or _rank(answer.components, truth) == 1)


def _error(answer: Answer, truth: Truth) -> float | None:
    return None if answer.onset is None or truth.onset is None else answer.onset - truth.onset


def rows(found: Sequence[Scored]) -> tuple[Row, ...]:
    """Per system, then per system and family; the pooled row last and never alone."""
    systems = _grouped(found, lambda one: one.system)
    families = _grouped(found, lambda one: f"{one.system} / {one.truth.family}")
    pooled = [_row("all pooled", found)]
    return (*(_row(*one) for one in systems), *(_row(*one) for one in families), *pooled)


def _grouped(found: Sequence[Scored], key: Callable[[Scored], str]) -> list[tuple[str, tuple[Scored, ...]]]:
    return [(name, tuple(same)) for name, same in groupby(sorted(found, key=key), key=key)]


def _row(name: str, found: Sequence[Scored]) -> Row:
    sick = [one for one in found if not one.truth.healthy]
    placed = [one for one in sick if one.truth.component is not None]
    claimed = [one for one in found if not one.answer.abstained]
    sure = [one for one in claimed if one.answer.confidence >= SURE]
    ranks = [one.rank for one in placed]
    reliability = bins([(one.answer.confidence, one.right) for one in claimed])
    errors = [abs(one.onset_error) for one in sick if one.onset_error is not None]
    return Row(
        name=name,
        n=len(found),
        chance=_chance(placed, 1),
        chance_three=_chance(placed, 3),
        first=hits_within(ranks, 1),
        three=hits_within(ranks, 3),
        average=average_of_five(ranks),
        fault_class=_of(sick, lambda one: one.truth.fault_class, lambda one: one.answer.fault_class),
        change=Share(
            sum(_names_change(one) for one in sick), sum(one.truth.changes is not None for one in sick)
        ),
        decoys=Share(sum(one.answer.change in one.truth.decoys for one in sick), len(sick)),
        baselines=_plain(placed, 1),
        baselines_three=_plain(placed, 3),
        baselines_average=_averages(placed),
        failed=Share(sum(bool(one.answer.failed) for one in found), len(found)),
        abstained=Share(sum(one.answer.abstained for one in sick), len(sick)),
        specificity=Share(sum(one.right for one in found if one.truth.healthy), len(found) - len(sick)),
        pairs=pairs(found),
        confident_wrong=Share(sum(not one.right for one in sure), len(found)),
        sure=Share(len(sure), len(sick)),
        sure_right=Share(sum(one.right for one in sure), len(sure)),
        bins=reliability,
        calibration_error=calibration_error(reliability),
        onset_error=median(errors) if errors else None,
        seconds=median(one.answer.seconds for one in found),
        tokens=sum(one.answer.tokens for one in found),
        cost=_costs(found),
    )


def _chance(placed: Sequence[Scored], most: int) -> float | None:
    """AC@k of a blind draw among all that could be named."""
    drawn = [min(1.0, most / one.candidates) for one in placed if one.candidates]
    return sum(drawn) / len(placed) if placed else None


def _plain(placed: Sequence[Scored], most: int) -> dict[str, Share]:
    """AC@k of each plain method."""
    return {name: hits_within([one.baselines[name] for one in placed], most) for name in BASELINES}


def _costs(found: Sequence[Scored]) -> float | None:
    costs = [one.answer.cost for one in found if one.answer.cost is not None]
    return sum(costs) if costs else None


def _averages(placed: Sequence[Scored]) -> dict[str, float | None]:
    return {name: average_of_five([one.baselines[name] for one in placed]) for name in BASELINES}


def pairs(found: Sequence[Scored]) -> Share:
    """Twins of which both sides are right in all that is asked, and told apart; half a pair is none."""
    twins: dict[str, list[Scored]] = defaultdict(list)
    for one in found:
        if one.truth.twin:
            twins[one.truth.twin].append(one)
    whole = [both for both in twins.values() if len(both) == 2]  # noqa: PLR2004 - a pair
    return Share(sum(_told_apart(*both) for both in whole), len(whole))


def _told_apart(one: Scored, other: Scored) -> bool:
    return _wholly(one) and _wholly(other) and _claim(one.answer) != _claim(other.answer)


def _wholly(one: Scored) -> bool:
    return one.right and one.truth.fault_class in (None, one.answer.fault_class)


def _claim(answer: Answer) -> tuple[object, ...]:
    return (answer.components[:1], answer.fault_class, answer.change) if not answer.abstained else ()


def _names_change(one: Scored) -> bool:
    wanted = one.truth.changes
    if wanted is None:
        return False
    return one.answer.change in wanted if wanted else one.answer.change is None


def _of(
    found: Sequence[Scored], wanted: Callable[[Scored], str | None], given: Callable[[Scored], str | None]
) -> Share:
    asked = [one for one in found if wanted(one) is not None]
    return Share(sum(wanted(one) == given(one) for one in asked), len(asked))
