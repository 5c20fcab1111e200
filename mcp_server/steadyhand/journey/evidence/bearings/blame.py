"""Where what is lost at the one who alerts arises: it flows down the calls, to each as much as it lost."""

from collections import defaultdict
from collections.abc import Mapping

from steadyhand.journey.evidence.bearings.scene import Scene

_MOST_STEPS = 12


def blame(lost: Mapping[str, float], scene: Scene) -> dict[str, float]:
    """Of each entity the share, 0 to 1, of the loss that arises in it.

    `lost` are requests that failed, or time times requests, beyond calm. Of what comes to an entity its
    callees take as much as they lost of what it lost, and the rest is its own; callees that lost more than
    their caller share it. It starts at who alerts; where nobody knows who does, or nothing is lost there, at
    all who lost something and whose callers did not.
    """
    flow, own = _starts(lost, scene), defaultdict[str, float](float)
    for _ in range(_MOST_STEPS):
        further = defaultdict[str, float](float)
        for name, share in flow.items():
            taken = {one: lost[one] for one in scene.callees(name) if lost.get(one, 0.0) > 0}
            whole = max(lost[name], sum(taken.values()))
            own[name] += share * (1.0 - sum(taken.values()) / whole)
            for one, amount in taken.items():
                further[one] += share * amount / whole
        flow = further
    return dict(own)


def _starts(lost: Mapping[str, float], scene: Scene) -> Mapping[str, float]:
    if lost.get(scene.seen.target, 0.0) > 0:
        return {scene.seen.target: 1.0}
    tops = {name: one for name, one in lost.items() if one > 0 and not _suffers(scene, name, lost)}
    whole = sum(tops.values())
    return {name: one / whole for name, one in tops.items()}


def _suffers(scene: Scene, name: str, lost: Mapping[str, float]) -> bool:
    """Whether one of its callers lost something too."""
    return any(lost.get(one, 0.0) > 0 for one in scene.callers.get(name, ()) if one != name)
