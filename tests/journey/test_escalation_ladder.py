"""Tiers, contacts and minutes."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from steadyhand.journey.escalation.ladder import Contact, Ladder, Tier


def tier(name: str, **given: object) -> Tier:
    return Tier.model_validate({"name": name, "contacts": [{"type": "phone", "user": name}]} | given)


def test_beyond_the_last_rung_it_stays_the_last_for_as_many_repeats() -> None:
    ladder = Ladder(tiers=(tier("a"), tier("b")), repeat=2)
    assert [ladder.tier(rung).name for rung in range(5)] == ["a", "b", "b", "b", "b"]
    assert [ladder.has_next(rung) for rung in range(5)] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("given", "expected"), [(15, 15), (0.5, 0.5), ("15m", 15), ("1h30m", 90), (timedelta(minutes=2), 2)]
)
def test_a_plain_number_is_minutes(given: object, expected: float) -> None:
    assert tier("a", escalate_after=given).escalate_after == timedelta(minutes=expected)


@pytest.mark.parametrize(
    "given", ["soon", "", True, -1, "-5m", float("inf"), float("nan"), 1e300, "999999999999h"]
)
def test_what_is_no_duration_is_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        tier("a", escalate_after=given)


def test_no_rung_without_anybody_and_no_ladder_without_a_rung() -> None:
    with pytest.raises(ValidationError):
        tier("a", contacts=[])
    with pytest.raises(ValidationError):
        Ladder(tiers=())


@pytest.mark.parametrize("key", ["target", "channel", "user", "address", "service", "url"])
def test_any_one_field_says_whom(key: str) -> None:
    assert Contact.model_validate({"type": "slack", key: "x"}).whom == "x"


def test_a_contact_may_name_nobody_where_the_channel_knows() -> None:
    assert Contact(type="console").whom == ""
