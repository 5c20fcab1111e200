"""Those around an incident: whoever was paged, the war room, and stakeholders."""

from datetime import timedelta

from journey.incident_case import NOW, Case, alert

from steadyhand.journey.commands import Arm, Disarm, FollowUp, Send
from steadyhand.journey.escalation.audience import StakeholderRule, WarRoomRule, room_name
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Ladder, Tier
from steadyhand.journey.incident.state import (
    Acknowledged,
    AlertsSeen,
    ClosedByHuman,
    TierSilent,
    UpdateDue,
    UpdateWritten,
)
from steadyhand.journey.incident.updates import draft

ACK = Acknowledged(by="ana", via="test")
CLOSE = ClosedByHuman(by="ana", via="test", why="fixed by hand")
BOARD = StakeholderRule(contacts=(Contact(type="email", address="board@example.org"),))
ROOM = WarRoomRule(channel="slack", invite=("U-LEAD",))
SLACKERS = Ladder(
    tiers=(
        Tier(name="on_call", contacts=(Contact(type="slack", user="U-ANA"),)),
        Tier(name="lead", contacts=(Contact(type="slack", user="U-BO"), Contact(type="phone", user="bo"))),
    )
)


def informed() -> Case:
    return Case(rules={"stakeholders": BOARD}, treatment={"notify_stakeholders": True})


def roomy() -> Case:
    return Case(ladder=SLACKERS, rules={"war_room": ROOM}, treatment={"create_war_room": True})


def notes(case: Case) -> list[Send]:
    return [one for one in case.of(Send) if one.act == "note"]


def due(case: Case, number: int) -> UpdateDue:
    return UpdateDue(number=number, due_at=case.now)


def test_whoever_was_paged_hears_that_somebody_has_it_and_that_it_is_over() -> None:
    case = Case().after(ACK)
    (ack,) = case.of(FollowUp)
    assert (ack.act, ack.thread, ack.body) == ("acknowledged", "inc-1:0", "HighErrorRate: ana has it.")
    (over,) = case.after(CLOSE).of(FollowUp)
    assert (over.act, over.thread) == ("resolved", "inc-1:0")
    assert "fixed by hand" in over.body
    assert case.after(ACK).of(FollowUp) == []


def test_stakeholders_hear_at_once_what_hurts_how_it_stands_and_when_they_hear_more() -> None:
    case = informed()
    (note,) = notes(case)
    assert (note.channel, note.target) == ("email", "board@example.org")
    assert "an important part of it fails or is very slow (SEV2)" in note.body
    assert "We are looking for the cause." in note.body
    assert "Next update at 03:00 UTC" in note.body
    assert case.armed["update"] == NOW + timedelta(hours=1)


def test_updates_come_at_the_pace_of_the_severity_until_the_last_one() -> None:
    case = informed().after(due(informed(), 1), hours=1)
    assert len(notes(case)) == 1
    assert case.armed["update"] == NOW + timedelta(hours=2)
    (last,) = notes(case.after(CLOSE, minutes=30))
    assert "It is over since 03:30 UTC. It lasted 1h30m." in last.body
    assert "last update" in last.body
    assert any("update" in one.kinds for one in case.of(Disarm))
    assert notes(case.after(due(case, 2), hours=1)) == []


def test_an_update_of_before_changes_nothing() -> None:
    case = informed().after(due(informed(), 1))
    assert notes(case.after(due(case, 1))) == []


def test_a_late_update_says_so() -> None:
    case = informed()
    (note,) = notes(case.after(UpdateDue(number=1, due_at=NOW + timedelta(hours=1)), hours=2))
    assert "This update is late by 3600 s." in note.body


def test_a_person_s_words_go_out_in_place_of_the_next_update() -> None:
    case = informed().after(UpdateWritten(by="ana", via="terminal", text="Checkout works again."), minutes=20)
    (note,) = notes(case)
    assert "Status: Checkout works again." in note.body
    assert case.armed["update"] == NOW + timedelta(minutes=80)
    assert "stakeholders.updated" in case.actions
    assert "We are looking" in draft(case.incident, case.now)


def test_a_relapse_tells_stakeholders_anew() -> None:
    case = informed().after(CLOSE)
    case.after(AlertsSeen(alerts=(alert(starts_at=case.now + timedelta(minutes=1)),)), minutes=2)
    (note,) = notes(case)
    assert note.subject.startswith("Incident:")
    assert ":1:update:1:" in note.key


def test_nobody_is_kept_informed_who_was_not_named() -> None:
    assert notes(Case(treatment={"notify_stakeholders": True})) == []
    assert notes(Case(rules={"stakeholders": BOARD})) == []
    case = Case().after(UpdateWritten(by="ana", via="terminal", text="x"))
    assert case.actions == ["stakeholders.none"]


def test_a_war_room_is_opened_in_steps_of_which_none_waits_for_another() -> None:
    case = roomy()
    steps = {one.act: one for one in case.of(Send) if one.thread == "inc-1:room"}
    assert set(steps) == {"room", "topic", "pin", "invite"}
    assert {one.target for one in steps.values()} == {"inc-1-shop"}
    invited = [one.body for one in case.of(Send) if one.act == "invite"]
    assert invited == ["U-LEAD", "U-ANA"]
    assert case.pages == ["U-ANA"]


def test_whoever_is_paged_later_comes_into_the_room_later() -> None:
    case = roomy().after(TierSilent(rung=0, due_at=NOW + timedelta(minutes=30)), minutes=30)
    assert [one.body for one in case.of(Send) if one.act == "invite"] == ["U-BO"]
    assert [one for one in case.of(Send) if one.act == "room"] == []


def test_the_topic_says_how_things_stand() -> None:
    case = roomy().after(ACK)
    (topic,) = [one for one in case.of(Send) if one.act == "topic"]
    assert "ana has it" in topic.body
    (over,) = [one for one in case.after(CLOSE).of(Send) if one.act == "topic"]
    assert "resolved" in over.body


def test_there_is_no_room_where_none_is_asked_for_or_none_can_be() -> None:
    for case in (Case(treatment={"create_war_room": True}), Case(rules={"war_room": ROOM})):
        assert [one for one in case.of(Send) if one.act == "room"] == []


def test_a_room_s_name_carries_the_incident_and_fits_a_chat() -> None:
    assert room_name("inc-1a2b", "Shop.EU / Checkout") == "inc-1a2b-shop-eu-checkout"
    assert len(room_name("inc-1", "x" * 200)) == 80


def test_commands_of_an_audience_come_after_those_of_the_incident() -> None:
    kinds = [type(one) for one in roomy().asked]
    assert kinds.index(Arm) < max(place for place, one in enumerate(kinds) if one is Send)
