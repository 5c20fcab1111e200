from pathlib import Path
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.lab.layout import Layout
from steadyhand.lab.servers.envoy import bootstrap, runtime_value, share_of


@given(st.integers(min_value=0, max_value=10_000))
def test_a_share_is_read_back_as_it_was_set(hundredths: int) -> None:
    assert share_of(runtime_value(hundredths / 10_000)) == hundredths / 10_000


@given(st.floats(min_value=0, max_value=1))
def test_a_share_survives_form_encoding(share: float) -> None:
    assert "+" not in quote_plus(runtime_value(share))


@pytest.mark.parametrize(
    ("value", "share"),
    [("5", 0.05), ("100", 1.0), ("0", 0.0), ("", 0.0), ("{numerator:+5,+denominator:+HUNDRED}", 0.0)],
)
def test_a_bare_number_means_percent_and_nonsense_means_none(value: str, share: float) -> None:
    assert share_of(value) == share


def test_without_a_runtime_value_nothing_goes_to_the_canary_and_nothing_is_retried() -> None:
    config = bootstrap(Layout(Path("/x"), 21400))
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    canary, stable = manager["route_config"]["virtual_hosts"][0]["routes"]
    assert canary["match"]["runtime_fraction"]["default_value"]["numerator"] == 0
    assert [one["route"]["cluster"] for one in (canary, stable)] == ["canary", "stable"]
    assert "retry_policy" not in canary["route"] | stable["route"]
