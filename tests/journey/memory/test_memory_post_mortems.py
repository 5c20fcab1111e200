"""Post-mortems become cases; a mistake is named by place and key; their text stays data."""

from datetime import UTC, datetime

import pytest

from steadyhand.journey.memory.post_mortem import from_mapping, from_markdown
from steadyhand.wiring import playbooks

SHELF = playbooks()
TEXT = """# Checkout was down for an hour

**Date:** 2025-11-03T09:12:00Z
**Service:** checkout

## Impact
Half of all orders failed.

## Root cause
A missing index on orders made every lookup read the table. password=hunter2hunter2

```
ERROR QueuePool limit reached, connection timed out
```

## Resolution
We built the index.

Fix worked: yes
"""


def test_a_post_mortem_is_read_by_its_headings_and_labels() -> None:
    case = from_markdown(None, TEXT, "2025-11.md", SHELF)
    assert case.title == "Checkout was down for an hour"
    assert case.at == datetime(2025, 11, 3, 9, 12, tzinfo=UTC)
    assert (case.service, case.fault_class, case.worked) == ("checkout", "missing_index", "yes")
    assert case.fix == "We built the index. Fix worked: yes"
    assert case.signature.templates == ("ERROR QueuePool limit reached, connection timed out",)
    assert "hunter2" not in case.model_dump_json()
    assert case.counts


def test_front_matter_says_more_than_headings() -> None:
    front = {"fault_class": "lock_queue", "service": "cart", "worked": False}
    case = from_markdown(front, TEXT, "x.md", SHELF)
    assert (case.fault_class, case.service, case.worked) == ("lock_queue", "cart", "no")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"title": "t", "service": "s", "cause": "c"}, "x.json: date: '' is no date"),
        ({"title": "t", "service": "s", "date": "2025-01-01"}, "x.json: cause: say what it was"),
        ({"title": "t", "date": "2025-01-01", "cause": "c"}, "x.json: service"),
        (
            {"title": "t", "service": "s", "date": "2025-01-01", "cause": "c", "colour": "red"},
            "colour: no such key",
        ),
        (
            {"title": "t", "service": "s", "date": "2025-01-01", "cause": "c", "worked": "perhaps"},
            "x.json: worked",
        ),
    ],
)
def test_what_is_wrong_is_named_by_place_and_key(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=r"x\.json") as caught:
        from_mapping(given, "x.json", SHELF)
    assert says in str(caught.value)


def test_a_long_text_is_cut() -> None:
    given = {"title": "t" * 900, "service": "s", "date": "2025-01-01", "cause": "c" * 9000}
    case = from_mapping(given | {"templates": ["l" * 900] * 90}, "x.json", SHELF)
    assert len(case.title) <= 300
    assert len(case.cause) <= 500
    assert len(case.signature.templates) <= 20
