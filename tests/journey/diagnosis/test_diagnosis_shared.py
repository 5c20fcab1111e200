"""Which of two releases, demand or scarcity: told apart by place, time and what is asked."""

from journey.diagnosis.pages import at, change, page, plain_errors, seen, told

from steadyhand.journey.diagnosis.arms import arm
from steadyhand.journey.diagnosis.model import Hypothesis
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.evidence.model import Bearing, Item
from steadyhand.journey.topology import Service, Topology

ROOM = Topology(
    services=(
        Service(name="shop", depends_on=("cart", "stock")),
        Service(name="cart"),
        Service(name="stock"),
    )
)
TEXT = "-SELECT name\n+SELECT name, size"


def _sick(name: str) -> list[Item]:
    return [
        seen("own", "latency", name, 20, shape="step"),
        seen("call", "latency", "shop", 20, shape="step", target=name),
        seen("door", "latency", "shop", 20, shape="step"),
    ]


def _found(*items: Item, likeliest: str = "") -> Hypothesis:
    bearings = tuple(
        Bearing(entity=one, figures={"symptom": 3.0, "unexplained": 3.0, "leaf": 1.0, "residual": 3.0})
        for one in filter(None, [likeliest])
    )
    found = told(page(*items).model_copy(update={"bearings": bearings}), ROOM)
    return found.hypotheses[0]


def test_of_two_services_released_in_one_minute_the_release_of_the_sick_one_is_named() -> None:
    both = [change("dep-1", 0, service="cart", diff=TEXT), change("dep-2", 1, service="stock", diff=TEXT)]
    for name, release in (("cart", "dep-1"), ("stock", "dep-2")):
        first = _found(*both, *_sick(name), likeliest=name)
        assert (first.cause.entity, first.cause.change_id) == (name, release)


def test_a_release_of_the_sick_place_minutes_before_is_not_named_by_its_time_alone() -> None:
    early = change("dep-1", -240, service="cart", diff=TEXT)
    assert _found(early, *_sick("cart"), likeliest="cart").cause.change_id is None


def _arms(*items: Item) -> int:
    release = change("dep-2", 0)
    return arm(release, Scene(page(release, *items), ROOM, DiagnosisRule()))


def test_a_release_is_charged_where_its_version_alone_suffers_and_cleared_where_the_old_one_does() -> None:
    new = seen("new", "errors", "shop", 3, labels="route=/,version=2.1.0")
    old = seen("old", "errors", "shop", 3, labels="app_version=2.0.0")
    assert [_arms(new), _arms(old), _arms(new, old), _arms(*plain_errors())] == [1, -1, -1, 0]


def _busy(asked: str) -> Item:
    return seen(
        "together",
        "resource",
        "shared-host",
        0,
        shape="step",
        metric="cpu of several services",
        services="cart, shop, stock",
        asked_more=asked,
    )


def test_many_busier_services_of_which_no_more_is_asked_share_what_is_scarce() -> None:
    slow = seen("slow", "latency", "shop", 4, shape="step")
    first = _found(_busy("0.00"), slow)
    assert (first.cause.fault_class, first.cause.entity_kind) == ("cpu_starvation", "node")
    assert set(first.blast_radius) == {"shared-host", "cart", "shop", "stock"}


def test_many_busier_services_of_which_more_is_asked_meet_demand() -> None:
    more = [seen("requests", "traffic", "shop", 0, shape="step"), seen("slow", "latency", "shop", 4)]
    assert _found(_busy("1.00"), *more).cause.fault_class == "traffic_surge"


def test_memory_that_climbs_where_nobody_feels_it_is_not_why_users_suffer() -> None:
    leak = seen("rss", "resource", "stock", -60, shape="ramp", metric="process_resident_memory_bytes")
    felt = seen("calls", "latency", "shop", -30, shape="ramp", target="stock")
    alone, together = (told(page(leak, *_sick("cart"), *more), ROOM) for more in ((), (felt,)))
    assert alone.best is None
    assert together.best is not None
    assert together.best.cause.fault_class == "memory_leak"


def test_a_place_fell_sick_when_it_was_felt_and_not_when_its_heap_grew_minutes_before() -> None:
    heap = seen("rss", "resource", "cart", -90, shape="step", metric="process_resident_memory_bytes")
    onset = _found(heap, *_sick("cart"), likeliest="cart").onset
    assert onset is not None
    assert onset.at == at(20)
