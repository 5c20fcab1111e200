"""Who calls whom, as the bearings ask about it."""

from collections.abc import Mapping


def reachable(start: str, arrows: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """All that can be reached along the arrows, with the number of steps; the start itself at 0."""
    steps, queue = {start: 0}, [start]
    for name in queue:
        for other in arrows.get(name, ()):
            if other not in steps:
                steps[other] = steps[name] + 1
                queue.append(other)
    return steps


def reversed_arrows(arrows: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The same arrows the other way round."""
    found: dict[str, tuple[str, ...]] = {}
    for source, targets in arrows.items():
        for target in targets:
            found[target] = (*found.get(target, ()), source)
    return found


def walked(start: str, arrows: Mapping[str, tuple[str, ...]], sick: set[str]) -> set[str]:
    """The sick ends of the walk from the start over sick neighbours: sick, with no sick callee beyond."""
    seen, queue, ends = {start}, [start], set()
    for name in queue:
        further = [one for one in arrows.get(name, ()) if one in sick and one != name]
        if not further and name in sick:
            ends.add(name)
        fresh = [one for one in further if one not in seen]
        seen.update(fresh)
        queue.extend(fresh)
    return ends
