"""Post-mortems and exports of other tools as cases. Their text is untrusted: kept as data, bounded."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from steadyhand.journey.diagnosis.playbook import Shelf
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.memory.case import Case
from steadyhand.journey.rule import explain_validation

_HEADING = re.compile(r"^#{1,4}\s+(?P<name>.+?)\s*#*$", re.MULTILINE)
_FENCED = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)
_LABELLED = re.compile(
    r"^\W*(?P<key>date|service|fix worked|opened|started)\W*:\W*(?P<value>.+?)\W*$",
    re.IGNORECASE | re.MULTILINE,
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:?\d{2})?)?")
_SECTIONS = {
    "cause": ("root cause", "cause", "why it happened", "contributing"),
    "fix": ("resolution", "fix", "mitigation", "remediation", "how it was fixed"),
    "symptoms": ("symptom", "detection", "impact", "what happened"),
}
_TEXT, _LINE, _MOST_LINES = 500, 300, 20


def from_mapping(given: Mapping[str, Any], where: str, shelf: Shelf) -> Case:
    """A case of an exported mapping or of front matter.

    Needs `title`, `at` or `date`, `service`, and `cause` or `fault_class`; may hold `id`, `entity`, `fix`,
    `worked` (yes, no), `templates`, `signs`, `order`, `entities`. Raises ValueError that names place and key.
    """
    known = dict(given)
    signature = {key: known.pop(key, ()) for key in ("templates", "signs", "order", "entities")}
    signature["templates"] = _masked(signature["templates"])
    when = _instant(str(known.pop("at", "") or known.pop("date", "")), where)
    cause = _text(known.pop("cause", ""), _TEXT)
    named = str(known.pop("fault_class", "") or _class_of(cause, shelf))
    whole = {
        "id": _slug(str(known.pop("id", "") or f"{when:%Y-%m-%d}-{known.get('title', '')}")),
        "at": when,
        "source": where,
        "verdict": "confirmed",
        "cause": cause,
        "fault_class": named,
        "worked": _worked(known.pop("worked", "unknown")),
        "signature": signature,
        **{key: _text(value, _LINE) for key, value in known.items()},
    }
    if not cause and not named:
        raise ValueError(
            f"{where}: cause: say what it was, or name a fault_class; without it nothing is learned"
        )
    try:
        return Case.model_validate(whole)
    except ValidationError as error:
        raise ValueError(explain_validation(error, where)) from error


def from_markdown(front: Mapping[str, Any] | None, body: str, where: str, shelf: Shelf) -> Case:
    """A case of a post-mortem: its front matter where it has one, else its title, labels and headings."""
    found: dict[str, Any] = {**_by_labels(body), **_by_headings(body), **(front or {})}
    return from_mapping(found, where, shelf)


def _by_labels(body: str) -> dict[str, str]:
    told = {one["key"].lower(): one["value"] for one in _LABELLED.finditer(body)}
    found = {"service": told.get("service", ""), "worked": told.get("fix worked", "")}
    found["date"] = told.get("date") or told.get("opened") or told.get("started") or _first_date(body)
    return {key: value for key, value in found.items() if value}


def _first_date(body: str) -> str:
    dated = _DATE.search(body)
    return dated[0] if dated else ""


def _by_headings(body: str) -> dict[str, Any]:
    """The title, the sections that are known by their headings, and fenced lines as messages."""
    found: dict[str, Any] = {}
    heads = list(_HEADING.finditer(body))
    if heads:
        found["title"] = heads[0]["name"]
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        text = body[head.end() : following.start() if following else None]
        key = _section(head["name"])
        if key in ("cause", "fix") and key not in found:
            found[key] = " ".join(_FENCED.sub("", text).split())
    lines = [line.strip() for block in _FENCED.findall(body) for line in block.splitlines()]
    found["templates"] = tuple(line for line in lines if line)
    return found


def _section(heading: str) -> str:
    lowered = heading.lower()
    return next((key for key, words in _SECTIONS.items() if any(word in lowered for word in words)), "")


def _class_of(cause: str, shelf: Shelf) -> str:
    """The fault class whose name, or whose other name, the cause says."""
    text = f" {' '.join(re.split(r'[^a-z]+', cause.lower()))} "
    for one in shelf.playbooks:
        if any(f" {name.replace('_', ' ').replace('-', ' ')} " in text for name in one.names):
            return one.mechanism
    return ""


def _instant(text: str, where: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(
            f"{where}: date: {text[:40]!r} is no date; write it like 2026-01-31T02:00:00Z"
        ) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _worked(given: object) -> str:
    """YAML reads yes and no as true and false."""
    return (
        {True: "yes", False: "no"}.get(given, str(given).lower())
        if isinstance(given, bool)
        else str(given).lower()
    )


def _text(given: object, most: int) -> str:
    return Masker().text(str(given), most)


def _masked(given: object) -> tuple[str, ...]:
    lines: Sequence[object] = given if isinstance(given, list | tuple) else (given,)
    return tuple(_text(one, _LINE) for one in lines[:_MOST_LINES] if one)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80] or "case"
