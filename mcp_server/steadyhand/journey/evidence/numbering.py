"""Ids that stay: the same finding keeps its id on every page of an incident, and no id is used twice."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from steadyhand.journey.evidence.model import Item, Page

LETTERS = {
    "metric": "m",
    "log": "l",
    "change": "c",
    "database": "d",
    "topology": "t",
    "gap": "g",
    "check": "k",
    "trace": "s",
}
_NEVER = datetime.max.replace(tzinfo=UTC)
_TELLING = {
    "metric": ("signal", "labels"),
    "log": ("template",),
    "change": ("change_id",),
    "database": ("application", "root_application", "table", "columns", "statement"),
    "trace": ("source", "caller", "service", "operation"),
    "topology": ("caller", "callee"),
}
_MOST_KEPT = 60

Identity = tuple[str, ...]


def began(item: Item) -> tuple[datetime, str]:
    """By what items are ordered: their onset, those without one last."""
    return (item.onset.at if item.onset else _NEVER, item.title)


def numbered(items: Sequence[Item], previous: Page | None = None) -> tuple[Item, ...]:
    """The items with their ids, per kind in the order they began; known ones keep what they were called."""
    known = _known(previous)
    last = _last(previous)
    out = []
    for one in sorted(items, key=lambda item: (list(LETTERS).index(item.kind), *began(item))):
        name = next(iter(known[_identity(one)]), "")
        if name:
            known[_identity(one)].remove(name)
        else:
            last[one.kind] += 1
            name = f"{LETTERS[one.kind]}{last[one.kind]}"
        out.append(one.model_copy(update={"id": name}))
    return tuple(out)


def left_behind(items: Sequence[Item], previous: Page | None) -> tuple[Item, ...]:
    """What was on earlier pages and is not seen now; the newest of them, so that a cited id can be opened."""
    names = {one.id for one in items}
    return tuple(one for one in _every(previous) if one.id not in names)[:_MOST_KEPT]


def _every(previous: Page | None) -> tuple[Item, ...]:
    return (*previous.items, *previous.earlier) if previous else ()


def _identity(item: Item) -> Identity:
    """What makes it the same finding although its numbers moved on."""
    told = _TELLING.get(item.kind)
    if told is None:
        return (item.kind, item.entity, item.title)
    return (item.kind, item.role, item.entity, *(item.facts.get(one, "") for one in told))


def _known(previous: Page | None) -> defaultdict[Identity, list[str]]:
    known: defaultdict[Identity, list[str]] = defaultdict(list)
    for one in _every(previous):
        known[_identity(one)].append(one.id)
    return known


def _last(previous: Page | None) -> Counter[str]:
    """The highest number given so far, of each kind."""
    last: Counter[str] = Counter()
    for kind, number in _numbers(_every(previous)):
        last[kind] = max(last[kind], number)
    return last


def _numbers(items: Sequence[Item]) -> Iterator[tuple[str, int]]:
    for one in items:
        if one.id[1:].isdigit():
            yield one.kind, int(one.id[1:])
