"""Tiers, contacts and minutes."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Ladder, Tier


def tier(name: str, **given: object) -> Tier:
    return Tier.model_validate({"name": name, "contacts": [{"type": "phone", "user": name}]} | given)


def test_all_tiers_come_again_and_then_everybody_at_once() -> None:
    ladder = Ladder(tiers=(tier("a"), tier("b")), repeat=1)
    assert [ladder.tier(rung).name for rung in range(6)] == ["a", "b", "a", "b", "last_resort", "last_resort"]
    assert [ladder.has_next(rung) for rung in range(6)] == [True, True, True, True, False, False]
    assert [one.whom for one in ladder.tier(4).contacts] == ["a", "b"]


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
