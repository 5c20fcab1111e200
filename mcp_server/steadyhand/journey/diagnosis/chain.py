"""A caused B caused C: what is shown of each step, its order and its edge."""

from collections.abc import Iterator, Sequence
from typing import Literal

from steadyhand.journey.diagnosis.model import Hypothesis, Step
from steadyhand.journey.diagnosis.scene import Scene, earliest, ids, speaks_of, surely_before
from steadyhand.journey.evidence.model import Item, Onset
from steadyhand.journey.rule import Value

Order = Literal["ok", "not shown", "against"]
Edge = Literal["ok", "unknown"]


class Link(Value):
    """One step of a causal path as the evidence and the topology see it.

    `order` is ok when the source surely bent first, against when it surely bent after its effect, and not
    shown when the onsets overlap or one is missing. `edge` is ok when the topology, a measured call or the
    change's own service joins the two.
    """

    source: str
    target: str
    order: Order
    edge: Edge
    why: str = ""

    @property
    def words(self) -> str:
        """The step in one line."""
        why = f" ({self.why})" if self.why else ""
        return f"{self.source} -> {self.target}: order {self.order}{why}, edge {self.edge}"


def links(one: Hypothesis, scene: Scene) -> tuple[Link, ...]:
    """Every step of the hypothesis's path, looked at by what it cites for itself.

    What it owns up to as speaking against it excuses single signs, not a source of which nothing else is
    shown: there the order is judged by them.
    """
    cited = {*one.supports, *(text for step in one.path for text in step.evidence)}
    against = [item for item in scene.page.items if item.id in one.contradicts]
    items = [item for item in scene.page.items if item.id in cited and item not in against]
    return tuple(_link(step, items, against, scene, one) for step in one.path)


def out_of_order(one: Hypothesis, scene: Scene) -> tuple[str, ...]:
    """Ids cited on its path that speak against it: from before its onset, or later than what they led to."""
    cited = {text for step in one.path for text in step.evidence}
    items = [item for item in scene.page.items if item.id in cited and item.role != "change"]
    onset = one.onset
    early = [item for item in items if onset is not None and surely_before(item, onset, scene.rule)]
    rest = [item for item in items if item not in early]
    passed_on = [step for step in one.path if step.source != one.cause.entity]
    return ids([*early, *(item for step in passed_on for item in _later(step, rest, scene))])


def in_order(one: Hypothesis, scene: Scene) -> Hypothesis:
    """The hypothesis without those on its path who surely came after what they would have led to.

    Whoever stands before them leads on to whoever stands after them.
    """
    for index, (step, link) in enumerate(zip(one.path, links(one, scene), strict=True)):
        if index and link.order == "against" and step.source != one.cause.entity:
            path = (*one.path[: index - 1], _joined(one, index), *one.path[index + 1 :])
            return in_order(one.model_copy(update={"path": path}), scene)
    return one


def _joined(one: Hypothesis, index: int) -> Step:
    before, after = one.path[index - 1 : index + 1]
    cited = (set(before.evidence) - set(one.contradicts)) | set(after.evidence)
    return Step(source=before.source, target=after.target, evidence=tuple(sorted(cited)))


def _later(step: Step, items: Sequence[Item], scene: Scene) -> Iterator[Item]:
    """Signs of a step's source that surely came after its target's."""
    effect = _began(step.target, items)
    signs = [one for one in items if speaks_of(one, step.source) and not speaks_of(one, step.target)]
    return (one for one in signs if _order(one.onset, effect, step, scene)[0] == "against")


def _link(step: Step, items: Sequence[Item], against: Sequence[Item], scene: Scene, one: Hypothesis) -> Link:
    source = one.onset if step.source == one.cause.entity else None
    began = source or _began(step.source, _signs(step.source, items) or against)
    order, why = _order(began, _began(step.target, items), step, scene)
    edge: Edge = "ok" if any(_joins(step, scene)) else "unknown"
    return Link(source=step.source, target=step.target, order=order, edge=edge, why=why)


def _began(name: str, items: Sequence[Item]) -> Onset | None:
    """When a thing first showed something; a change is found by its id, all else by what speaks of it.

    None where a sign has no date: it may be the first.
    """
    signs = _signs(name, items)
    return None if any(one.onset is None for one in signs) else earliest(signs)


def _signs(name: str, items: Sequence[Item]) -> list[Item]:
    named = [one for one in items if one.role == "change" and name in (one.id, one.facts.get("change_id"))]
    return named or [one for one in items if one.role != "change" and speaks_of(one, name)]


def _order(source: Onset | None, target: Onset | None, step: Step, scene: Scene) -> tuple[Order, str]:
    if step.source == step.target:
        return "ok", ""
    if source is None or target is None:
        unknown = step.source if source is None else step.target
        return "not shown", f"no onset of {unknown} is known from what is cited"
    late = (source.lo - target.hi).total_seconds()
    if late > max(scene.rule.onset_allowance, scene.rule.clock_allowance).total_seconds():
        return "against", f"{step.source} began {late:.0f} s after {step.target}"
    return ("ok", "") if source.hi <= target.lo else ("not shown", "their onsets overlap")


def _joins(step: Step, scene: Scene) -> Iterator[bool]:
    yield step.source == step.target
    for one in scene.known("change"):
        if step.source in (one.id, one.facts.get("change_id")):
            yield one.entity == step.target or step.target in _neighbours(one.entity, scene)
    yield step.target in _neighbours(step.source, scene)
    ends = {step.source, step.target}
    yield any({one.entity, one.facts.get("target", "")} == ends for one in scene.page.items)


def _neighbours(name: str, scene: Scene) -> set[str]:
    """Whom it calls and who calls it: damage flows up a call, and load flows down it."""
    known = scene.topology.get(name)
    return {*(known.depends_on if known else ()), *scene.topology.callers(name)}
