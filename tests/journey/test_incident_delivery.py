"""What became of a message decides what is done next: the next way, the next person, the next rung."""

from datetime import timedelta
from typing import Any

from journey.incident_case import NOW, Case

from steadyhand.journey.commands import Record, Send
from steadyhand.journey.escalation.contact import Contact, NamedPerson
from steadyhand.journey.escalation.ladder import Ladder, Tier
from steadyhand.journey.escalation.people import PersonRule
from steadyhand.journey.incident.state import (
    Acknowledged,
    ContactSilent,
    MessageArrived,
    MessageFailed,
    TierSilent,
)

SLACK = Contact(type="slack", user="U-ANA")
SMS = Contact(type="sms", address="+49-ana")
PEOPLE = (
    PersonRule(name="ana", contacts=(SLACK, SMS), by_severity={"SEV1": (SMS,)}),
    PersonRule(name="bo", contacts=(Contact(type="sms", address="+49-bo"),)),
    PersonRule(name="mute"),
)


def tier(*people: str, **given: Any) -> Tier:
    return Tier(name=people[0], contacts=tuple(NamedPerson(person=one) for one in people), **given)


def case(*tiers: Tier, **given: Any) -> Case:
    return Case(ladder=Ladder(tiers=tiers, people=PEOPLE, repeat=0), **given)


def failed(send: Send, why: str = "no receipt within 60 s") -> MessageFailed:
    given = send.model_dump(include={"key", "channel", "target", "subject", "body"})
    return MessageFailed.model_validate(given | {"why": why})


def ways(of: Case) -> list[str]:
    return [f"{one.channel} {one.target}" for one in of.of(Send)]


def test_a_person_is_told_by_their_first_way_and_the_next_is_kept_ready() -> None:
    one = case(tier("ana"))
    assert ways(one) == ["slack U-ANA"]
    assert one.armed["reach"] == one.now + timedelta(minutes=5)


def test_a_severity_may_have_its_own_order() -> None:
    ladder = Ladder(tiers=(tier("ana"),), people=PEOPLE)
    assert ladder.reach(ladder.tier(0), "SEV1", NOW)[0].contacts == (SMS,)


def test_a_message_that_failed_goes_out_by_the_next_way_at_once() -> None:
    one = case(tier("ana"), tier("bo"))
    first = one.of(Send)[0]
    one.after(failed(first))
    assert ways(one) == ["sms +49-ana"]
    assert one.of(Send)[0].body == first.body
    assert one.of(Send)[0].key != first.key
    assert one.actions == ["message.lost"]


def test_when_nobody_can_be_reached_the_next_rung_is_told_at_once() -> None:
    one = case(tier("ana"), tier("bo"))
    first = one.of(Send)[0]
    second = one.after(failed(first)).of(Send)[0]
    one.after(failed(second))
    assert ways(one) == ["sms +49-bo"]
    assert one.actions == ["message.lost", "person.unreachable", "incident.escalated"]
    assert "Nobody of ana can be reached." in one.of(Send)[0].body


def test_nobody_reachable_goes_up_even_where_the_severity_does_not_escalate() -> None:
    one = case(tier("bo"), tier("ana"), escalates=False)
    one.after(failed(one.of(Send)[0]))
    assert ways(one) == ["slack U-ANA"]


def test_one_who_is_reached_keeps_the_rung() -> None:
    one = case(tier("bo", "ana"), tier("ana"))
    one.after(failed(one.of(Send)[0]))
    assert one.actions == ["message.lost", "person.unreachable"]
    assert one.incident.rung == 0


def test_the_same_failure_told_twice_counts_once() -> None:
    one = case(tier("bo", "ana"))
    send = one.of(Send)[0]
    one.after(failed(send)).after(failed(send))
    assert one.incident.lost == ("bo",)


def test_a_failure_after_an_answer_is_only_recorded() -> None:
    one = case(tier("ana"))
    send = one.of(Send)[0]
    one.after(Acknowledged(by="bo", via="console")).after(failed(send))
    assert (ways(one), one.actions) == ([], ["message.lost"])


def test_a_failure_of_a_page_of_a_rung_before_does_not_climb() -> None:
    one = case(tier("bo"), tier("ana"))
    send = one.of(Send)[0]
    one.after(TierSilent(rung=0, due_at=one.now)).after(failed(send))
    assert one.incident.rung == 1
    assert one.actions == ["message.lost"]


def test_arrival_is_recorded_and_is_no_answer() -> None:
    one = case(tier("ana"))
    send = one.of(Send)[0]
    one.after(MessageArrived(key=send.key, channel="slack", target="U-ANA", how="seen"))
    assert one.actions == ["message.seen"]
    assert one.incident.acked_by == ""


def test_a_silent_person_is_tried_by_the_next_way() -> None:
    one = case(tier("ana"))
    one.after(ContactSilent(rung=0, who="ana", tried=1, due_at=one.now), minutes=5)
    assert ways(one) == ["sms +49-ana"]
    assert "reach" not in one.armed
    assert one.after(ContactSilent(rung=0, who="ana", tried=2, due_at=one.now)).asked == ()


def test_a_clock_of_a_way_that_is_past_changes_nothing() -> None:
    one = case(tier("ana"), tier("bo"))
    silent = ContactSilent(rung=0, who="ana", tried=1, due_at=one.now)
    one.after(TierSilent(rung=0, due_at=one.now))
    assert one.after(silent).asked == ()
    answered = case(tier("ana")).after(Acknowledged(by="ana", via="console"))
    assert answered.after(silent).asked == ()


def test_any_means_one_after_the_other() -> None:
    one = case(tier("bo", "ana", notify="any"))
    assert ways(one) == ["sms +49-bo"]
    one.after(ContactSilent(rung=0, who="bo", tried=1, due_at=one.now), minutes=5)
    assert ways(one) == ["slack U-ANA"]
    assert one.actions == ["escalation.next_person"]


def test_any_calls_the_next_at_once_when_one_cannot_be_reached() -> None:
    one = case(tier("bo", "ana", notify="any"))
    one.after(failed(one.of(Send)[0]))
    assert ways(one) == ["slack U-ANA"]
    assert one.incident.rung == 0


def test_a_tier_with_nobody_to_reach_is_an_error_and_the_next_is_told_at_once() -> None:
    one = case(tier("mute"), tier("bo"))
    assert ways(one) == ["sms +49-bo"]
    assert one.actions == ["incident.opened", "escalation.empty_tier"]
    assert one.incident.rung == 1


def test_a_ladder_with_nobody_at_all_says_so() -> None:
    one = case(tier("mute"))
    assert ways(one) == []
    assert "escalation.exhausted" in one.actions


def test_one_of_two_acknowledgements_does_not_silence_the_other() -> None:
    one = case(tier("bo", "ana", acknowledgements=2), tier("bo"))
    one.after(Acknowledged(by="bo", via="console"))
    assert one.incident.acked_by == ""
    (said,) = one.of(Record)
    assert said.body["acknowledgements"] == "1 of 2"
    (again,) = one.after(Acknowledged(by="bo", via="console")).of(Record)
    assert again.body["acknowledgements"] == "1 of 2"
    assert one.incident.acked_by == ""
    one.after(ContactSilent(rung=0, who="ana", tried=1, due_at=one.now))
    assert ways(one) == ["sms +49-ana"]
    one.after(Acknowledged(by="ana", via="console"))
    assert one.incident.acked_by == "bo, ana"
