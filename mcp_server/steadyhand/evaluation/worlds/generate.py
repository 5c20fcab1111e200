"""Cases from a seed: named faults, traps, further faults and fault-free windows, in four difficulties."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from steadyhand.adapters.traces.otlp import Export, spans_of
from steadyhand.evaluation.case import Case, Held, Inputs, Truth
from steadyhand.evaluation.held import HeldTraces
from steadyhand.evaluation.worlds.course import CALM, STEPS, Course
from steadyhand.evaluation.worlds.emit import START, at, change_of, lines, reports, series
from steadyhand.evaluation.worlds.further import FURTHER
from steadyhand.evaluation.worlds.shape import build
from steadyhand.evaluation.worlds.spans import exported
from steadyhand.evaluation.worlds.story import FAMILIES, ONSET, Story, bystanders, loud
from steadyhand.evaluation.worlds.traps import EVERY_TRAP, TRAPS
from steadyhand.evaluation.worlds.twins import TWINS
from steadyhand.journey.evidence.bearings.observed import Gauge
from steadyhand.journey.evidence.bearings.taken import gauges_of
from steadyhand.journey.evidence.grid import grid_for
from steadyhand.journey.evidence.model import Series, Span, Window
from steadyhand.journey.evidence.page import assemble
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.series import signals

HEALTHY = "fault-free"
VERSION = 2
"""Of the worlds: figures of the same seeds of another version are of other worlds."""
_TRACES = EvidenceRule().max_traces
_STRENGTHS = (1.0, 0.6, 0.35, 0.22)
_NOISE = (0.6, 1.0, 1.3, 1.6)
_DECOYS = (0, 1, 2, 3)
_FLAGS = (0, 1, 1, 2)  # innocent ones that are turned on
_TRACED = (2, 2, 2, 1)  # requests sampled of each step
_BYSTANDERS = (1, 2, 3, 4)
_HIDDEN = (0.0, 0.0, 0.1, 0.2)  # of the series are not collected, of the services not traced
_FEWEST_STEPS = 3  # after the onset before an alert can fire


@dataclass(frozen=True)
class Plan:
    """Which world: its seed, what happens in it, how hard it is (1 to 4), and which of two twins."""

    seed: int
    kind: str
    level: int
    side: int | None = None

    @cached_property
    def story(self) -> Story:
        """The world, with its fault in it."""
        chance = Random(f"{self.seed}/{self.kind}/{self.level}")
        course = Course(build(chance), chance, _NOISE[self.level - 1])
        story = Story(course, chance, _STRENGTHS[self.level - 1], ONSET + chance.randint(0, 20))
        happen = self._happening
        if happen is not None:
            happen(story)
        if self.side is not None:  # from here on both twins draw the same again
            story.chance = chance = Random(f"{self.seed}/{self.kind}/{self.level}/beside")
        elif happen is not None:
            loud(story)
        bystanders(story, _BYSTANDERS[self.level - 1])
        for _ in range(_DECOYS[self.level - 1]):
            story.decoy(story.onset - chance.uniform(3, 120))
        for _ in range(_FLAGS[self.level - 1]):
            story.turned(story.onset - chance.uniform(0.5, 120))
        story.name_deploys()
        course.travel()
        if story.calls_back:
            one, other = story.calls_back
            course.world.calls[one] = (*course.world.calls[one], other)
        return story

    @property
    def _happening(self) -> Callable[[Story], None] | None:
        if self.side is not None:
            return TWINS[self.kind].other if self.side else TWINS[self.kind].one
        return FAMILIES.get(self.kind) or EVERY_TRAP.get(self.kind) or FURTHER.get(self.kind)

    @cached_property
    def until(self) -> int:
        """The last step a diagnosis sees: the alert's own, and one more."""
        story = self.story
        if self.side is not None and story.component is None:  # it is seen as long as its sick twin
            return Plan(self.seed, self.kind, self.level, 1 - self.side).until
        return min(story.course.alert_at(story.onset + _FEWEST_STEPS) + 1, STEPS - 1)

    def look(self) -> Inputs:
        """What may be seen."""
        story, until, held = self.story, self.until, self.held()
        window = Window(start=START, end=at(until + 0.5))
        baseline, since = Window(start=START, end=at(CALM)), Window(start=at(CALM), end=window.end)
        page = assemble(
            incident="case",
            service=story.world.front,
            window=window,
            baseline=baseline,
            topology=story.world.topology,
            lines=held.lines,
            series=held.series,
            changes=held.changes,
            databases=held.databases,
            traced=HeldTraces(held.spans).traced(baseline, since, _TRACES),
            alert_at=at(until),
        )

        def gauges() -> tuple[Gauge, ...]:
            return _gauges(held.series, window, baseline, story)

        # lines are drawn from the world's own dice: a fresh world draws the same, and nothing is kept
        return Inputs(
            page, story.world.topology, gauges, Plan(self.seed, self.kind, self.level, self.side).held
        )

    def held(self) -> Held:
        """All that can be asked of this world up to the alert."""
        story, until = self.story, self.until
        chance = Random(f"{self.seed}/{self.kind}/hidden")
        known = series(story, until)
        looked = self.level < len(_STRENGTHS) or self.seed % 2
        return Held(
            lines=tuple(lines(story, until)),
            series=tuple(one for one in known if chance.random() >= _HIDDEN[self.level - 1]),
            changes=tuple(change_of(one) for one in story.deploys if one.at <= until),
            databases=tuple(reports(story, until)) if looked else (),
            spans=tuple(self._spans()),
        )

    def _spans(self) -> Iterator[Span]:
        """Its sampled traces, read back from what the collector would have written."""
        story, level = self.story, self.level - 1
        chance = Random(f"{self.seed}/{self.kind}/spans")
        others = story.world.services[1:]
        dark = frozenset(one for one in others if chance.random() < _HIDDEN[level])
        for line in exported(story, self.until, chance, _TRACED[level], dark):
            yield from spans_of(Export.model_validate_json(line).resources)

    def reveal(self) -> Truth:
        """What is true."""
        story = self.story
        guilty = frozenset(one.id for one in story.deploys if one.guilty)
        return Truth(
            component=story.component,
            family=self.kind,
            fault_class=story.fault_class,
            changes=guilty if story.component is not None else None,
            onset=at(story.onset).timestamp() if story.component is not None else None,
            decoys=frozenset(one.id for one in story.deploys if not one.guilty),
            equally=story.equally,
            twin="" if self.side is None else f"{self.kind} {self.seed}",
        )


def _gauges(known: Sequence[Series], window: Window, baseline: Window, story: Story) -> tuple[Gauge, ...]:
    grid = grid_for(known, window)
    topology = story.world.topology
    return tuple(gauges_of(signals(known, grid, topology, story.world.front), topology, baseline))


def plans(many: int, seed: int) -> Iterator[Plan]:
    """So many worlds: of seven three of the six families, two traps, a further fault, a fault-free one.

    Each kind comes in all four difficulties before one comes twice.
    """
    families, traps, further = list(FAMILIES), list(TRAPS), list(FURTHER)
    for number in range(many):
        turn, place = divmod(number, 7)
        if place < 3:  # noqa: PLR2004 - the first three are of the named families
            yield Plan(seed + number, families[(turn * 3 + place) % len(families)], 1 + (turn // 2) % 4)
        elif place < 5:  # noqa: PLR2004 - then two traps
            yield Plan(seed + number, traps[(turn * 2 + place - 3) % len(traps)], 1 + (turn // 7) % 4)
        else:
            kind = further[turn % len(further)] if place == 5 else HEALTHY  # noqa: PLR2004 - the last but one
            yield Plan(seed + number, kind, 1 + turn % 4)


def trap_plans(many: int, seed: int) -> Iterator[Plan]:
    """So many traps, each kind in turn, in all four difficulties."""
    for number in range(many):
        turn, place = divmod(number, len(EVERY_TRAP))
        yield Plan(seed + number, list(EVERY_TRAP)[place], 1 + turn % 4)


def twin_plans(many: int, seed: int) -> Iterator[Plan]:
    """So many pairs, each kind in turn, in all four difficulties; the sides of a pair follow each other."""
    for number in range(many):
        turn, place = divmod(number, len(TWINS))
        for side in (0, 1):
            yield Plan(seed + number, list(TWINS)[place], 1 + turn % 4, side)


DRAWN: Mapping[str, Callable[[int, int], Iterator[Plan]]] = {
    "generated": plans,
    "traps": trap_plans,
    "twins": twin_plans,
}
"""How worlds can be asked for. The worlds of one word are never those of another, whatever the seed."""


def generated(many: int, seed: int, drawn: str = "generated") -> tuple[Case, ...]:
    """The cases of so many worlds or pairs; the same seed gives the same ones. Steps are of 10 s."""
    return tuple(
        Case(_name(one), _system(one, drawn), one.look, one.reveal) for one in DRAWN[drawn](many, seed)
    )


def _name(plan: Plan) -> str:
    side = "" if plan.side is None else "ab"[plan.side]
    return f"{plan.kind.replace(' ', '-')}-{plan.level}-{plan.seed}{side}"


def _system(plan: Plan, drawn: str) -> str:
    if plan.side is not None:
        return "twins"
    if drawn == "traps":
        return "causal traps"
    if plan.kind in FAMILIES:
        return "generated"
    rest = "further" if plan.kind in FURTHER else "fault-free"
    return f"generated {'traps' if plan.kind in TRAPS else rest}"
