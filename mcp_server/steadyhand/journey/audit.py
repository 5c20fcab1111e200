"""The audit trail: rows chained by hash, so that any change of the past shows."""

import hashlib
import json
from collections.abc import Iterable

from pydantic import Field

from steadyhand.journey.commands import ActorKind
from steadyhand.journey.rule import Value

GENESIS = "0" * 64
_DOMAIN = b"\x01steadyhand-audit\x00"


class Entry(Value):
    """One line of the trail. `ts` is unix milliseconds; `hash` covers every other field."""

    seq: int = Field(ge=1)
    ts: int
    incident: str
    actor: str
    actor_kind: ActorKind
    via: str
    action: str
    body: dict[str, str]
    prev: str
    hash: str = ""


def seal(entry: Entry) -> Entry:
    """The entry with its hash: SHA-256 over a domain tag and the canonical JSON of all other fields.

    Canonical is RFC 8785 for what an entry can hold: ASCII keys, no floats, small integers.
    """
    body = entry.model_dump(exclude={"hash"})
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return entry.model_copy(update={"hash": hashlib.sha256(_DOMAIN + text.encode()).hexdigest()})


def find_tampering(entries: Iterable[Entry]) -> str:
    """What is wrong with the chain, by its first broken row; empty when it holds."""
    prev = GENESIS
    for seq, entry in enumerate(entries, start=1):
        if entry.seq != seq:
            return f"row {seq} is missing: row {entry.seq} stands in its place"
        if entry.prev != prev:
            return f"row {seq} does not follow the row before it"
        if seal(entry).hash != entry.hash:
            return f"row {seq} was changed after it was written"
        prev = entry.hash
    return ""
