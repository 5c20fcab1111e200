"""What an older release wrote keeps its meaning; what a newer one wrote is left alone."""

import json
from datetime import timedelta

import pytest
from incident_case import Case, alert
from stories.night import RULES

from steadyhand.journey.incident.state import Incident
from steadyhand.journey.incident.versions import MACHINE, UPGRADES, NewerMachine, read_incident
from steadyhand.testing.clock import START

FIRST = {
    "id": "inc-1",
    "version": 2,
    "service": "shop",
    "title": "HighErrorRate",
    "severity": "SEV2",
    "severity_why": "a major feature is broken",
    "opened_at": START.isoformat(),
    "policy": {
        "ladder": {"tiers": [], "repeat": 1},
        "treatment": {"auto_escalate": True, "create_war_room": False, "notify_stakeholders": False},
        "approval": {"answer_within": "5m", "approvers": ["approver"]},
        "relapse": "10m",
    },
}


def tier(name: str, minutes: int) -> dict[str, object]:
    return {"name": name, "contacts": [{"type": "phone", "user": name}], "escalate_after": f"{minutes}m"}


def of_first_release(*tiers: dict[str, object], repeat: int) -> Incident:
    policy = {**FIRST["policy"], "ladder": {"tiers": list(tiers), "repeat": repeat}}
    return read_incident(json.dumps({**FIRST, "policy": policy}), 1)


def climbed(incident: Incident) -> list[tuple[list[str], timedelta]]:
    """Who is told at each rung, and how long they have, to the last one that anybody climbs to."""
    ladder, rung, found = incident.policy.ladder, 0, []
    while True:
        one = ladder.tier(rung)
        found.append(([str(contact.whom) for contact in one.contacts], one.escalate_after))
        if not (incident.policy.treatment.auto_escalate and ladder.has_next(rung)):
            return found
        rung += 1


def test_there_is_a_way_up_from_every_machine_there_ever_was() -> None:
    assert sorted(UPGRADES) == list(range(1, MACHINE))


@pytest.mark.parametrize("repeat", [0, 1, 3])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_first_release_told_its_last_tier_again_and_that_stays_so(count: int, repeat: int) -> None:
    tiers = [tier(f"t{number}", 10 * number) for number in range(1, count + 1)]
    told = [who for who, _ in climbed(of_first_release(*tiers, repeat=repeat))]
    assert told == [[f"t{min(rung, count)}"] for rung in range(1, count + repeat + 1)]


def test_the_time_each_tier_has_stays_what_it_was() -> None:
    incident = of_first_release(tier("ana", 15), tier("bo", 30), repeat=1)
    assert [minutes for _, minutes in climbed(incident)][:2] == [timedelta(minutes=15), timedelta(minutes=30)]


def test_what_this_release_wrote_is_read_as_it_is() -> None:
    incident = of_first_release(tier("ana", 15), repeat=1).model_copy(
        update={"policy": RULES.policy("SEV2", "shop")}
    )
    assert read_incident(incident.model_dump_json(), MACHINE) == incident


def test_what_a_newer_release_wrote_is_named_and_not_guessed_at() -> None:
    with pytest.raises(NewerMachine, match="inc-1 was written by a newer release"):
        read_incident(json.dumps({**FIRST, "unheard": "of"}), MACHINE + 1)


def test_an_alert_that_speaks_like_a_policy_is_not_taken_for_one() -> None:
    words = ',"policy":{"ladder":{"tiers":[]}}'
    spoken = alert(words, labels={"app": "shop", "policy": '{"ladder":', words: words})
    before = Case().incident.model_copy(update={"alerts": (spoken,), "title": words, "note": words})
    assert read_incident(before.model_dump_json(), MACHINE) == before


def test_of_two_incidents_read_after_each_other_each_keeps_its_own_policy() -> None:
    first, second = Case().incident, Case(rules={"close_after": timedelta(hours=7)}).incident
    for one in (first, second, first):
        assert read_incident(one.model_dump_json(), MACHINE) == one
