"""How strongly a gauge left calm, against the plain definition."""

from math import log1p

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.journey.evidence.bearings.observed import Gauge, Kind
from steadyhand.journey.evidence.bearings.strength import bend_of, deepest_drop, sigmas

SAMPLES = st.none() | st.floats(-1e6, 1e6)
KINDS = st.sampled_from(["latency", "up", "cpu"])


@given(
    st.lists(st.floats(0, 100), min_size=10, max_size=40), st.lists(SAMPLES, min_size=1, max_size=90), KINDS
)
def test_the_lasting_worst_of_the_bad_direction_is_the_strength(
    calm: list[float], since: list[float | None], kind: Kind
) -> None:
    gauge = Gauge("db", kind, tuple(calm), tuple(since))
    far = sigmas(gauge)
    bad = [-one if kind == "up" else one for one in far]
    ranked = sorted(bad, reverse=True)
    lasting = ranked[1 + len(ranked) // 20] if len(ranked) >= 4 else ranked[0]
    found = bend_of(gauge)
    assert found.strength == pytest.approx(log1p(max(lasting, 0.0)))
    assert found.first == next(
        (at for at, one in enumerate(bad) if (abs(one) if kind == "cpu" else one) > 5), -1
    )
    assert deepest_drop(found) == pytest.approx(log1p(max(0.0, -min(far))))


def test_what_stopped_to_report_dropped_all_the_way() -> None:
    assert deepest_drop(bend_of(Gauge("db", "load", (1.0,) * 20, (), stopped=True))) > log1p(4.9)
