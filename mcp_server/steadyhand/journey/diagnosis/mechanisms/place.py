"""A fault of which only the place is known: the learned ranker points at it."""

from steadyhand.journey.diagnosis.model import Check, EntityKind
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.diagnosis.suspect import Mechanism, Suspect
from steadyhand.journey.topology import Kind

PLACE = "service_fault"
_KINDS: dict[Kind | None, EntityKind] = {
    "database": "database",
    "cache": "cache",
    "third_party": "third_party",
    "node": "node",
}


_MOST = 5


def kind_of(name: str, scene: Scene) -> EntityKind:
    """What this entity is, as a cause names it."""
    return _KINDS.get(scene.kind(name), "service")


def _places(scene: Scene) -> tuple[Suspect, ...]:
    """The few likeliest entities."""
    likeliest = sorted(scene.places, key=lambda name: (-scene.places[name], name))[:_MOST]
    return tuple(Suspect(entity=name, kind=kind_of(name, scene)) for name in sorted(likeliest))


MECHANISMS = (
    Mechanism(
        name=PLACE,
        suspects=_places,
        claim="Something in {entity} itself is wrong: it departs from calm more than its neighbours explain. "
        "The way it breaks is none of those known.",
        checks=(
            Check(
                name="the place against its neighbours",
                tool="query_metrics",
                query="latency and errors of {entity}, and of what it calls",
                role=("latency", "errors", "up"),
                look_at="latency and errors of {entity} as it sees them and as its callers do",
                expect_if_true="{entity} is slow or fails by itself while all it calls is well",
                expect_if_false="what {entity} calls is slow or fails in the same measure",
            ),
        ),
        brought_by=frozenset({"code", "config", "flag", "migration", "scaling"}),
    ),
)
