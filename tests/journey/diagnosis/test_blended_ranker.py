"""The learned ranker and the table of mechanisms heard together: shares, ties, silence and calibration."""

from bisect import bisect_right
from collections.abc import Mapping

import pytest
from journey.diagnosis.pages import CONNECTIONS, RULE, STANDING_SCAN, TOPOLOGY, page, seen, silent_provider

from steadyhand.evaluation.case import Case
from steadyhand.evaluation.worlds.emit import at as world_time
from steadyhand.evaluation.worlds.generate import generated
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.diagnosis.ranking.blend import Said, blended
from steadyhand.journey.diagnosis.ranking.rank import calibrated, rank
from steadyhand.journey.diagnosis.ranking.weights import Blend, Calibration, RankerWeights, shipped
from steadyhand.journey.evidence.model import Bearing, Page, Series
from steadyhand.journey.evidence.page import assemble
from steadyhand.journey.evidence.rule import EvidenceRule, windows

SICK = {
    "symptom": 6.0,
    "unexplained": 6.0,
    "farthest": 6.0,
    "residual": 6.0,
    "leaf_residual": 6.0,
    "cpu": 5.0,
}
ILL = {"symptom": 6.0, "explained": 6.0, "farthest": 6.0}
WELL: Mapping[str, float] = {"symptom": 0.0}


def bearings(**known: Mapping[str, float]) -> tuple[Bearing, ...]:
    names = [one.name for one in TOPOLOGY.services if one.kind != "client"]
    return tuple(
        Bearing(entity=name, figures=dict(known.get(name.replace("-", "_"), WELL))) for name in names
    )


def told(shown: Page, weights: RankerWeights | None = None, **known: Mapping[str, float]) -> Diagnosis:
    with_bearings = shown.model_copy(update={"bearings": bearings(**known)})
    return diagnose(with_bearings, TOPOLOGY, RULE, ranker=weights)


SLOW = [
    seen("latency", "latency", "shop", 5, shape="step"),
    seen("errors", "errors", "shop", 7, shape="step"),
]


def test_the_shares_of_all_and_of_nobody_are_one_whole() -> None:
    found = rank(bearings(memo=SICK, shop=ILL), shipped())
    assert sum(found.shares.values()) + found.nobody == pytest.approx(1.0)
    assert next(iter(found.shares)) == "memo"


def test_places_that_are_all_surely_sick_keep_their_distance() -> None:
    said = [Said(name, 0.0, "place") for name in ("memo", "shop")]
    least, most = ({"memo": far, "shop": far - 2.0} for far in (4.0, 14.0))
    near, far = (blended(said, odds, Blend(odds=1.0), felt=True) for odds in (least, most))
    assert near[0] - near[1] == far[0] - far[1] == pytest.approx(2.0)


def test_in_perfect_health_it_is_nobody() -> None:
    found = rank(bearings(), shipped())
    assert found.nobody > 0.9


def test_who_is_alike_in_all_gets_the_same_share_in_any_order() -> None:
    known = bearings(memo=SICK, payments=SICK)
    one, other = rank(known, shipped()), rank(known[::-1], shipped())
    assert one.shares["memo"] == one.shares["payments"]
    assert one.shares == pytest.approx(other.shares)


def test_a_place_is_named_where_no_mechanism_shows_its_marks() -> None:
    best = told(page(*SLOW), payments=SICK, shop=ILL).hypotheses[0]
    assert (best.cause.entity, best.cause.fault_class) == ("payments", "service_fault")


def test_a_mechanism_with_its_marks_goes_before_a_place_that_is_a_little_likelier() -> None:
    best = told(page(*silent_provider()), shop=SICK, payments=SICK).hypotheses[0]
    assert (best.cause.entity, best.cause.fault_class) == ("payments", "third_party_timeout")


def test_a_mechanism_is_believed_less_where_its_place_is_far_behind() -> None:
    shown = page(*silent_provider())
    here, elsewhere = told(shown, payments=SICK), told(shown, memo=SICK)
    assert _confidence(here, "third_party_timeout") > _confidence(elsewhere, "third_party_timeout")


def _confidence(found: Diagnosis, fault: str) -> float:
    return next(one.score for one in found.hypotheses if one.cause.fault_class == fault)


def test_a_place_that_a_mechanism_already_holds_is_not_told_twice() -> None:
    found = told(page(*silent_provider()), payments=SICK)
    assert [one.cause.entity for one in found.hypotheses].count("payments") == 1


def test_nothing_is_said_where_nobody_suffers_and_nobody_is_far_likelier() -> None:
    found = told(page(STANDING_SCAN, CONNECTIONS))
    assert found.hypotheses == ()
    assert found.none_of_these == 1.0


def test_where_somebody_suffers_it_is_told_who_could_be_to_blame_although_nobody_is_likelier() -> None:
    found = told(page(*SLOW), shipped().model_copy(update={"nobody": 50.0}))
    assert found.best is None
    assert found.hypotheses


STEEP = shipped().model_copy(update={"calibration": Calibration(slope=1.5, offset=2.0)})


def test_confidences_never_add_up_to_more_than_one() -> None:
    found = told(page(*SLOW), STEEP, payments=SICK, memo=SICK, shop=ILL)
    assert sum(one.confidence for one in found.hypotheses) + found.none_of_these == pytest.approx(1.0)


def test_where_nobody_is_likelier_the_calibration_raises_no_confidence() -> None:
    busy = seen("cpu", "resource", "shop", 1, shape="step", metric="process_cpu_seconds_total")
    plain = shipped().model_copy(update={"calibration": Calibration()})
    one, other = told(page(busy), plain, shop=ILL), told(page(busy), STEEP, shop=ILL)
    assert one.best is other.best is None
    assert [it.confidence for it in one.hypotheses] == [it.confidence for it in other.hypotheses]


def test_the_calibration_never_changes_the_order() -> None:
    known = {"payments": SICK, "shop": ILL}
    one, other = told(page(*SLOW), **known), told(page(*SLOW), STEEP, **known)
    assert [it.cause for it in one.hypotheses] == [it.cause for it in other.hypotheses]


def test_who_is_likelier_is_never_less_sure_and_nobody_is_ever_certain() -> None:
    sure = [calibrated(share / 100, shipped()) for share in range(101)]
    assert sure == sorted(sure)
    assert (sure[0], sure[-1]) >= (0.02, 0.85)
    assert sure[-1] <= 0.98


def test_weights_that_were_never_calibrated_leave_the_share_as_it_is() -> None:
    plain = shipped().model_copy(update={"calibration": Calibration()})
    assert [calibrated(share, plain) for share in (0.1, 0.5, 0.9)] == pytest.approx([0.1, 0.5, 0.9])


def as_of(case: Case, step: int) -> Page:
    """The page of this world had somebody been worried at this step of its calm."""
    held, now = case.inputs.held(), world_time(step)
    window, baseline = windows(now, now, EvidenceRule(), world_time(0))
    return assemble(
        incident="worried",
        service=case.inputs.page.service,
        window=window,
        baseline=baseline,
        topology=case.inputs.topology,
        lines=[one for one in held.lines if one.at <= now],
        series=[_until(one, now.timestamp()) for one in held.series],
        changes=[one for one in held.changes if one.started_at <= now],
        alert_at=now,
    )


def _until(series: Series, end: float) -> Series:
    known = bisect_right(series.times, end)
    return series.model_copy(update={"times": series.times[:known], "values": series.values[:known]})


def test_a_healthy_world_replayed_lists_nobody() -> None:
    for case in generated(12, 500):
        for step in (100, 165):
            found = diagnose(as_of(case, step), case.inputs.topology, RULE)
            assert found.hypotheses == (), case.id


def test_what_moves_beside_a_healthy_front_names_nobody() -> None:
    healthy = [one for one in generated(28, 500) if one.reveal().healthy]
    found = [diagnose(one.inputs.page, one.inputs.topology, RULE) for one in healthy]
    assert [one.best for one in found] == [None] * 4
