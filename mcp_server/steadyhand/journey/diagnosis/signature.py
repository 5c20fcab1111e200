"""How well the evidence page looks like a playbook's failure. Pure: a feature, never a verdict."""

import re

from pydantic import Field

from steadyhand.journey.diagnosis.playbook import Playbook, Shelf, Symptom
from steadyhand.journey.evidence.model import Item, Page
from steadyhand.journey.rule import Share, Value

_TOLD = (
    "metric",
    "signal",
    "labels",
    "target",
    "template",
    "exemplar",
    "codes",
    "change_kind",
    "summary",
    "diff",
    "sql",
    "query",
)


class Seen(Value):
    """A symptom that the page shows, with the items that show it."""

    says: str
    evidence: tuple[str, ...]


class Match(Value):
    """What of a playbook's symptoms the page shows.

    `fit` is the worth of what is shown, less the worth of what speaks against, over the worth of all
    symptoms that a page can show: 0 to 1. It is no probability.
    """

    playbook: str
    mechanism: str
    fit: Share
    shown: tuple[Seen, ...] = ()
    missing: tuple[str, ...] = Field(default=(), description="Symptoms a page could show and does not.")
    against: tuple[Seen, ...] = ()


def match(playbook: Playbook, page: Page) -> Match:
    """Look for each symptom of the playbook on the page."""
    sought = [one for one in playbook.symptoms if one.role]
    found = [(one, _showing(one, page)) for one in sought]
    counter = [(one, _showing(one, page)) for one in playbook.against if one.role]
    whole = sum(one.worth for one in sought)
    balance = sum(one.worth for one, ids in found if ids) - sum(one.worth for one, ids in counter if ids)
    return Match(
        playbook=playbook.id,
        mechanism=playbook.mechanism,
        fit=min(max(balance / whole, 0.0), 1.0) if whole else 0.0,
        shown=tuple(Seen(says=one.says, evidence=ids) for one, ids in found if ids),
        missing=tuple(one.says for one, ids in found if not ids),
        against=tuple(Seen(says=one.says, evidence=ids) for one, ids in counter if ids),
    )


def matches(shelf: Shelf, page: Page) -> tuple[Match, ...]:
    """Every playbook that the page resembles at all, best first; ties by name."""
    found = (match(one, page) for one in shelf.playbooks)
    return tuple(sorted((one for one in found if one.fit > 0), key=lambda one: (-one.fit, one.playbook)))


def _showing(symptom: Symptom, page: Page) -> tuple[str, ...]:
    ids = tuple(sorted(one.id for one in page.items if fits(symptom, one, page.service)))
    return ids if len(ids) >= symptom.least else ()


def fits(symptom: Symptom, item: Item, alerting: str) -> bool:
    """Whether this item of the page shows the symptom, `alerting` being the service that alerts."""
    return (
        item.role in symptom.role
        and (not symptom.direction or item.direction in symptom.direction)
        and (not symptom.shape or item.facts.get("shape") in symptom.shape)
        and (symptom.of == "any" or (_owner(item) == alerting) is (symptom.of == "alerting"))
        and (not symptom.words or _says(item, symptom.words))
    )


def _owner(item: Item) -> str:
    """Of whom it tells: a call's number tells of its target."""
    return item.facts.get("target", item.entity)


def _says(item: Item, stems: tuple[str, ...]) -> bool:
    text = " ".join(item.facts.get(key, "") for key in _TOLD)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()
    return any(word.startswith(stems) for word in re.split(r"[^a-z0-9]+", spaced) if word)
