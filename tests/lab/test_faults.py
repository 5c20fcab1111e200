import pytest

from steadyhand.lab.failure import LabError
from steadyhand.lab.faults import FAULTS, Fault, fault_named, truth_of
from steadyhand.lab.releases import BASELINE, RELEASES


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_fault_can_be_cured(fault: Fault) -> None:
    assert fault.fixes
    for fix in fault.fixes:
        assert (fix.kind == "set_release") == (fix.version == BASELINE)
        assert (fix.kind == "create_index") == (fix.table == fault.table and bool(fix.columns))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_truth_says_what_where_and_since_when(fault: Fault) -> None:
    truth = truth_of(fault, "chg-1", onset=20.0, injected_at=18.5)
    assert (truth.fault, truth.component, truth.onset) == (fault.name, fault.component, 20.0)
    assert truth.release in {"", *RELEASES}
    assert truth.fixes == fault.fixes


def test_only_a_third_party_is_sick_without_a_release() -> None:
    assert [one.component for one in FAULTS.values() if not one.release] == ["payments"]


def test_an_unknown_fault_is_refused_and_hidden_ones_are_not_offered() -> None:
    with pytest.raises(LabError, match=r"leaky-release, missing-index$"):
        fault_named("gremlins")
