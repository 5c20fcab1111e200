"""A check put to this incident: names filled in, and the series it looks at as a query that can be asked."""

import re
from collections.abc import Mapping

from steadyhand.journey.diagnosis.model import Cause, Check
from steadyhand.journey.diagnosis.scene import Scene, is_own
from steadyhand.journey.evidence.model import Item

_QUERY = 300
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_PLAIN = re.compile(r"[^\s\"{},…]+")


class Words(dict[str, str]):
    """What the templates of claims and checks are filled with; what is not known says so."""

    def __missing__(self, key: str) -> str:
        """The place of a fact that nobody knows."""
        return f"an unknown {key}"


def words_of(cause: Cause, scene: Scene) -> Words:
    """The facts of the cause, its name, and the database it stands on."""
    return Words({"database": _database(cause.entity, scene)} | cause.facts | {"entity": cause.entity})


def ask(check: Check, words: Mapping[str, str], scene: Scene) -> Check:
    """The check with every place filled; a metric check asks for the very series the page shows."""
    told = check.model_dump(exclude={"tool", "role"})
    filled = check.model_copy(update={key: text.format_map(words) for key, text in told.items()})
    query = _series(filled, words["entity"], scene) if check.tool == "query_metrics" else ""
    return filled.model_copy(update={"query": query}) if query else filled


def promql(item: Item, scene: Scene) -> str:
    """PromQL that draws the item; empty where its name does not tell how it was made."""
    how, _, name = item.facts.get("signal", "").rpartition(" of ")
    chosen = _selector(item, scene)
    if chosen is None or not _NAME.fullmatch(name):
        return ""
    match how:
        case "":
            return f"{name}{chosen}"
        case "rate":
            return f"sum(rate({name}{chosen}[1m]))"
        case "p95":
            return f"histogram_quantile(0.95, sum by (le) (rate({name}_bucket{chosen}[1m])))"
        case "mean":
            return f"sum(rate({name}_sum{chosen}[1m])) / sum(rate({name}_count{chosen}[1m]))"
        case _:  # of a share the page does not keep which label told failures
            return ""


def _series(check: Check, entity: str, scene: Scene) -> str:
    """The series of the check's roles that moved most; its own and what has a limit come first."""
    shown = (one for one in scene.page.items if one.kind == "metric" and one.role in check.role)
    about = (one for one in shown if entity in (one.entity, one.facts.get("target")))
    ordered = sorted(about, key=lambda one: (check.role.index(one.role), *_rank(one)))
    return next((text for one in ordered if (text := promql(one, scene)) and len(text) <= _QUERY), "")


def _rank(item: Item) -> tuple[bool, bool, float]:
    return not is_own(item), "limit" not in item.facts, -item.strength


def _selector(item: Item, scene: Scene) -> str | None:
    """Labels that find the series again: those by which its owner's are found, and its own."""
    owner = scene.topology.get(item.entity)
    by_owner = (owner.metrics[0] if owner and owner.metrics else "").strip()
    if by_owner and not (by_owner.startswith("{") and by_owner.endswith("}")):
        by_owner = ""
    pairs = [one.partition("=") for one in item.facts.get("labels", "").split(",") if one]
    if any(not _NAME.fullmatch(name) or not _PLAIN.fullmatch(value) for name, _, value in pairs):
        return None
    own = (f'{name}="{value}"' for name, _, value in pairs)
    every = ",".join(one for one in (by_owner.strip("{}"), *own) if one)
    return f"{{{every}}}" if every else ""


def _database(entity: str, scene: Scene) -> str:
    """The databases it is or stands on, else those of its callers, else all that are near."""
    if scene.kind(entity) == "database":
        return entity
    for users in ((entity,), scene.topology.callers(entity)):
        if names := [name for one in users for name in _needs(one, scene)]:
            return " or ".join(dict.fromkeys(names))
    return " or ".join(scene.of_kind("database")) or "the database"


def _needs(name: str, scene: Scene) -> tuple[str, ...]:
    known = scene.topology.get(name)
    return tuple(one for one in (known.depends_on if known else ()) if scene.kind(one) == "database")
