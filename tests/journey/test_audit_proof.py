"""What a trail is made of: a canonical form, chains that are joined, checkpoints, and their signatures."""

import hashlib
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from steadyhand.journey.audit.ed25519 import verify
from steadyhand.journey.audit.proof import (
    FIRST,
    GENESIS,
    JOINED,
    LARGEST,
    SEALED,
    START,
    Auditor,
    Head,
    canonical,
    checkpoint_bytes,
    find_gap,
    find_problem,
    forgery,
    person_token,
    row_hash,
    said_of,
)

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
Row = dict[str, Any]


class Trail:
    """Rows written as the store writes them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.heads: dict[str, Head] = {}

    def add(self, incident: str = "inc-1", action: str = "step", **body: str) -> "Trail":
        head = self.heads.get(incident, START)
        row = _row(len(self.rows) + 1, head.place + 1, incident, action, body, head.hash)
        self.heads[incident] = Head(head.place + 1, row["hash"])
        self.rows.append(row)
        return self

    def old(self) -> "Trail":
        head = self.heads.get(FIRST, START)
        row = _row(len(self.rows) + 1, 0, "inc-1", "old", {}, head.hash)
        self.heads[FIRST] = Head(row["seq"], row["hash"])
        self.rows.append(row)
        return self

    def joint(self) -> "Trail":
        return self.add("", JOINED, **{name: said_of(head) for name, head in self.heads.items() if name})

    def point(self, key: Ed25519PrivateKey = KEY) -> Row:
        newest = self.rows[-1]
        return _signed({"seq": newest["seq"], "hash": newest["hash"], "count": newest["seq"], "at": 1}, key)


def _row(seq: int, n: int, incident: str, action: str, body: dict[str, str], prev: str) -> Row:
    row: Row = {
        "seq": seq,
        "n": n,
        "ts": seq,
        "incident": incident,
        "actor": "a",
        "actor_kind": "human",
        "via": "v",
        "action": action,
        "body": body,
        "prev": prev,
        "hash": "",
    }
    return row | {"hash": row_hash(row)}


def _signed(point: Row, key: Ed25519PrivateKey) -> Row:
    whole = point | {"key": key.public_key().public_bytes_raw().hex()}
    return whole | {"sig": key.sign(checkpoint_bytes(whole)).hex()}


def night() -> Trail:
    """Two incidents and the service, joined once in the middle and once at the end."""
    trail = Trail().add(note="ä").add("inc-2").add("", "sign_in.refused").joint()
    return trail.add().add("inc-2").add(note="last").joint()


# the canonical form


def test_the_canonical_form_sorts_keys_and_leaves_no_blank() -> None:
    assert canonical({"b": "ä\n\x1f", "a": [1, None]}) == '{"a":[1,null],"b":"ä\\n\\u001f"}'.encode()


@pytest.mark.parametrize(
    "given_value", [1.0, {"ä": 1}, {1: 2}, LARGEST + 1, -LARGEST - 1, b"x", {"a": [0.5]}, "\ud800"]
)
def test_what_two_programs_might_write_differently_is_refused(given_value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        canonical(given_value)


@given(st.recursive(st.text() | st.integers(-LARGEST, LARGEST), lambda inner: st.lists(inner, max_size=3)))
def test_what_is_accepted_can_be_read_back(value: object) -> None:
    assert json.loads(canonical(value)) == value


# chains and joints


def test_an_untouched_night_holds() -> None:
    trail = night()
    assert find_problem(trail.rows, [trail.point()]) == ""


@given(st.integers(0, 7), st.sampled_from(["ts", "incident", "actor", "via", "action", "n", "seq", "body"]))
def test_a_change_of_any_field_of_any_row_is_found(at: int, field: str) -> None:
    rows = night().rows
    changed = {"ts": 99, "n": rows[at]["n"] + 1, "seq": 99, "body": {"x": "y"}}.get(field, "changed")
    rows[at] = rows[at] | {field: changed}
    assert find_problem(rows) != ""


@given(st.integers(0, 7), st.integers(0, 255))
def test_a_flipped_bit_of_a_hash_is_found(at: int, bit: int) -> None:
    rows = night().rows
    flipped = int(rows[at]["hash"], 16) ^ (1 << bit)
    rows[at] = rows[at] | {"hash": f"{flipped:064x}"}
    assert f"row {at + 1}" in find_problem(rows)


@given(st.integers(0, 6))
def test_a_row_taken_out_is_found_and_two_that_changed_places_are(at: int) -> None:
    rows = night().rows
    assert "is missing" in find_problem([*rows[:at], *rows[at + 1 :]])
    assert find_problem([*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :]]) != ""


@given(st.integers(0, 8))
def test_a_row_put_in_is_found(at: int) -> None:
    rows = night().rows
    foreign = _row(at + 1, 1, "inc-9", "made up", {}, GENESIS)
    moved = [one | {"seq": one["seq"] + 1} for one in rows[at:]]
    assert find_problem([*rows[:at], foreign, *moved]) != "" or at == len(rows)


def test_an_incident_that_was_taken_out_whole_with_all_numbers_closed_is_found_by_the_joint() -> None:
    kept = [one for one in night().rows if one["incident"] != "inc-2"]
    again: list[Row] = []
    heads: dict[str, Head] = {}
    for number, one in enumerate(kept, start=1):  # a forger who seals everything anew but the joints' words
        head = heads.get(one["incident"], START)
        row = one | {"seq": number, "prev": head.hash}
        row["hash"] = row_hash(row)
        heads[one["incident"]] = Head(head.place + 1, row["hash"])
        again.append(row)
    assert "vouches for rows of" in find_problem(again)


def test_a_tail_that_was_cut_off_is_found_by_the_checkpoint_and_by_nothing_else() -> None:
    trail = night()
    short = trail.rows[:-2]
    assert find_problem(short) == ""
    assert find_problem(short, [trail.point()]) == (
        "the end is missing: row 6 is the last, a checkpoint vouches for row 8"
    )


def test_a_trail_written_anew_from_its_first_row_is_found_by_the_checkpoint() -> None:
    point = night().point()
    anew = Trail().add(note="another").add("inc-2").add("", "sign_in.refused").joint()
    anew.add().add("inc-2").add(note="last").joint()
    assert find_problem(anew.rows) == ""
    assert find_problem(anew.rows, [point]) == "row 8 is not the one that its checkpoint vouches for"


def test_rows_after_a_trusted_head_are_checked_without_those_before() -> None:
    trail = night()
    heads = {"inc-1": Head(1, trail.rows[0]["hash"]), "inc-2": Head(1, trail.rows[1]["hash"])}
    heads[""] = Head(2, trail.rows[3]["hash"])
    rest = trail.rows[4:]
    assert find_problem(rest, (), Auditor(whole=True, heads=heads, seq=4)) == ""
    broken = [rest[0] | {"actor": "eve"}, *rest[1:]]
    assert "row 5 was changed" in find_problem(broken, (), Auditor(whole=True, heads=heads, seq=4))


# rows of the first release


def test_rows_of_the_first_format_hold_and_are_sealed_by_what_follows() -> None:
    trail = Trail().old().old()
    trail.add("", SEALED, **{FIRST: said_of(trail.heads[FIRST])}).add()
    assert find_problem(trail.rows) == ""
    assert "row 2 was changed" in find_problem([trail.rows[0], trail.rows[1] | {"via": "x"}, *trail.rows[2:]])


def test_old_rows_that_were_cut_off_before_the_seal_are_found() -> None:
    trail = Trail().old().old()
    seal = _row(2, 1, "", SEALED, {FIRST: said_of(trail.heads[FIRST])}, GENESIS)
    assert "vouches for rows of (first format)" in find_problem([trail.rows[0], seal])


def test_a_new_row_cannot_pass_for_an_old_one() -> None:
    trail = Trail().old().add("", "x")
    stray = _row(3, 0, "inc-1", "old", {}, trail.heads[FIRST].hash)
    assert "row 3 is not the next of its chain" in find_problem([*trail.rows, stray])


# an incident alone


def alone() -> tuple[list[Row], Row, Row]:
    trail = night()
    return [one for one in trail.rows if one["incident"] == "inc-1"], trail.rows[-1], trail.point()


def test_the_rows_of_one_incident_hold_by_the_joint_that_names_them() -> None:
    rows, joint, point = alone()
    assert forgery(point) == ""
    assert find_gap(rows, joint, point) == ""


def test_an_incident_whose_rows_were_changed_shortened_or_joined_falsely_does_not_hold() -> None:
    rows, joint, point = alone()
    assert "row 5 was changed" in find_gap([rows[0], rows[1] | {"via": "x"}, *rows[2:]], joint, point)
    assert "does not name row 2 of inc-1" in find_gap(rows[:-1], joint, point)
    assert "not the next of its chain" in find_gap([rows[0], rows[2]], joint, point)
    lie = joint | {"body": {"inc-1": said_of(Head(2, rows[1]["hash"]))}}
    assert "the joint is not the row" in find_gap(rows[:-1], lie, point)
    assert "the joint is not the row" in find_gap(rows, joint, point | {"hash": GENESIS})


# checkpoints and signatures


def test_a_checkpoint_of_another_key_or_with_another_word_is_a_forgery() -> None:
    ours, theirs = night().point(), night().point(OTHER)
    assert forgery(ours, ours["key"]) == ""
    assert "another key" in forgery(theirs, ours["key"])
    assert "signature" in forgery(theirs | {"key": ours["key"]}, ours["key"])
    for name, value in {"seq": 7, "hash": GENESIS, "count": 7, "at": 2}.items():
        assert "signature" in forgery(ours | {name: value})
    for broken in ({}, ours | {"sig": "no hex"}, ours | {"key": None}, ours | {"at": 0.5}):
        assert "not written as we write them" in forgery(broken)


@settings(max_examples=40)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511), st.integers(0, 255))
def test_our_signature_check_agrees_with_the_library(seed: bytes, text: bytes, bit: int, other: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(text)
    assert verify(public, text, signature)
    flipped = (int.from_bytes(signature, "big") ^ (1 << bit)).to_bytes(64, "big")
    strange = (int.from_bytes(public, "big") ^ (1 << other)).to_bytes(32, "big")
    for key, said, sign in (
        (public, text, flipped),
        (public, text + b"x", signature),
        (strange, text, signature),
    ):
        assert verify(key, said, sign) == _library(key, said, sign)


def _library(public: bytes, text: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_the_published_vector_of_rfc_8032_is_verified() -> None:
    """Section 7.1, test 2."""
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert verify(public, b"\x72", signature)
    assert not verify(public, b"\x73", signature)


@pytest.mark.parametrize(
    ("key", "signature"), [(b"", b""), (b"k" * 31, b"s" * 64), (b"\xff" * 32, b"\xff" * 64)]
)
def test_what_is_no_key_or_no_signature_is_no_proof(key: bytes, signature: bytes) -> None:
    assert not verify(key, b"text", signature)


def test_a_persons_token_tells_nothing_without_its_salt() -> None:
    one, other = person_token("00" * 16, "ana"), person_token("01" * 16, "ana")
    assert one != other
    assert one.startswith("~")
    assert hashlib.sha256(b"ana").hexdigest() not in one
