"""The chain of the audit trail, as values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.audit.proof import GENESIS, find_problem, row_hash

WORDS = st.text(max_size=12)
KEYS = st.text(st.characters(max_codepoint=127), max_size=12)


def seal(entry: Entry) -> Entry:
    return entry.model_copy(update={"hash": row_hash(entry.model_dump())})


def chain(bodies: list[dict[str, str]]) -> list[Entry]:
    entries: list[Entry] = []
    for seq, body in enumerate(bodies, start=1):
        prev = entries[-1].hash if entries else GENESIS
        entry = Entry(
            seq=seq,
            ts=seq,
            incident="i",
            actor="a",
            actor_kind="human",
            via="v",
            action="x",
            body=body,
            prev=prev,
        )
        entries.append(seal(entry))
    return entries


def find_tampering(entries: list[Entry]) -> str:
    return find_problem(one.model_dump() for one in entries)


def test_the_hash_is_the_one_that_was_published() -> None:
    """A changed canonical form would make every stored trail look forged."""
    assert chain([{"b": "ä", "a": "1"}])[0].hash == (
        "70be079a202d7798d9c0e3e93e6fa5b7011fd35adc86e4b74c6c92ba14f95ef7"
    )


@given(st.lists(st.dictionaries(KEYS, WORDS, max_size=3), min_size=1, max_size=6), st.data())
def test_any_change_of_any_field_shows_in_its_row(bodies: list[dict[str, str]], data: st.DataObject) -> None:
    entries = chain(bodies)
    assert find_tampering(entries) == ""
    at = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(
        st.sampled_from(
            ["ts", "incident", "actor", "via", "action", "body", "actor_kind", "object", "before_hash"]
        )
    )
    old = getattr(entries[at], field)
    new = {"ts": 0, "body": {"new": "x" * 20}, "actor_kind": "agent"}.get(field, f"{old}x")
    forged = entries[at].model_copy(update={field: new})
    assert find_tampering([*entries[:at], forged, *entries[at + 1 :]]) == (
        f"row {at + 1} was changed after it was written"
    )


@given(st.integers(2, 6), st.data())
def test_a_row_taken_out_of_the_middle_or_two_that_changed_places_show(
    count: int, data: st.DataObject
) -> None:
    entries = chain([{"n": str(n)} for n in range(count)])
    at = data.draw(st.integers(0, count - 2))
    assert "is missing" in find_tampering([*entries[:at], *entries[at + 1 :]])
    swapped = [*entries[:at], entries[at + 1], entries[at], *entries[at + 2 :]]
    assert find_tampering(swapped) != ""


def test_a_row_sealed_anew_by_a_forger_breaks_the_next() -> None:
    entries = chain([{"n": "1"}, {"n": "2"}])
    forged = seal(entries[0].model_copy(update={"actor": "eve"}))
    assert find_tampering([forged, entries[1]]) == "row 2 does not follow the row before it"


def test_rows_are_numbered_from_one() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        Entry.model_validate(chain([{}])[0].model_dump() | {"seq": 0})
