"""How bad it is follows what users feel; whoever changes it says why, and everybody told learns of it."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from steadyhand.journey.alert.impact import Impact
from steadyhand.journey.alert.rule import EnrichmentRule
from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Tier
from steadyhand.journey.escalation.policy import Assignment, EscalationPolicy, EscalationRule
from steadyhand.journey.remedy.goals import GoalRule
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.investigation.grading import Voice, grade, regrade
from steadyhand.tools.server import build_server
from stories.night import ERRORS, RULES, TIERS, Night

MANAGER = Tier(
    name="manager",
    contacts=(Contact(type="phone", user="max"),),
    escalate_after=timedelta(minutes=30),
)
GRAVE = EscalationPolicy(name="grave", tiers=(MANAGER,), last_resort=(Contact(type="phone", user="max"),))
RULE = EscalationRule(
    tiers=TIERS, policies=(GRAVE,), assign=(Assignment(policy="grave", severities=("SEV1",)),)
)
NIGHT = RULES.model_copy(
    update={
        "escalation": RULE,
        "goals": {"shop": (GoalRule(name="errors", kind="errors", expression=ERRORS, bound=0.02),)},
    }
)
ANA = Voice("ana", "human", "console")
MODEL = Voice("model", "agent", "mcp")


@pytest.fixture
def night(tmp_path: Path) -> Night:
    night = Night(tmp_path, NIGHT)
    night.hire()
    return night


def rung(night: Night, who: str) -> list[str]:
    return [one.subject for one in night.phone.rings if one.target == who]


def severity_of(night: Night, incident: str) -> Severity:
    return night.view(incident).incident.severity


def test_an_outage_that_is_measured_wakes_the_people_of_an_outage(night: Night) -> None:
    async def story() -> None:
        night.users.override = 0.7
        incident = night.alert()
        assert severity_of(night, incident) == "SEV2"  # all that is known is the source's word
        await night.turn()
        await night.turn()
        seen = night.view(incident).incident
        assert seen.severity == "SEV1"
        assert "0.7 of answers fail" in seen.severity_why
        assert rung(night, "max")
        assert "severity.changed" in night.actions(incident)

    asyncio.run(story())


@pytest.fixture
def informed(tmp_path: Path) -> Night:
    """Pages wait up to five seconds for what is measured."""
    given = NIGHT.model_copy(update={"enrichment": EnrichmentRule(deadline=timedelta(seconds=5))})
    return Night(tmp_path, given)


async def turns(night: Night) -> None:
    for _ in range(5):
        await night.turn()


def test_an_outage_measured_within_seconds_wakes_only_the_people_of_an_outage(informed: Night) -> None:
    async def story() -> None:
        night = informed
        night.users.override = 0.7
        incident = night.alert()
        night.leave_alone(incident)
        await turns(night)
        (page,) = (one for one in night.phone.rings if ":page:" in one.key)
        assert (page.target, page.subject) == ("max", "SEV1 shop: HighErrorRate")
        assert "HighErrorRate is firing. You are manager: answer within 15m." in page.body
        assert "Now 0.7" in page.body
        assert not rung(night, "ana")
        await night.leap(minutes=16)
        assert not rung(night, "bo"), "no clock of the SEV2 runs on"

    asyncio.run(story())


def test_a_warning_that_users_do_not_feel_is_minor_before_anybody_hears_of_it(informed: Night) -> None:
    async def story() -> None:
        night = informed
        night.users.override = 0.0
        incident = night.alert(severity="warning")
        assert severity_of(night, incident) == "SEV2"
        night.leave_alone(incident)
        await turns(night)
        assert severity_of(night, incident) == "SEV3"
        assert rung(night, "ana") == ["SEV3 shop: HighErrorRate"]

    asyncio.run(story())


def test_once_a_page_has_left_a_measurement_lowers_nothing(informed: Night) -> None:
    async def story() -> None:
        night = informed
        night.users.blind = True
        incident = night.alert(severity="warning")
        night.leave_alone(incident)
        await turns(night)
        assert rung(night, "ana") == ["SEV2 shop: HighErrorRate"]
        calm = Impact(failed=0.0, complete=True)
        with night.outside.ledger.write() as tx:
            before = tx.incident(incident)
            assert before is not None
            assert regrade(night.outside, tx, before, calm, night.clock.now()).severity == "SEV2"

    asyncio.run(story())


def test_a_first_look_that_is_quicker_than_the_page_changes_what_waits(informed: Night) -> None:
    async def story() -> None:
        night = informed
        incident = night.alert()
        with night.outside.ledger.write() as tx:
            tx.disarm(f"{incident}:enrich")
            before = tx.incident(incident)
            assert before is not None
            regrade(night.outside, tx, before, Impact(failed=0.7), night.clock.now())
        night.leave_alone(incident)
        await turns(night)
        assert not night.phone.rings, "it waits for what is known, as before"
        await night.leap(seconds=5)
        assert [one.target for one in night.phone.rings] == ["max"]

    asyncio.run(story())


def test_what_nobody_measured_changes_nothing(night: Night) -> None:
    async def story() -> None:
        night.users.blind = True
        incident = night.alert()
        await night.turn()
        assert severity_of(night, incident) == "SEV2"
        assert "severity.changed" not in night.actions(incident)

    asyncio.run(story())


def test_the_clock_of_the_new_severity_runs_and_not_the_old_one(night: Night) -> None:
    async def story() -> None:
        night.users.blind = True
        incident = night.alert()
        await night.turn()
        grade(night.outside, incident, "SEV1", "checkout is down for everybody", ANA)
        await night.leap(minutes=16)
        assert not rung(night, "bo")  # the second rung of a SEV2, due after 15 minutes
        before = len(rung(night, "max"))
        await night.leap(minutes=15)
        assert len(rung(night, "max")) > before

    asyncio.run(story())


def test_a_model_that_lowers_is_shown_to_humans_and_cannot_lower_their_word(night: Night) -> None:
    async def story() -> None:
        night.users.blind = True
        incident = night.alert()
        await night.turn()
        grade(night.outside, incident, "SEV3", "one customer, and there is a way around it", MODEL)
        await night.turn()
        await night.turn()  # to one phone one message at a time
        assert any("SEV3 shop: was SEV2" in one for one in rung(night, "ana"))
        grade(night.outside, incident, "SEV2", "no: ten customers", ANA)
        with pytest.raises(Refused, match="stays SEV2: a person has set it"):
            grade(night.outside, incident, "SEV4", "cosmetic, I think", MODEL)
        assert severity_of(night, incident) == "SEV2"
        assert night.actions(incident).count("severity.refused") == 1

    asyncio.run(story())


def test_the_model_says_a_severity_with_the_tool_that_escalates(night: Night) -> None:
    night.users.blind = True
    incident = night.alert()
    server = build_server(night.outside, {})

    async def call(**arguments: str) -> object:
        return await server.call_tool("escalate_incident", {"incident_id": incident, **arguments})

    said = str(asyncio.run(call(severity="SEV1", reason="orders are lost")))
    assert f"{incident} is SEV1" in said
    assert "phone max" in said
    entry = next(one for one in night.view(incident).trail if one.action == "severity.changed")
    assert (entry.actor, entry.actor_kind, entry.via) == ("model", "agent", "mcp")
    assert entry.body == {"from": "SEV2", "to": "SEV1", "why": "orders are lost"}
