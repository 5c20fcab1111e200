"""From the cause to the alert: each step with its evidence, and whether its order holds."""

from itertools import pairwise

from steadyhand.journey.diagnosis.model import Step
from steadyhand.journey.diagnosis.scene import HARM, Scene, ids, is_own, surely_before
from steadyhand.journey.diagnosis.suspect import Suspect
from steadyhand.journey.evidence.model import Item, Onset
from steadyhand.journey.seen import service_name


def trace(suspect: Suspect, change: Item | None, supports: tuple[str, ...], scene: Scene) -> tuple[Step, ...]:
    """The steps to the alerting service: the first cites the cause's own signs, each what its target suffers.

    It starts at the change that is to blame, or at the cause itself.
    """
    way = route(suspect.entity, scene)
    if change is not None:
        way = (change.facts.get("change_id", change.id), *way)
        supports = (*supports, change.id)
    elif len(way) == 1:
        way = (*way, *way)
    first, *rest = (
        Step(
            source=source,
            target=target,
            evidence=ids((*suffering(target, scene), *calls(target, source, scene))),
        )
        for source, target in pairwise(way)
    )
    cited = tuple(sorted({*supports, *first.evidence}))
    return (first.model_copy(update={"evidence": cited}), *rest)


def route(cause: str, scene: Scene) -> tuple[str, ...]:
    """Names from the cause to the alerting service, by the topology or, where it knows no way, direct."""
    known = scene.topology.path(cause, scene.page.service)
    return known or (cause, scene.page.service)


def suffering(name: str, scene: Scene) -> tuple[Item, ...]:
    """How one entity shows that it suffers."""
    return tuple(one for one in scene.shown(*HARM, about=name) if is_own(one))


def _shown(source: str, target: str, scene: Scene) -> tuple[str, ...]:
    """Ids of what the target suffers, and of how its calls to the source changed."""
    return ids((*suffering(target, scene), *calls(target, source, scene)))


def calls(caller: str, callee: str, scene: Scene) -> tuple[Item, ...]:
    """What traces show of the calls from one to the other: how the damage came up this arrow."""
    ends = (
        (one, service_name(one.facts.get("peer") or one.facts.get("service", "")))
        for one in scene.known("call")
    )
    return tuple(
        one for one, asked in ends if asked == callee and service_name(_asking(one)) == caller != callee
    )


def _asking(call: Item) -> str:
    """Who makes the call: of one that leaves what is traced, the traced service itself."""
    return call.facts.get("service" if call.facts.get("peer") else "caller", "") or "unnamed"


def on_the_way(suspect: Suspect, scene: Scene) -> tuple[Item, ...]:
    """How everybody from the cause to the alerting service suffers."""
    return tuple(one for name in route(suspect.entity, scene) for one in suffering(name, scene))


def too_early(suspect: Suspect, onset: Onset | None, signs: tuple[str, ...], scene: Scene) -> tuple[str, ...]:
    """Effects on the way that were surely there before the cause; they contradict it.

    `signs` are the cause's own and no effects of it.
    """
    if onset is None:
        return ()
    before = (one for one in on_the_way(suspect, scene) if surely_before(one, onset, scene.rule))
    return ids(one for one in before if one.id not in signs)


def blast_radius(suspect: Suspect, scene: Scene) -> tuple[str, ...]:
    """The cause and everybody who depends on it, directly or not; the alerting service among them."""
    reached = [suspect.entity, *filter(None, suspect.facts.get("services", "").split(", "))]
    for name in reached:
        reached.extend(one for one in scene.topology.callers(name) if one not in reached)
    return tuple(dict.fromkeys((*reached, scene.page.service)))
