"""Topology evidence: where what was seen to call what, and what the configuration says, are not the same."""

from collections.abc import Sequence

from steadyhand.journey.evidence.desk import Desk, Part
from steadyhand.journey.evidence.model import Item
from steadyhand.journey.seen import Conflict

_MOST = 3


def topology_part(conflicts: Sequence[Conflict], desk: Desk) -> Part:
    """What differs around the alerting service: no sign of a fault, but its path may be written nowhere."""
    near = {*desk.topology.neighbourhood(desk.service)}
    mine = [one for one in conflicts if {one.caller, one.callee} & near]
    items = tuple(_item(one, desk) for one in mine[:_MOST])
    return Part(items, f"{len(mine)} arrows around {desk.service} differ, {len(items)} shown")


def _item(conflict: Conflict, desk: Desk) -> Item:
    facts = {"caller": conflict.caller, "callee": conflict.callee}
    return Item(
        id="",
        kind="topology",
        entity=conflict.caller if desk.topology.get(conflict.caller) else desk.service,
        title=desk.masker.text(f"config and sight differ: {conflict.words}", 300),
        facts={key: desk.masker.text(name, 100) for key, name in facts.items() if name},
    )
