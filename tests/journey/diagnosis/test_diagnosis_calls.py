"""A path cites the calls that show it, and runs along arrows that were only seen."""

from journey.diagnosis.pages import RULE, TOPOLOGY, change, page, seen, told

from steadyhand.journey.diagnosis.path import trace
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.diagnosis.suspect import Suspect
from steadyhand.journey.evidence.model import Item
from steadyhand.journey.topology import Service

SLOW = seen("p95", "latency", "shop", 20)


def call(name: str, entity: str, second: float, **facts: str) -> Item:
    """A call that traces show to have changed; at its ends stand names as traces spell them."""
    item = seen(name, "call", entity, second, operation="GET", **facts)
    return item.model_copy(update={"kind": "trace", "id": f"s-{name}"})


def test_a_path_cites_the_calls_between_its_ends() -> None:
    charge = call("charge", "payments", 15, caller="shop", service="Payments")
    lookup = call("lookup", "shop", 15, caller="edge", service="shop", peer="orders-db")
    shown = Scene(page(SLOW, charge, lookup), TOPOLOGY, RULE)
    (step,) = trace(Suspect("payments", "third_party"), None, (), shown)
    assert set(step.evidence) == {"m-p95", "s-charge"}
    (step,) = trace(Suspect("orders-db", "db"), None, (), shown)
    assert set(step.evidence) == {"m-p95", "s-lookup"}


def test_a_hypothesis_of_a_change_cites_them_too() -> None:
    up = seen("calls", "errors", "payments", 10)
    found = told(
        page(
            SLOW,
            up,
            change("dep-9", -20, service="payments"),
            call("charge", "payments", 12, caller="shop", service="payments"),
        )
    )
    named = [one for one in found.hypotheses if one.cause.entity == "payments"]
    assert named
    assert all("s-charge" in {text for step in one.path for text in step.evidence} for one in named)


def test_a_path_runs_along_an_arrow_that_was_only_seen() -> None:
    seen_too = (
        Service(name="shop", depends_on=("orders-db", "memo", "payments", "cart")),
        Service(name="cart", depends_on=("stock", "not-on-the-page")),
        Service(name="stock"),
    )
    topology = TOPOLOGY.with_seen(seen_too)
    assert topology.path("stock", "shop") == ("stock", "cart", "shop")
    assert topology.get("orders-db") == TOPOLOGY.get("orders-db")
    cart = topology.get("cart")
    assert cart is not None
    assert cart.depends_on == ("stock",)
