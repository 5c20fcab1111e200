"""What can be broken, how, and what is really wrong then: the truth that no diagnosis gets to see."""

from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Value
from steadyhand.lab.failure import LabError
from steadyhand.lab.knobs import Manner


class AcceptedFix(Value):
    """A fix that cures the fault."""

    kind: Literal["set_release", "create_index", "wait"]
    version: str = ""
    table: str = ""
    columns: tuple[str, ...] = ()


class Fault(Value):
    """One thing that can be broken: by a release, or by how the payment provider behaves."""

    name: str
    public: bool = Field(default=True, description="Offered to users; others exist for tests.")
    component: str = Field(description="The sick thing: shop, postgres or payments.")
    fault_class: str
    release: str = Field(default="", description="The release that brings it; empty when none does.")
    table: str = ""
    column: str = ""
    payments: Manner = Manner()
    fixes: tuple[AcceptedFix, ...]


class Truth(Value):
    """What is really wrong, since when, and what would cure it."""

    fault: str
    component: str
    fault_class: str
    release: str
    change_id: str
    table: str
    column: str
    onset: float = Field(description="Unix time at which the fault could first act.")
    injected_at: float = Field(description="Unix time at which breaking began.")
    fixes: tuple[AcceptedFix, ...]


_BACK = AcceptedFix(kind="set_release", version="2.13.0")
_ALL = (
    Fault(
        name="leaky-release",
        component="shop",
        fault_class="connection_leak",
        release="2.14.0",
        fixes=(_BACK,),
    ),
    Fault(
        name="missing-index",
        component="postgres",
        fault_class="missing_index",
        release="2.15.0",
        table="orders",
        column="customer_email",
        fixes=(AcceptedFix(kind="create_index", table="orders", columns=("customer_email",)), _BACK),
    ),
    Fault(
        name="slow-payments",
        public=False,
        component="payments",
        fault_class="third_party_timeout",
        payments=Manner(delay_s=30),
        fixes=(AcceptedFix(kind="wait"),),
    ),
)
FAULTS = {one.name: one for one in _ALL}


def fault_named(name: str) -> Fault:
    """The fault of this name. Raises LabError that lists the public ones."""
    if name not in FAULTS:
        offered = ", ".join(one.name for one in _ALL if one.public)
        raise LabError(f"there is no fault {name!r}; the lab can break: {offered}")
    return FAULTS[name]


def truth_of(fault: Fault, change_id: str, onset: float, injected_at: float) -> Truth:
    """What a judge of a diagnosis needs to know."""
    return Truth(
        fault=fault.name,
        component=fault.component,
        fault_class=fault.fault_class,
        release=fault.release,
        change_id=change_id,
        table=fault.table,
        column=fault.column,
        onset=onset,
        injected_at=injected_at,
        fixes=fault.fixes,
    )
