"""What would keep a page from somebody is said before it matters."""

from datetime import UTC, datetime, timedelta
from typing import Any

from steadyhand.journey.escalation.readiness import problems, timeline, unused
from steadyhand.responder.rules import Rules

NOW = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)
SMS = {"type": "sms", "address": "+49"}


def rules(**given: Any) -> Rules:
    base = {
        "people": [
            {"name": "ana", "contacts": [SMS]},
            {"name": "bo", "contacts": [{"type": "slack", "user": "B"}]},
        ],
        "schedules": [
            {
                "name": "primary",
                "time_zone": "UTC",
                "layers": [{"people": ["ana"], "starts": "2026-01-05T00:00"}],
            }
        ],
        "escalation": {
            "tiers": [
                {"name": "first", "contacts": [{"schedule": "primary"}], "escalate_after": 5},
                {"name": "second", "contacts": [{"person": "bo"}]},
            ],
            "repeat": 0,
        },
    }
    return Rules.model_validate(base | given)


def found(of: Rules, *usable: str) -> tuple[str, ...]:
    ladders = [of.policy("SEV1").ladder]
    return problems(ladders, of.people, of.schedules, usable or ("console", "sms", "slack"), NOW)


def test_a_sound_set_up_has_no_problem() -> None:
    assert found(rules()) == ()


def test_a_person_without_a_way_is_named() -> None:
    people = [{"name": "ana"}, {"name": "bo", "contacts": [SMS]}]
    assert found(rules(people=people)) == (
        "escalation tiers, tier first: nobody is on call now: it is passed over at once",
        "people ana: no contact rule: a page to them is lost",
    )


def test_a_person_whose_ways_have_no_channel_is_named() -> None:
    assert found(rules(), "console", "slack") == (
        "people ana: none of their ways has a channel under connections.channels (sms)",
        "people ana: connections.channels has no sms",
    )


def test_gaps_of_a_schedule_are_told_with_their_instants() -> None:
    layer = {
        "people": ["ana"],
        "starts": "2026-01-05T00:00",
        "hours": [{"starts": "08:00", "ends": "20:00"}],
    }
    schedules = [{"name": "primary", "time_zone": "UTC", "layers": [layer]}]
    said = found(rules(schedules=schedules))
    assert said[0] == ("schedules primary: nobody is on call from 2026-01-07 20:00 to 2026-01-08 08:00 UTC")
    assert said[-1] == "schedules primary: and 25 more gaps within 28 days"


def test_the_timeline_names_who_is_on_call_at_each_instant() -> None:
    of = rules()
    told = timeline(of.policy("SEV1").ladder, "SEV1", NOW, escalates=True)
    assert [(one.at - NOW, one.tier, [who.who for who in one.whom]) for one in told] == [
        (timedelta(), "first", ["ana"]),
        (timedelta(minutes=5), "second", ["bo"]),
        (timedelta(minutes=35), "last_resort", ["ana", "bo"]),
    ]
    once = timeline(of.policy("SEV3").ladder, "SEV3", NOW, escalates=False)
    assert [one.tier for one in once] == ["first"]


def test_a_tier_with_nobody_on_call_takes_no_time() -> None:
    before = datetime(2026, 1, 4, tzinfo=UTC)
    told = timeline(rules().policy("SEV1").ladder, "SEV1", before, escalates=True)
    assert [(one.tier, one.at == before) for one in told[:2]] == [("first", True), ("second", True)]
    assert told[0].whom == ()


def test_a_running_incident_keeps_only_those_its_ladder_names() -> None:
    of = rules(people=[{"name": one, "contacts": [SMS]} for one in ("ana", "bo", "cy")])
    assert [one.name for one in of.policy("SEV1").ladder.people] == ["ana", "bo"]


def test_a_tier_that_cannot_be_answered_or_has_no_time_is_named() -> None:
    first = {"name": "first", "contacts": [{"person": "ana"}], "acknowledgements": 3, "escalate_after": 0}
    assert found(rules(escalation={"tiers": [first], "repeat": 0})) == (
        "escalation tiers, tier first: escalate_after is 0: the next tier is told at the same moment",
        "escalation tiers, tier first: 3 must acknowledge and 1 are told: its ladder cannot be stopped there",
    )
    first["contacts"], first["escalate_after"] = [{"type": "slack", "channel": "#all"}], 5
    assert found(rules(escalation={"tiers": [first], "repeat": 0})) == ()  # a channel may hold many


def test_a_policy_that_no_incident_climbs_is_named() -> None:
    tiers = [{"name": "a", "contacts": [SMS]}]
    policies = [{"name": one, "tiers": tiers, "last_resort": [SMS]} for one in ("first", "used", "lost")]
    of = rules(escalation={"policies": policies, "assign": [{"policy": "used", "severities": ["SEV1"]}]})
    assert list(unused(of.escalation)) == [
        "escalation: no row of assign names the policy 'lost': no incident climbs it"
    ]
