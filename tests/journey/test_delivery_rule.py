"""How long a channel is given, and when another way is taken beside it."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from steadyhand.journey.escalation.delivery import DeliveryRule, Trouble, Waiting, after_trouble
from steadyhand.testing.clock import START

RULE = DeliveryRule()
LATER = Trouble(kind="later")


def message(**changes: Any) -> Waiting:
    return Waiting.model_validate(
        {"key": "inc-1:0:page:0:slack:#x", "act": "page", "queued_at": START, "attempts": 1} | changes
    )


def test_a_refusal_is_final_and_the_incident_hears_of_it_at_once() -> None:
    after = after_trouble(message(), Trouble(kind="refused"), RULE, START)
    assert (after.again_at, after.lost) == (None, True)


def test_the_pause_grows_and_is_never_longer_than_a_minute_for_a_page() -> None:
    pauses = []
    for attempt in range(1, 12):
        again = after_trouble(message(attempts=attempt), LATER, RULE, START).again_at
        assert again is not None
        pauses.append((again - START).total_seconds())
    assert 1 <= pauses[0] <= 2
    assert pauses[-1] <= 60
    assert pauses[3] > pauses[0]


def test_the_wait_that_a_channel_asks_for_is_kept() -> None:
    after = after_trouble(message(), Trouble(kind="later", asked=timedelta(seconds=45)), RULE, START)
    assert after.again_at == START + timedelta(seconds=45)
    assert not after.lost


def test_a_page_that_would_come_too_late_goes_by_another_way_too_and_is_still_tried() -> None:
    after = after_trouble(message(), Trouble(kind="later", asked=timedelta(minutes=5)), RULE, START)
    assert after.again_at == START + timedelta(minutes=5)
    assert after.lost


def test_the_incident_hears_of_a_lost_page_once() -> None:
    late = START + timedelta(minutes=10)
    assert after_trouble(message(attempts=6), LATER, RULE, late).lost
    assert not after_trouble(message(attempts=7, lost=True), LATER, RULE, late).lost
    assert not after_trouble(message(lost=True), Trouble(kind="refused"), RULE, late).lost


def test_a_note_waits_as_long_as_it_must_and_then_ends() -> None:
    hour = START + timedelta(hours=1)
    assert not after_trouble(message(act="resolved", attempts=9), LATER, RULE, hour).lost
    end = after_trouble(message(act="resolved", attempts=99), LATER, RULE, START + timedelta(days=1))
    assert (end.again_at, end.lost) == (None, True)


@given(st.integers(min_value=1, max_value=10_000), st.text(max_size=30))
def test_every_try_has_a_pause_and_the_same_one_each_time(attempts: int, key: str) -> None:
    one = message(attempts=attempts, key=key)
    first, again = (after_trouble(one, LATER, RULE, START) for _ in range(2))
    assert first == again
    assert first.again_at is not None
    assert first.again_at > START
