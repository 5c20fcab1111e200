"""What a suspect's signals add up to."""

from collections.abc import Mapping
from dataclasses import dataclass

from steadyhand.journey.diagnosis.culprit import Culprit, find_culprit
from steadyhand.journey.diagnosis.dating import dated
from steadyhand.journey.diagnosis.path import on_the_way, too_early
from steadyhand.journey.diagnosis.scene import Scene, earliest
from steadyhand.journey.diagnosis.signals import SIGNALS, TRAITS
from steadyhand.journey.diagnosis.signals.derived import AFTER_EFFECT, JUST_BEFORE, RAN_WELL, TOUCHES
from steadyhand.journey.diagnosis.signals.logs import warned
from steadyhand.journey.diagnosis.signals.signal import Signal, Trait
from steadyhand.journey.diagnosis.suspect import Mechanism, Suspect
from steadyhand.journey.diagnosis.weights import Weights
from steadyhand.journey.evidence.model import Item, Onset

Seen = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Finding:
    """A suspect weighed: `seen` holds each trait of its mechanism with the evidence that shows it."""

    mechanism: Mechanism
    suspect: Suspect
    seen: Seen
    pairs: Mapping[str, tuple[float, float]]
    culprit: Culprit
    onset: Onset | None
    score: float

    @property
    def supports(self) -> tuple[str, ...]:
        """Ids of the evidence for it, the change to blame included; no effect from before it."""
        change = {self.culprit.change.id} if self.culprit.change else set()
        return tuple(sorted((self._cited(for_it=True) | change) - set(self.seen.get(AFTER_EFFECT.name, ()))))

    @property
    def signs(self) -> tuple[str, ...]:
        """Ids of what speaks for it and is no mere effect."""
        return _own_signs(self.seen, self.pairs, self.mechanism)

    @property
    def contradicts(self) -> tuple[str, ...]:
        """Ids of the evidence that speaks only against it."""
        return tuple(sorted(self._cited(for_it=False) - set(self.supports)))

    def _cited(self, *, for_it: bool) -> set[str]:
        return {
            one for name, found in self.seen.items() if (self.pairs[name][0] > 0) is for_it for one in found
        }


def weigh(mechanism: Mechanism, suspect: Suspect, scene: Scene, weights: Weights) -> Finding:
    """Read all signals of the mechanism off the page, find the culprit, check the order, add up."""
    pairs = weights.pairs(mechanism)
    observed = {name: SIGNALS[name].find(scene, suspect) for name in pairs if name in SIGNALS}
    hints = {name: one.signal.find(scene, suspect) for name, one in mechanism.hints.items()}
    if mechanism.name not in weights.signals:
        observed = {**observed, **hints}
    first, signs = _began(observed, pairs, mechanism, suspect, scene)
    culprit = find_culprit(mechanism, suspect, first, scene, weights)
    onset = dated(earliest(signs) or first, signs, culprit.change)
    derived = _derive(culprit, too_early(suspect, onset, _own_signs(observed, pairs, mechanism), scene))
    seen = {name: found for name, found in {**hints, **observed, **derived}.items() if name in pairs}
    score = weights.prior_of(mechanism.name) + sum(
        _worth(trait_of(name, mechanism), found, pairs[name], scene) for name, found in seen.items()
    )
    if suspect.change is not None:
        score += culprit.weight
    return Finding(mechanism, suspect, seen, pairs, culprit, onset, score)


def trait_of(name: str, mechanism: Mechanism) -> Trait:
    """The trait of this name, of the table or of the mechanism's playbook."""
    hint = mechanism.hints.get(name)
    return hint.signal if hint is not None else TRAITS[name]


def _began(
    observed: Seen,
    pairs: Mapping[str, tuple[float, float]],
    mechanism: Mechanism,
    suspect: Suspect,
    scene: Scene,
) -> tuple[Onset | None, tuple[Item, ...]]:
    """The earliest sign of the fault, which no culprit may follow, and the signs of the cause itself.

    What users suffered tells the onset only where nothing else does. Of a change that is itself the
    suspect all that was suffered on its way is a sign, and what the changed service warned of for the first
    time; not what was fuller at one stroke, for a job of its own fills a pool too.
    """
    signs = {name: found for name, found in observed.items() if pairs[name][0] > 0}
    causes = {name: found for name, found in signs.items() if not _is_effect(name, mechanism)}
    harm = _suffered(suspect, scene) if suspect.change else ()
    every = (*_items(signs, scene), *harm)
    return earliest(every), every if suspect.change else _items(causes, scene)


def _suffered(change: Suspect, scene: Scene) -> tuple[Item, ...]:
    way = on_the_way(change, scene)
    harm = (one for one in way if one.role != "saturation" or one.facts.get("shape") == "ramp")
    held = (one for one in scene.shown("idle_in_transaction") if _holds(change.entity, one))
    return (*harm, *held, *warned(change.entity, scene))


def _holds(name: str, idle: Item) -> bool:
    return idle.facts.get("application") == name


def _items(seen: Seen, scene: Scene) -> tuple[Item, ...]:
    cited = {one for found in seen.values() for one in found}
    return tuple(one for one in scene.page.items if one.id in cited)


def _is_effect(name: str, mechanism: Mechanism) -> bool:
    trait = trait_of(name, mechanism)
    return isinstance(trait, Signal) and trait.effect


def _own_signs(
    observed: Seen, pairs: Mapping[str, tuple[float, float]], mechanism: Mechanism
) -> tuple[str, ...]:
    """Ids of what speaks for it and is no mere effect."""
    return tuple(
        one
        for name, found in observed.items()
        if pairs[name][0] > 0 and not _is_effect(name, mechanism)
        for one in found
    )


def _derive(culprit: Culprit, early: tuple[str, ...]) -> Seen:
    change = (culprit.change.id,) if culprit.change else ()
    return {
        JUST_BEFORE.name: change if culprit.just_before else (),
        RAN_WELL.name: change if culprit.ran_well else (),
        TOUCHES.name: change if culprit.touches else (),
        AFTER_EFFECT.name: early,
    }


def _worth(trait: Trait, found: tuple[str, ...], pair: tuple[float, float], scene: Scene) -> float:
    present, absent = pair
    if found:
        return present
    return absent if scene.looked(trait.seen_in) else 0.0
