"""Post-mortems and exports of other tools as cases. Their text is untrusted: kept as data, bounded."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from steadyhand.journey.diagnosis.playbook import Shelf
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.memory.case import Case
from steadyhand.journey.memory.document import Document, read_document
from steadyhand.journey.memory.when import first_date, instant
from steadyhand.journey.rule import explain_validation

KEYS = frozenset(
    {"id", "title", "at", "date", "service", "entity", "cause", "fault_class", "fix", "worked"}
    | {"templates", "signs", "order", "entities"}
)
_LABELS: Mapping[str, tuple[str, ...]] = {  # key of a case -> how people label it, the most telling first
    "title": ("title",),
    "date": (
        *("date", "incident date", "date of incident", "start", "started", "start time", "incident start"),
        *("began", "opened", "detected", "when"),
    ),
    "service": (
        *("service", "services", "affected service", "affected services", "impacted service"),
        *("impacted services", "service affected", "services affected", "service impacted"),
        *("services impacted", "affected system", "system"),
    ),
    "cause": ("root cause", "root causes", "cause"),
    "fix": ("resolution", "fix", "mitigation", "remediation"),
    "worked": ("fix worked",),
}
_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "cause": ("root cause", "root causes", "why it happened", "what went wrong", "causes", "cause", "why"),
    "fix": ("resolution", "how it was fixed", "fix", "mitigation", "remediation", "recovery"),
}
_OPEN = ("draft", "open", "ongoing", "in progress", "investigating", "unresolved", "wip", "pending")
_NOBODY_KNOWS = re.compile(
    r"^\W*(the )?(root )?(cause )?(is |was |remains )?(still )?(currently )?"
    r"(unknown|tbd|tba|to be determined|not (yet )?(been )?(known|determined|identified|found|clear)|unclear|"
    r"undetermined|inconclusive|(under|being) investigat\w+|pending|n/?a|none( identified| found)?|todo)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r" (not|no|never|isn t|wasn t|ruled out|rule out|instead of|rather than|unlike|excluded)( \w+){0,2} $"
)
_TEXT, _LINE, _MOST_LINES = 500, 300, 20


def from_mapping(given: Mapping[str, Any], where: str, shelf: Shelf) -> Case:
    """A case of an exported mapping or of front matter.

    Needs `title`, `at` or `date`, `service`, and `cause` or `fault_class`; may hold `id`, `entity`, `fix`,
    `worked` (yes, no), `templates`, `signs`, `order`, `entities`. One that says nobody knows the cause yet is
    none. Raises ValueError that names place and key.
    """
    known = dict(given)
    signature = {key: known.pop(key, ()) for key in ("templates", "signs", "order", "entities")}
    signature["templates"] = _masked(signature["templates"], where)
    known = {key: _plain(value, f"{where}: {key}") for key, value in known.items()}
    when = instant(known.pop("at", "") or known.pop("date", ""), where)
    cause = _text(known.pop("cause", ""), _TEXT)
    named = known.pop("fault_class", "")
    if not named and (not cause or _NOBODY_KNOWS.match(cause)):
        raise ValueError(
            f"{where}: cause: say what it was, or name a fault_class; without it nothing is learned"
            + (f" ({cause[:60]!r} says that nobody knows)" if cause else "")
        )
    whole = {
        "id": _slug(known.pop("id", "") or f"{when:%Y-%m-%d}-{known.get('title', '')}"),
        "at": when,
        "source": where,
        "verdict": "confirmed",
        "cause": cause,
        "fault_class": named or _class_of(cause, shelf),
        "worked": known.pop("worked", "unknown").lower(),
        "signature": signature,
        **{key: _text(value, _LINE) for key, value in known.items()},
    }
    try:
        return Case.model_validate(whole)
    except ValidationError as error:
        raise ValueError(explain_validation(error, where)) from error


def from_markdown(front: Mapping[str, Any] | None, body: str, where: str, shelf: Shelf) -> Case:
    """A case of a post-mortem: its front matter where it has one, else its title, labels and headings.

    Keys of the front matter that mean nothing here, such as those of a site's generator, are left out; a
    post-mortem that calls itself a draft is none yet. Raises ValueError that names place and key.
    """
    given = {key: value for key, value in (front or {}).items() if value is not None}
    document = read_document(body)
    _finished(str(given.get("status", "") or document.labels.get("status", "")), where)
    said = {key: value for key, value in given.items() if key in KEYS}
    found = {"title": _named_by(where), **_found_in(document, body), **said}
    return from_mapping(found, where, shelf)


def _finished(status: str, where: str) -> None:
    if status.strip().lower().startswith(_OPEN):
        raise ValueError(
            f"{where}: status: {status[:40]!r}: nothing is learned from it before it is over; "
            "import it once its cause is agreed on"
        )


def _found_in(document: Document, body: str) -> dict[str, Any]:
    """What headings and labels say; a section says more than a label of one line."""
    found: dict[str, Any] = {"title": document.title} if document.title else {}
    for key, names in _LABELS.items():
        if value := next((document.labels[name] for name in names if name in document.labels), ""):
            found[key] = value
    for key, words in _SECTIONS.items():
        if text := _section(document, words):
            found[key] = text
    if service := str(found.get("service", "")):
        services = _names(service)
        found |= {"service": services[0], "entities": tuple(services)}
    found.setdefault("date", first_date(body))
    return found | {"templates": tuple(line for line in document.quoted if not line.startswith(("$ ", "# ")))}


def _section(document: Document, words: Iterable[str]) -> str:
    """The first section with anything in it whose heading says the most telling of the words."""
    for word in words:
        for one in document.sections:
            if one.text and re.search(rf"\b{word}\b", one.heading):
                return one.text
    return ""


def _names(text: str) -> Sequence[str]:
    """Services in a list of them; a remark in brackets is none."""
    told = re.sub(r"\([^)]*\)", " ", text)
    names = (one.strip(" *_`") for one in re.split(r"[,;/&]|\s+and\s+", told))
    return [one for one in names if one] or [text]


def _named_by(where: str) -> str:
    """A file without a title is called by its name."""
    return re.split(r"[\\/]", where)[-1].rpartition(".")[0]


def _class_of(cause: str, shelf: Shelf) -> str:
    """The one fault class whose name the cause says; none where it says several, or that it was not that."""
    text = f" {' '.join(re.findall(r'[a-z]+', cause.lower()))} "
    said: set[str] = set()
    denied: set[str] = set()
    for one in shelf.playbooks:
        for place in _places(one.names, text):
            (denied if _DENIED.search(text[: place + 1]) else said).add(one.mechanism)
    left = said - denied
    return left.pop() if len(left) == 1 else ""


def _places(names: Iterable[str], text: str) -> Iterator[int]:
    """Where one of the names is said."""
    for name in names:
        wanted = f" {name.replace('_', ' ').replace('-', ' ')} "
        yield from (found.start() for found in re.finditer(re.escape(wanted), text))


def _plain(given: object, where: str) -> str:
    """A text; YAML reads yes and no as true and false. Raises ValueError for what is none."""
    match given:
        case bool():
            return "yes" if given else "no"
        case datetime() | date():
            return given.isoformat()
        case str() | int() | float():
            return str(given)
        case _:
            raise ValueError(f"{where}: must be a text, and is a {type(given).__name__}")


def _text(given: str, most: int) -> str:
    return Masker().text(given, most)


def _masked(given: object, where: str) -> tuple[str, ...]:
    lines: Sequence[object] = given if isinstance(given, list | tuple) else (given,)
    return tuple(_text(_plain(one, f"{where}: templates"), _LINE) for one in lines[:_MOST_LINES] if one)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80] or "case"
