"""How often one telephone rings: the limits, whatever comes in whatever order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from steadyhand.journey.escalation.throttle import ThrottleRule

NOW = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
RULE = ThrottleRule()


def minutes(*ago: float) -> list[datetime]:
    return [NOW - timedelta(minutes=one) for one in ago]


def test_the_first_page_leaves_at_once_and_the_next_a_minute_later() -> None:
    assert RULE.earliest("sms", [], NOW, first=True) == NOW
    assert RULE.earliest("sms", minutes(0.25), NOW, first=True) == NOW + timedelta(seconds=45)
    assert RULE.earliest("sms", minutes(1), NOW, first=False) == NOW


def test_more_about_a_known_incident_waits_for_the_longest_limit_and_a_new_one_does_not() -> None:
    assert RULE.earliest("phone", minutes(10, 5, 2), NOW, first=False) == NOW + timedelta(minutes=5)
    assert RULE.earliest("phone", minutes(10, 5, 2), NOW, first=True) == NOW
    assert RULE.earliest("sms", minutes(10, 5, 2), NOW, first=False) == NOW


def test_a_channel_without_limits_is_not_held_back() -> None:
    assert RULE.earliest("slack", minutes(0, 0, 0), NOW, first=False) == NOW


@given(gaps=st.lists(st.integers(0, 900), max_size=60), channel=st.sampled_from(["sms", "phone"]))
def test_no_limit_is_ever_passed(gaps: list[int], channel: str) -> None:
    sent: list[datetime] = []
    at = NOW
    for gap in gaps:
        at = RULE.earliest(channel, sent, at + timedelta(seconds=gap), first=False)
        sent.append(at)
    for limit in RULE.limits[channel]:
        for first in sent:
            within = [one for one in sent if first <= one < first + limit.within]
            assert len(within) <= limit.most
