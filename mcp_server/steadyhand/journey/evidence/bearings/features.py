"""The figures of each entity that the ranker weighs; none of them knows a name."""

from collections import defaultdict

from steadyhand.journey.evidence.bearings.calls import Traffic
from steadyhand.journey.evidence.bearings.health import accounts, health, place
from steadyhand.journey.evidence.bearings.messages import messages, totals
from steadyhand.journey.evidence.bearings.observed import Observed, Said
from steadyhand.journey.evidence.bearings.scene import Figures, Scene


def figures(seen: Observed) -> dict[str, Figures]:
    """The figures of every entity of one incident."""
    return of_entities(Scene(seen))


def of_entities(scene: Scene) -> dict[str, Figures]:
    """The same, of a scene that is at hand."""
    seen = scene.seen
    said = _by_entity(seen)
    traffic, lost, every = Traffic(scene), accounts(scene), totals(seen.said)
    return {
        name: {
            **health(name, scene),
            **place(name, scene),
            **lost[name],
            **traffic.figures(name),
            **messages(said.get(name, []), every),
        }
        for name in seen.entities
    }


def _by_entity(seen: Observed) -> dict[str, list[Said]]:
    found: dict[str, list[Said]] = defaultdict(list)
    for one in seen.said:
        found[one.entity].append(one)
    return found
