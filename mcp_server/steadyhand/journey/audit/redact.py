"""What is written for good: secrets masked, people by salted tokens that can be made to mean nobody.

Both happen before a row is hashed, so neither ever has to be undone in the chain.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.commands import Record
from steadyhand.journey.evidence.masking import Masker

PERSONAL = frozenset({"name", "target", "by", "who"})  # fields that hold whom, and nothing else
_DIGESTS = frozenset({"digest", "head", "sha256"})
_CHANGED = frozenset({"change", "change_id", "commit", "version", "revision"})
_DIGEST = re.compile(r"[0-9a-f]{64}")
TOKEN = re.compile(r"~[0-9a-f]{64}")
_LONGEST = 4000
ERASED = "(erased)"


def redacted(record: Record, masker: Masker | None = None) -> Record:
    """The record without secrets and without what no database or no other program could hold."""
    masker = masker or Masker(addresses=False)

    def safe(key: str, value: str) -> str:
        if key in _DIGESTS and _DIGEST.fullmatch(value):
            return value
        text = value.encode(errors="replace").decode()
        return _line(text) if key in PERSONAL else masker.prose(text, _LONGEST, commits=key in _CHANGED)

    body = {_key(key): safe(key, value) for key, value in record.body.items()}
    return record.model_copy(update={"body": body, "actor": _line(record.actor), "via": _line(record.via)})


def _key(key: str) -> str:
    return key.encode("ascii", errors="replace").decode()


def _line(text: str) -> str:
    kept = text.encode(errors="replace").decode()
    if not kept.isprintable():
        kept = "".join(one if one.isprintable() else " " for one in kept)
    return kept[:200]


def people(record: Record) -> tuple[str, ...]:
    """Whom the record names in fields of their own."""
    actor = (record.actor,) if record.actor_kind == "human" else ()
    named = (value for key, value in record.body.items() if key in PERSONAL and value)
    return tuple(dict.fromkeys((*actor, *named)))


def without_names(record: Record, tokens: Mapping[str, str]) -> Record:
    """The record with a token wherever one of these people is named, in words of a text too."""
    if not tokens:
        return record

    def exchanged(key: str, value: str) -> str:
        return tokens.get(value, value) if key in PERSONAL else _in_words(value, tokens)

    body = {key: exchanged(key, value) for key, value in record.body.items()}
    actor = tokens.get(record.actor, record.actor) if record.actor_kind == "human" else record.actor
    return record.model_copy(update={"actor": actor, "body": body})


def with_names(entry: Entry, names: Mapping[str, str]) -> Entry:
    """The line as people read it. Whoever was erased stays so."""

    def read(text: str) -> str:
        return TOKEN.sub(lambda found: names.get(found.group(), ERASED), text)

    body = {key: read(value) for key, value in entry.body.items()}
    return entry.model_copy(update={"actor": read(entry.actor), "body": body})


def tokens_in(entries: Iterable[Entry]) -> set[str]:
    """Every token that stands in these lines."""
    return {
        one
        for entry in entries
        for text in (entry.actor, *entry.body.values())
        for one in TOKEN.findall(text)
    }


def _in_words(text: str, tokens: Mapping[str, str]) -> str:
    pattern = _any_of(tuple(sorted(tokens, key=len, reverse=True)))
    return pattern.sub(lambda found: tokens[found.group()], text) if pattern else text


@lru_cache(maxsize=64)
def _any_of(names: tuple[str, ...]) -> re.Pattern[str] | None:
    shown = "|".join(re.escape(one) for one in names if one)
    return re.compile(rf"(?<![\w~])(?:{shown})(?!\w)") if shown else None
