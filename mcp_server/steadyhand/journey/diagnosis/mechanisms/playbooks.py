"""What playbooks add: symptoms as signals, checks, and a mechanism for each failure only they know."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from steadyhand.journey.diagnosis.mechanisms.place import kind_of
from steadyhand.journey.diagnosis.model import Check, Remediation
from steadyhand.journey.diagnosis.playbook import Playbook, Shelf, Symptom
from steadyhand.journey.diagnosis.scene import HARM, MEASURED, Scene, ids, speaks_of
from steadyhand.journey.diagnosis.signals.signal import Find, Signal
from steadyhand.journey.diagnosis.signature import fits
from steadyhand.journey.diagnosis.suspect import Hint, Mechanism, Suspect
from steadyhand.journey.evidence.model import Item, Role

_MOST_CHECKS = 5
_PLACES = re.compile(r"\{\{(entity|database)\}\}")
_TELLING = 4  # shorter words are in every text
_CHANGES = frozenset({"code", "config", "flag", "migration", "schedule", "scaling"})
_SEEN_IN: Mapping[Role, str] = {
    "new_log": "log",
    "log_rate": "log",
    "change": "change",
    "call": "trace",
    "idle_in_transaction": "database",
    "lock_queue": "database",
    "full_scan": "database",
    "table_load": "database",
    "connections": "database",
}


def with_playbooks(known: Sequence[Mechanism], shelf: Shelf) -> tuple[Mechanism, ...]:
    """The known mechanisms with what their playbooks add, and one for each failure only a playbook knows."""
    told = tuple(_told(one, _playbook_of(one, shelf)) for one in known)
    names = {one.name for one in known}
    first = {one.mechanism: one for one in reversed(shelf.playbooks) if one.mechanism not in names}
    return (*told, *(_of_a_playbook(first[name]) for name in sorted(first)))


def _playbook_of(mechanism: Mechanism, shelf: Shelf) -> Playbook | None:
    return next((one for one in shelf.playbooks if one.mechanism == mechanism.name), None)


def _told(mechanism: Mechanism, playbook: Playbook | None) -> Mechanism:
    if playbook is None:
        return mechanism
    own = {one.name for one in mechanism.checks}
    more = tuple(one for one in _checks(playbook) if one.name not in own)
    return replace(
        mechanism,
        checks=(*mechanism.checks, *more)[: max(_MOST_CHECKS, len(mechanism.checks))],
        playbook=playbook.id,
        hints=dict(_hints(playbook)),
        told_apart=_told_apart(playbook),
    )


def _of_a_playbook(playbook: Playbook) -> Mechanism:
    """The mechanism of a failure that nothing but its playbook describes."""
    return Mechanism(
        name=playbook.mechanism,
        suspects=partial(_suspects, playbook),
        claim=_claim(playbook),
        checks=tuple(_checks(playbook))[:_MOST_CHECKS],
        brought_by=_CHANGES,
        words=_words(playbook),
        remediation=_remediation(playbook),
        playbook=playbook.id,
        hints=dict(_hints(playbook)),
        told_apart=_told_apart(playbook),
        deepest=playbook.deepest,
    )


def _claim(playbook: Playbook) -> str:
    """In the playbook's own words about the suspect, else what it is called and how it shows."""
    if playbook.claim:
        return _filled(playbook.claim)
    named = playbook.title or playbook.id
    first = next((one.says for one in playbook.symptoms if one.role), playbook.symptoms[0].says)
    return f"{{entity}} looks like a case of {_plain(named)}. {_plain(first)}"


def _remediation(playbook: Playbook) -> Remediation:
    return next((one.remediation for one in playbook.fixes if one.remediation is not None), "none")


def _told_apart(playbook: Playbook) -> dict[str, str]:
    return {one.mechanism: one.told_apart_by for one in playbook.look_alikes}


def _words(playbook: Playbook) -> frozenset[str]:
    """What a guilty text would name: the words its log would say."""
    logs = (one for one in playbook.symptoms if set(one.role) & {"new_log", "log_rate"})
    return frozenset(word for one in logs for word in one.words if len(word) >= _TELLING)


def _checks(playbook: Playbook) -> Iterator[Check]:
    """Its checks, with the suspect and its database as places to fill; any other brace is text."""
    for one in playbook.checks:
        told = one.model_dump(exclude={"tool", "role"})
        yield one.model_copy(update={key: _filled(text) for key, text in told.items()})


def _filled(text: str) -> str:
    return _PLACES.sub(r"{\1}", _plain(text))


def _plain(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _hints(playbook: Playbook) -> Iterator[tuple[str, Hint]]:
    """Each symptom a page can show, and each that speaks against it, wherever it is seen."""
    for number, one in enumerate(playbook.symptoms, start=1):
        if one.role:
            name = f"{playbook.id} symptom {number}"
            yield name, Hint(_signal(name, one, partial(_near, one)), one.worth)
    for number, one in enumerate(playbook.against, start=1):
        if one.role:
            name = f"{playbook.id} against {number}"
            yield name, Hint(_signal(name, one, partial(_anywhere, one)), -one.worth)


def _signal(name: str, symptom: Symptom, find: Find) -> Signal:
    return Signal(
        name=name,
        says=symptom.says.rstrip("."),
        seen_in=_SEEN_IN.get(symptom.role[0], "metric"),
        find=find,
        effect=set(symptom.role) <= HARM,
    )


def _near(symptom: Symptom, scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    shown = ids(
        one for one in scene.page.items if _shows(symptom, one, scene) and _is_near(one, suspect, scene)
    )
    return shown if len(shown) >= symptom.least else ()


def _anywhere(symptom: Symptom, scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    """Where something else explains it all, that speaks against every suspect."""
    del suspect
    shown = ids(one for one in scene.page.items if _shows(symptom, one, scene))
    return shown if len(shown) >= symptom.least else ()


def _shows(symptom: Symptom, item: Item, scene: Scene) -> bool:
    """Whether the item shows it; of what is measured or counted only what left normal does."""
    usual = item.role in MEASURED and not scene.is_symptom(item)
    return not usual and fits(symptom, item, scene.page.service)


def _is_near(item: Item, suspect: Suspect, scene: Scene) -> bool:
    """Whether it is of the suspect, or of somebody who calls it and so feels it."""
    if item.role == "change":
        return item.id == suspect.change if suspect.change else item.entity == suspect.entity
    return speaks_of(item, suspect.entity) or item.entity in scene.topology.callers(suspect.entity)


def _suspects(playbook: Playbook, scene: Scene) -> tuple[Suspect, ...]:
    """Everybody who shows a symptom of it."""
    shown = {
        name
        for one in scene.page.items
        if one.role != "change" and any(_shows(symptom, one, scene) for symptom in playbook.symptoms)
        for name in (one.entity, one.facts.get("target", ""))
        if name
    }
    return tuple(Suspect(entity=name, kind=kind_of(name, scene)) for name in sorted(shown))
