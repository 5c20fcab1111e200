"""The proof that a trail was not changed. It travels with every export: standard library only.

Rows form one chain for each incident, and one, named "", for what belongs to none. In that one, from time to
time, a joint names the head of every chain that grew; a checkpoint is a signature over a joint, kept
elsewhere. So a checkpoint vouches for every row that was written before it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from steadyhand.journey.audit.ed25519 import verify

GENESIS = "0" * 64
LARGEST = 2**53 - 1
SERVICE = ""  # the chain of what belongs to no incident
JOINED, SEALED = "trail.joined", "trail.sealed"
FIRST = "(first format)"  # rows of the first release: one chain for all, without places in it
_LATER = ("object", "before_hash", "after_hash")  # rows of earlier releases have none of these
_KEY_DIGITS = 64
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_ROW = b"\x01steadyhand-audit\x00"
_CHECKPOINT = b"\x02steadyhand-checkpoint\x00"
_PERSON = b"\x03steadyhand-person\x00"

Row = Mapping[str, Any]


class Head(NamedTuple):
    """The newest row of a chain: its place, counted from 1, and its hash."""

    place: int
    hash: str


START = Head(0, GENESIS)


def canonical(value: object) -> bytes:
    """RFC 8785 of what a row may hold: ASCII keys, text, integers within 2**53, lists, no floats.

    Raises ValueError for anything else: two programs would not write it alike.
    """
    _check(value)
    return _JSON.encode(value).encode()


def _check(value: object) -> None:
    if isinstance(value, str):  # most are
        return
    if isinstance(value, dict):
        strange = next((one for one in value if not (isinstance(one, str) and one.isascii())), None)
        if strange is not None:
            raise ValueError(f"key {strange!r} is not ASCII text")
        _check(list(value.values()))
    elif isinstance(value, list | tuple):
        for inner in value:
            _check(inner)
    elif isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError(f"{value} is not within 2**53")
    elif not isinstance(value, int | None):
        raise ValueError(f"{value!r} is neither text nor a whole number")


def row_hash(row: Row) -> str:
    """SHA-256, in hex, over a domain tag and the canonical form of every other field. Raises ValueError."""
    left_out = {"hash", *(("n",) if row["n"] == 0 else ()), *(one for one in _LATER if not row.get(one))}
    held = {name: value for name, value in row.items() if name not in left_out}
    return hashlib.sha256(_ROW + canonical(held)).hexdigest()


def person_token(salt: str, name: str) -> str:
    """What stands for a person's name in a row: without its salt (hex) nobody can tell whose it is."""
    return "~" + hashlib.sha256(_PERSON + bytes.fromhex(salt) + name.encode()).hexdigest()


def checkpoint_bytes(point: Row) -> bytes:
    """What the signature of a checkpoint covers. Raises ValueError."""
    return _CHECKPOINT + canonical({name: value for name, value in point.items() if name != "sig"})


def is_key(text: str) -> bool:
    """Whether this is written as a public key is: 32 bytes in hexadecimal digits."""
    return len(text) == _KEY_DIGITS and all(one in "0123456789abcdefABCDEF" for one in text)


def forgery(point: Row, key: str = "") -> str:
    """Why a checkpoint is none of this public key (hex); empty when it is. Without a key, of its own."""
    try:
        if key and point["key"] != key.lower():
            return f"the checkpoint of row {point['seq']} was signed with another key"
        signed = verify(bytes.fromhex(point["key"]), checkpoint_bytes(point), bytes.fromhex(point["sig"]))
    except (KeyError, ValueError, TypeError):
        return "a checkpoint is not written as we write them"
    return "" if signed else f"the signature of the checkpoint of row {point['seq']} is wrong"


class Auditor:
    """Reads rows in the order of their numbers, each chain from its start or from a head that is trusted.

    `whole`: the rows are all that there are, so their numbers have no gap.
    """

    def __init__(self, *, whole: bool, heads: Mapping[str, Head] | None = None, seq: int = 0) -> None:
        self.heads = dict(heads or {})
        self.joined: dict[str, Head] = {}  # what the joints read so far vouch for
        self.seq = seq
        self._whole = whole

    def head(self, chain: str) -> Head:
        """Where a chain stands by now."""
        return self.heads.get(chain, START)

    def fault(self, row: Row) -> str:
        """What is wrong with the next row; empty when it follows."""
        chain = FIRST if row["n"] == 0 else row["incident"]
        before, place = self.head(chain), row["n"] or row["seq"]
        found = (
            (self._whole and row["seq"] != self.seq + 1, _missing(self.seq + 1, row["seq"])),
            (place != before.place + 1, f"row {row['seq']} is not the next of its chain: some are missing"),
            (row["prev"] != before.hash, f"row {row['seq']} does not follow the row before it"),
            (_changed(row), f"row {row['seq']} was changed after it was written"),
        )
        why = next((words for holds, words in found if holds), "") or self._joint(row)
        self.seq = row["seq"]
        self.heads[chain] = Head(place, row["hash"])
        return why

    def _joint(self, row: Row) -> str:
        """A joint names heads; in a whole trail the chains must stand exactly there."""
        if row["incident"] != SERVICE or row["action"] not in (JOINED, SEALED):
            return ""
        for chain, said in row["body"].items():
            self.joined[chain] = head_said(said)
            if self._whole and self.joined[chain] != self.head(chain):
                return f"row {row['seq']} vouches for rows of {chain} that are not there"
        return ""


def said_of(head: Head) -> str:
    """A head as a joint names it."""
    return f"{head.place}:{head.hash}"


def head_said(said: str) -> Head:
    """The head that is named so. Raises ValueError."""
    place, _, digest = said.partition(":")
    return Head(int(place), digest)


def _missing(wanted: int, found: int) -> str:
    return f"row {wanted} is missing: row {found} stands in its place"


def _changed(row: Row) -> bool:
    try:
        return bool(row["hash"] != row_hash(row))
    except ValueError:
        return True


def find_problem(rows: Iterable[Row], points: Iterable[Row] = (), auditor: Auditor | None = None) -> str:
    """The first thing that is wrong with a whole trail, or with what follows a trusted head; "" if nothing.

    `points` are checkpoints whose signatures hold: a row that one vouches for must be there.
    """
    reading = auditor or Auditor(whole=True)
    wanted: dict[int, list[Row]] = {}
    for point in points:
        wanted.setdefault(point["seq"], []).append(point)
    for row in rows:
        why = reading.fault(row)
        if why:
            return why
        if any(one["hash"] != row["hash"] for one in wanted.pop(row["seq"], ())):
            return f"row {row['seq']} is not the one that its checkpoint vouches for"
    cut = [seq for seq in wanted if seq > reading.seq]
    if cut:
        return f"the end is missing: row {reading.seq} is the last, a checkpoint vouches for row {max(cut)}"
    return ""


def find_gap(rows: Sequence[Row], joint: Row, point: Row) -> str:
    """What is wrong with the rows of one incident, given a joint that names their head and its checkpoint."""
    reading = Auditor(whole=False)
    faults = (reading.fault(one) for one in rows if one["n"] > 0)
    alone = (f"row {one['seq']} was changed" for one in rows if one["n"] == 0 and _changed(one))
    why = next((one for one in (*faults, *alone) if one), "")
    if why or not rows:
        return why or "there is no row"
    if _changed(joint) or (joint["seq"], joint["hash"]) != (point["seq"], point["hash"]):
        return "the joint is not the row that the checkpoint vouches for"
    for chain, head in reading.heads.items():
        if joint["body"].get(chain) != said_of(head):
            return f"the joint does not name row {head.place} of {chain} as its newest"
    return ""
