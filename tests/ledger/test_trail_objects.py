"""A line of the trail says what it is about, and which state the incident had before and after it."""

import hashlib
from pathlib import Path

import pytest
from stories.night import Night

from steadyhand.journey.audit.entry import Entry, object_of
from steadyhand.journey.audit.proof import find_problem
from steadyhand.journey.commands import Record
from steadyhand.journey.incident.state import Acknowledged
from steadyhand.responder.alerts.intake import tell_incident


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path)


def trail(night: Night, incident: str) -> list[Entry]:
    with night.outside.ledger.read() as tx:
        assert find_problem(tx.audit.rows()) == ""
        return list(tx.trail(incident))


def test_the_states_of_an_incident_follow_one_another_without_a_gap(night: Night) -> None:
    incident = night.alert()
    tell_incident(night.outside, incident, Acknowledged(by="ana", via="test"))
    night.propose(incident)
    changes = [(one.before_hash, one.after_hash) for one in trail(night, incident) if one.after_hash]
    steps = list(dict.fromkeys(changes))
    assert steps[0][0] == ""
    assert [before for before, _ in steps[1:]] == [after for _, after in steps[:-1]]
    assert len(steps) == 3


def test_the_last_state_is_the_one_that_is_stored(night: Night) -> None:
    incident = night.alert()
    with night.outside.ledger.write() as tx:
        stored = tx.rows_of(incident)["incident"][0]["state"]
    assert trail(night, incident)[-1].after_hash == hashlib.sha256(stored.encode()).hexdigest()


def test_a_line_names_its_plan_its_message_or_its_incident(night: Night) -> None:
    incident = night.alert()
    plan = night.propose(incident)
    about = {one.action: one.object for one in trail(night, incident)}
    assert about["incident.opened"] == f"incident:{incident}"
    assert object_of(Record(action="plan.approved", body={"plan": plan.id}), incident) == f"plan:{plan.id}"
    assert object_of(Record(action="trail.joined"), "") == ""


def test_rows_of_a_release_that_knew_none_of_this_hold_as_they_are(night: Night) -> None:
    night.alert()
    later = ("object", "before_hash", "after_hash")
    with night.outside.ledger.write() as tx:
        tx.audit.join(night.clock.now())
    with night.outside.ledger.read() as tx:
        (joint,) = (dict(one) for one in tx.audit.rows("") if one["action"] == "trail.joined")
    assert [joint[one] for one in later] == ["", "", ""]
    old = {name: value for name, value in joint.items() if name not in later} | {"seq": 1}
    assert find_problem([joint | {"seq": 1}]) == find_problem([old])
