"""The page at a terminal: the same as every other view of it, within its columns."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journey.evidence.little_world import World, at, log_line, page_of, step, window

from steadyhand.journey.evidence.model import Change, Flag, Item, Onset, Page
from steadyhand.journey.evidence.printed import printed, printed_item

CHANGE = Change(
    id="c-7", service="till", kind="code", summary="Round prices", started_at=at(85), finished_at=at(88)
)


def broken() -> Page:
    lines = [log_line(95 + one, "no connection", "ERROR") for one in range(10)]
    world = World(in_use=step(2.0, 15.0, 90), failing=step(0.0, 0.3, 94))
    return page_of(world, 140, lines=lines, changes=(CHANGE,))


def test_every_item_stands_once_with_its_instant_and_steps_are_told_apart() -> None:
    page = broken()
    text = printed(page)
    for one in page.items:
        assert text.count(f" {one.id} ") == 1
    assert all(line.startswith("02:01:") for line in text.splitlines() if "±" in line[:16])
    assert text.count("-- surely later --\n") == len(page.sequence) - 1
    before, after = text.index(" c1 "), text.index(" l1 ")
    assert before < text.index("-- surely later --\n") < after


def test_a_course_is_drawn_and_what_was_looked_at_and_not_seen_is_told() -> None:
    page = broken().model_copy(update={"coverage": {"loki till": "loki: 40 of 4,000 lines of till read"}})
    gap = Item(id="g1", kind="gap", entity="till", title="tempo did not answer")
    text = printed(page.model_copy(update={"items": (*page.items, gap)}))
    assert "▁▁▁" in text
    assert "Not seen\n  g1 tempo did not answer" in text
    assert "Looked at\n  loki till: loki: 40 of 4,000 lines of till read" in text


def test_forecasts_doubts_and_what_is_usual_stand_beside_the_items() -> None:
    late = {"forecast": "78 % of the limit, +2 %/min, limit in 11 min (9-14)", "limit_in_min": "11.0"}
    soon = {"forecast": "nothing left in 4.0 min (3.0-6.0)", "limit_in_min": "4.0", "usual": "so it did"}
    items = (
        Item(id="m1", kind="metric", entity="till", title="memory", facts=late),
        Item(id="m2", kind="metric", entity="ledger", title="disk", facts=soon),
    )
    flags = tuple(Flag(kind="gaps", entity=f"s{one}", text="holes") for one in range(20))
    page = Page(
        incident="i1", service="till", window=window(0, 100), baseline=window(0, 50), items=items, flags=flags
    )
    text = printed(page)
    assert text.index("m2 ledger: nothing left in 4.0 min") < text.index("m1 till: 78 % of the limit")
    assert "[usual at this hour]" in text
    assert "gaps: s0: holes" in text
    assert "8 more faults of the data" in text


def test_an_item_opens_whole() -> None:
    page = broken()
    text = printed_item(page.items[0], page)
    assert text.startswith("m1 metric")
    assert "course (" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_quiet_page_says_so_and_a_page_without_items_is_no_error() -> None:
    page = Page(incident="i1", service="till", window=window(0, 100), baseline=window(0, 50), items=())
    assert "QUIET" in printed(page)


@pytest.mark.parametrize("width", [60, 80, 120])
@given(
    titles=st.lists(st.text(max_size=300), max_size=30),
    name=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=300),
)
@settings(max_examples=30, deadline=None)
def test_no_line_is_wider_than_the_terminal(width: int, titles: list[str], name: str) -> None:
    items = [
        Item(
            id=f"m{number}",
            kind="metric",
            entity=name,
            title=title,
            onset=Onset(at=at(number), lo=at(number), hi=at(number) + timedelta(seconds=number * number)),
        )
        for number, title in enumerate(titles)
    ]
    page = Page(
        incident=name[:40],
        service=name,
        window=window(0, 100),
        baseline=window(0, 50),
        items=tuple(items),
        coverage={name: name},
    )
    assert max(map(len, printed(page, width).split("\n"))) <= width
