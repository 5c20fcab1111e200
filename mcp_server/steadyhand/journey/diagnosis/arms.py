"""Old version beside new under the same traffic: what tells most surely whether a release is guilty."""

import re

from steadyhand.journey.diagnosis.scene import HARM, Scene
from steadyhand.journey.evidence.model import Item

_LABEL = re.compile(r"(?:^|,)(?:\w*_)?version=([^,]*)")


def arm(change: Item, scene: Scene) -> int:
    """1: only the version this change brought suffers; -1: the one before it suffers too; 0: nobody knows.

    It is known where series carry a label such as `version` or `app_version`.
    """
    brought, before = change.facts.get("version", ""), change.facts.get("previous", "")
    if not brought or not before or brought == before:
        return 0
    sick = {_version(one) for one in scene.shown(*HARM) if one.entity == change.entity}
    if before in sick:
        return -1
    return 1 if brought in sick else 0


def _version(item: Item) -> str:
    found = _LABEL.search(item.facts.get("labels", ""))
    return found[1] if found else ""
