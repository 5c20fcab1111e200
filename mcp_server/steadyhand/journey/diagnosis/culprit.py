"""Which change brought a fault, if one did."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from steadyhand.journey.diagnosis.arms import arm
from steadyhand.journey.diagnosis.model import RuledOut
from steadyhand.journey.diagnosis.naming import TELLING, another_is_named, words
from steadyhand.journey.diagnosis.scene import Scene, earliest, number, started
from steadyhand.journey.diagnosis.suspect import Mechanism, Suspect
from steadyhand.journey.diagnosis.weights import CulpritWeights, Weights
from steadyhand.journey.evidence.model import Item, Onset

_JUST_BEFORE = timedelta(minutes=2)
_PROVEN = timedelta(seconds=15)
_FADE = timedelta(minutes=10)
_AT_ONCE = timedelta(minutes=1)
_LOOSE = 0.2  # a shared word is less than the broken thing's name
_WEAK = "its time and text speak less for it than for another explanation"
_CUT_OFF = 380  # the page shows about 400 characters of a text: a longer one was not read whole


@dataclass(frozen=True)
class Culprit:
    """The change most likely to blame, or none, and why the others are not."""

    change: Item | None = None
    weight: float = 0.0
    just_before: bool = False
    ran_well: bool = False
    touches: bool = False
    innocent: tuple[RuledOut, ...] = ()


@dataclass(frozen=True)
class _Charge:
    change: Item
    began: datetime
    weight: float
    match: float
    unnamed: bool


def find_culprit(
    mechanism: Mechanism, suspect: Suspect, first: Onset | None, scene: Scene, weights: Weights
) -> Culprit:
    """The change that can have brought this and has the most traits of it, unless none is likelier.

    A change after `first`, the earliest sign of the fault, is never blamed, whatever its text says.
    """
    changes = sorted(_suspected(suspect, scene), key=lambda one: one.id)
    alibis = {one.id: alibi(one, mechanism, suspect, first, scene) for one in changes}
    charges = [
        _charge(one, mechanism, suspect, first, scene, weights.culprit)
        for one in changes
        if first is not None and not alibis[one.id]
    ]
    worst = max(charges, key=lambda one: (one.weight, one.began, one.change.id), default=None)
    if worst is not None and worst.weight < weights.innocence(mechanism.name):
        worst = None
    innocent = tuple(
        RuledOut(
            what=_name(one), why=alibis[one.id] or _less(one, charges, worst, suspect), evidence=(one.id,)
        )
        for one in changes
        if worst is None or one is not worst.change
    )
    if worst is None or first is None:
        return Culprit(innocent=innocent)
    return Culprit(
        change=worst.change,
        weight=worst.weight,
        just_before=first.at - worst.began <= _JUST_BEFORE,
        ran_well=_ran_well(worst, first),
        touches=worst.match > 0,
        innocent=innocent,
    )


def _less(change: Item, charges: Sequence[_Charge], worst: _Charge | None, suspect: Suspect) -> str:
    """Why a change that could have brought it is believed less: what it lacks, and which has more."""
    own = next((one for one in charges if one.change is change), None)
    match = own.match if own else 0.0
    reasons = (
        (own is not None and own.unnamed, "the errors name another change and not this one"),
        (change.entity != suspect.entity, f"it changed {change.entity} and not {suspect.entity}"),
        (_changed_nothing(change), "it put the same version in place again"),
        (match == 0, "its text names nothing that broke"),
        (worst is not None and worst.match > match, "another's text names more of it"),
    )
    return "; ".join(why for holds, why in reasons if holds) or _WEAK


def _ran_well(charge: _Charge, first: Onset) -> bool:
    """Whether it was in place and nothing moved for a while; unknown while it is under way."""
    known = "took_s" in charge.change.facts
    return known and first.lo > charge.began + timedelta(seconds=number(charge.change, "took_s")) + _PROVEN


def _suspected(suspect: Suspect, scene: Scene) -> tuple[Item, ...]:
    """All changes, or the one that is the suspect itself."""
    return tuple(one for one in scene.known("change") if suspect.change in {None, one.id})


def alibi(change: Item, mechanism: Mechanism, suspect: Suspect, first: Onset | None, scene: Scene) -> str:
    """Why this change cannot have brought the fault; empty if it can."""
    began = started(change)
    if first is None or began is None:
        return "no sign of this has a date, so nothing can be said to have brought it"
    if began > first.hi + scene.rule.clock_allowance:
        return f"it began {(began - first.at).total_seconds():.0f} s after the first sign"
    if began < first.at - scene.rule.lookback:
        return "it is too old"
    if change.facts.get("change_kind") not in mechanism.brought_by:
        return f"a change of kind {change.facts.get('change_kind', 'unknown')} does not bring this"
    if change.entity not in _within_reach(suspect, scene):
        return f"{change.entity} is not on the way from the cause to the alert"
    return ""


def _within_reach(suspect: Suspect, scene: Scene) -> set[str]:
    """Where a change can bring this; a change that is itself the suspect must have a way to the alert."""
    way = scene.topology.path(suspect.entity, scene.page.service)
    sick = () if suspect.change else (suspect.entity,)
    return {scene.page.service, *sick, *way, *scene.topology.callers(suspect.entity)}


def _charge(
    change: Item,
    mechanism: Mechanism,
    suspect: Suspect,
    first: Onset,
    scene: Scene,
    weights: CulpritWeights,
) -> _Charge:
    began = started(change)
    assert began is not None
    match = _match(change, mechanism, suspect, scene)
    gap = max(first.at - began, timedelta())
    weight = weights.near * math.exp(-gap / _FADE) + match * weights.touches
    if change.entity == suspect.entity:
        weight += weights.own
        sick = _own_first(suspect, first, scene)
        new = not _changed_nothing(change)
        weight += weights.at_once if new and sick and _at_once(change, began, sick) else 0.0
    weight += weights.arm * arm(change, scene)
    weight += weights.misses if match == 0 and _can_miss(change, mechanism, suspect) else 0.0
    weight += weights.idle if _changed_nothing(change) else 0.0
    unnamed = another_is_named(change, first, scene)
    weight += weights.unnamed if unnamed else 0.0
    return _Charge(change=change, began=began, weight=weight, match=match, unnamed=unnamed)


def _own_first(suspect: Suspect, first: Onset, scene: Scene) -> Onset | None:
    """When the suspect itself fell sick; of a change, what it changed, if it did at all."""
    if suspect.change is None:
        return first
    return earliest(one for one in scene.symptoms if one.entity == suspect.entity)


def _at_once(change: Item, began: datetime, first: Onset) -> bool:
    """Whether the first sign came while it was under way or right after: of all else released, only there."""
    return first.lo <= began + timedelta(seconds=number(change, "took_s")) + _AT_ONCE


def _match(change: Item, mechanism: Mechanism, suspect: Suspect, scene: Scene) -> float:
    """How well the change's text names what broke, 0 to 1.

    Best its column or the mechanism's own words, then its table, then, where the change itself is
    suspected, any word of the symptoms.
    """
    said = words(" ".join(change.facts.get(key, "") for key in ("summary", "diff", "sql")))
    columns = {one for one in suspect.facts.get("columns", "").lower().split(",") if one}
    if columns & said or any(word.startswith(stem) for word in said for stem in mechanism.words):
        return 1.0
    if suspect.facts.get("table", "").lower() in said - {""}:
        return 0.5
    return _LOOSE if suspect.change is not None and said & _symptom_words(scene) else 0.0


def _symptom_words(scene: Scene) -> set[str]:
    """Words of the symptoms that a guilty text could share: routes, tables, messages; no service names."""
    names = words(" ".join(one.name for one in scene.topology.services))
    told = (
        one.facts.get(key, "") for one in scene.symptoms for key in ("labels", "target", "template", "query")
    )
    return {word for word in words(" ".join(told)) if len(word) >= TELLING} - names


def _can_miss(change: Item, mechanism: Mechanism, suspect: Suspect) -> bool:
    """Whether the whole text was there to be read, and something to look for in it."""
    sought = mechanism.words or suspect.facts.get("table") or suspect.change
    text = change.facts.get("diff", "") or change.facts.get("sql", "")
    return bool(sought) and 0 < len(text) < _CUT_OFF


def _changed_nothing(change: Item) -> bool:
    version = change.facts.get("version", "")
    return bool(version) and version == change.facts.get("previous")


def _name(change: Item) -> str:
    return f"change {change.facts.get('change_id', change.id)} of {change.entity}"
