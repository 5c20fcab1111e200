"""It changes hands: snoozed, given to somebody else, delegated, and taken up again when nothing is heard."""

from datetime import timedelta

import pytest
from journey.incident_case import LADDER, NOW, Case, investigated, plan, said_yes

from steadyhand.journey.approval.guardrails import Allow
from steadyhand.journey.commands import Disarm, Send, Unsend
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Tier
from steadyhand.journey.escalation.people import Reach
from steadyhand.journey.incident.state import (
    Acknowledged,
    ApprovalSilent,
    ClosedByHuman,
    ContactSilent,
    Decided,
    Delegated,
    Escalated,
    Event,
    MessageFailed,
    PlanChosen,
    QuietOver,
    Reassigned,
    RolloutEnded,
    RolloutStarted,
    Snoozed,
    TierSilent,
)

HALF = timedelta(minutes=30)
ACK = Acknowledged(by="ana", via="console")
OVER = QuietOver(due_at=NOW)
CY = Reach(who="cy", contacts=(Contact(type="slack", user="cy"), Contact(type="sms", address="+cy")))
TO_CY = Reassigned(by="ana", via="console", to=CY)


def forgetful() -> Case:
    """An answer holds for half an hour."""
    return Case(ladder=LADDER.model_copy(update={"unack_after": HALF}))


def snoozed(minutes: int = 60) -> Case:
    return Case().after(Snoozed(by="ana", via="console", until=NOW + timedelta(minutes=minutes)))


# snooze


def test_a_snooze_stops_the_ladder_until_its_instant() -> None:
    case = snoozed()
    assert case.incident.acked_by == "ana"
    assert case.of(Unsend) == [Unsend()]
    assert case.of(Disarm)[0].kinds == ("escalate", "reach", "help")
    assert case.armed == {"resume": NOW + timedelta(minutes=60)}
    assert case.after(TierSilent(rung=0, due_at=NOW)).asked == ()


def test_when_a_snooze_is_over_the_same_rung_is_told_again_by_another_message() -> None:
    opened = Case()
    first = opened.of(Send)[0].key
    case = opened.after(Snoozed(by="ana", via="console", until=NOW + HALF)).after(OVER, minutes=30)
    assert case.pages == ["ana"]
    assert case.of(Send)[0].key != first
    assert (case.incident.acked_by, case.incident.rung) == ("", 0)
    assert case.armed["escalate"] == case.now + timedelta(minutes=15)
    assert "The snooze of ana is over." in case.of(Send)[0].body


def test_a_snooze_into_the_past_or_of_what_is_over_changes_nothing() -> None:
    late = Snoozed(by="ana", via="console", until=NOW)
    assert Case().after(late).asked == ()
    closed = Case().after(ClosedByHuman(by="ana", via="console", why="a drill"))
    assert closed.after(Snoozed(by="ana", via="console", until=NOW + HALF)).asked == ()


def test_a_clock_that_comes_early_or_too_late_wakes_nobody() -> None:
    assert snoozed().after(OVER, minutes=59).asked == ()
    closed = snoozed().after(ClosedByHuman(by="ana", via="console", why="a drill"))
    assert closed.after(OVER, minutes=60).asked == ()
    assert Case().after(OVER).asked == ()


# an answer that is not followed by anything


def test_without_the_rule_an_answer_holds_for_good() -> None:
    assert "resume" not in Case().after(ACK).armed


def test_when_nothing_is_heard_of_whoever_has_it_the_same_rung_is_told_again() -> None:
    case = forgetful().after(TierSilent(rung=0, due_at=NOW), minutes=15).after(ACK)
    assert case.armed["resume"] == case.now + HALF
    case.after(OVER, minutes=30)
    assert (case.pages, case.incident.rung) == (["bo"], 1)
    assert case.actions == ["incident.unacknowledged"]


@pytest.mark.parametrize(
    "event",
    [
        ACK,
        Acknowledged(by="bo", via="console"),
        Escalated(by="ana", why="help"),
        Reassigned(by="bo", via="console", to=Reach(who="bo", contacts=CY.contacts)),
    ],
)
def test_whatever_a_person_does_the_answer_s_time_begins_anew(event: Event) -> None:
    case = forgetful().after(ACK).after(event, minutes=20)
    assert case.armed["resume"] == case.now + HALF
    assert case.after(OVER, minutes=29).asked == ()


def test_what_machines_do_says_nothing_of_whoever_has_it() -> None:
    case = forgetful().after(ACK).after(investigated(plan()), minutes=20)
    assert "resume" not in case.armed
    chosen = PlanChosen(plan=plan(id="plan-2"), verdict=Allow(reasons=("x",)), by="model")
    assert "resume" not in case.after(chosen).armed


def test_nobody_is_woken_while_a_fix_is_on_its_way() -> None:
    case = forgetful().after(investigated(plan())).after(Decided(decision=said_yes(plan())))
    assert case.armed["resume"] == case.now + HALF
    case.after(RolloutStarted(rollout="roll-1")).after(OVER, minutes=30)
    assert (case.pages, case.armed) == ([], {"resume": case.now + HALF})


# given to somebody else


def test_whoever_it_is_given_to_is_told_and_has_the_rung_s_time() -> None:
    case = Case().after(ACK).after(TO_CY, minutes=3)
    assert case.incident.acked_by == ""
    assert [one.target for one in case.of(Send)] == ["cy"]
    assert case.armed == {
        "reach": case.now + timedelta(minutes=5),
        "escalate": case.now + timedelta(minutes=15),
    }
    assert case.after(TierSilent(rung=0, due_at=NOW)).pages == ["bo"]


def test_whoever_takes_it_for_themselves_has_it() -> None:
    case = Case().after(Reassigned(by="cy", via="console", to=CY))
    assert (case.incident.acked_by, case.pages, case.armed) == ("cy", [], {})


def test_one_who_cannot_be_reached_sends_it_up_at_once() -> None:
    case = Case().after(TO_CY)
    for channel, target in (("slack", "cy"), ("sms", "+cy")):
        key = f"inc-1:0:page:0.1::{channel}:{target}"
        case.after(MessageFailed(key=key, channel=channel, target=target, subject="s", body="b", why="gone"))
    assert case.pages == ["bo"]


def test_what_is_over_is_given_to_nobody() -> None:
    assert Case().after(ClosedByHuman(by="ana", via="console", why="a drill")).after(TO_CY).asked == ()


# a question handed to another approver


def test_a_delegate_is_asked_and_the_deadline_stays() -> None:
    case = Case().after(investigated(plan()))
    due = case.armed["approval"]
    case.after(Delegated(plan="plan-1", by="ana", via="console", to=CY), minutes=2)
    assert case.armed == {}
    assert [one.target for one in case.of(Send)] == ["cy"]
    assert case.incident.delegate == "cy"
    assert case.after(ApprovalSilent(plan="plan-1", due_at=due), minutes=3).pages == ["bo"]


def test_a_delegate_who_cannot_be_reached_is_tried_by_the_next_way() -> None:
    case = Case().after(investigated(plan())).after(Delegated(plan="plan-1", by="ana", via="c", to=CY))
    send = case.of(Send)[0]
    given = send.model_dump(include={"key", "channel", "target", "subject", "body"})
    case.after(MessageFailed.model_validate(given | {"why": "gone"}))
    assert [one.target for one in case.of(Send)] == ["+cy"]


def test_a_question_that_is_past_is_handed_to_nobody() -> None:
    case = Case().after(investigated(plan())).after(Decided(decision=said_yes(plan())))
    assert case.after(Delegated(plan="plan-1", by="ana", via="console", to=CY)).asked == ()


# turns


def test_round_robin_goes_round_and_keeps_the_others_ready() -> None:
    ladder = LADDER.model_copy(
        update={
            "tiers": (
                Tier(
                    name="crew",
                    notify="round_robin",
                    contacts=tuple(Contact(type="phone", user=one) for one in ("ana", "bo", "cy")),
                ),
            )
        }
    )
    assert [Case(ladder=ladder, turn=turn).pages for turn in range(4)] == [["ana"], ["bo"], ["cy"], ["ana"]]
    case = Case(ladder=ladder, turn=2)
    case.after(ContactSilent(rung=0, who="phone cy", tried=1, due_at=case.now), minutes=5)
    assert case.pages == ["ana"]


def test_a_snooze_that_ends_while_a_fix_is_on_its_way_is_looked_at_again_later() -> None:
    case = Case().after(investigated(plan(), verdict=Allow(reasons=("guarded",))))
    case.after(Snoozed(by="ana", via="console", until=NOW + HALF)).after(OVER, minutes=30)
    assert case.armed == {"resume": case.now + timedelta(minutes=5)}
    case.after(RolloutEnded(rollout="roll-1", outcome="reverted", reason="Worse.")).after(OVER, minutes=5)
    assert case.pages == ["ana"]


def test_an_answer_to_the_question_ends_a_snooze_and_its_clock_wakes_nobody() -> None:
    case = Case().after(investigated(plan())).after(Snoozed(by="ana", via="c", until=NOW + HALF))
    case.after(Decided(decision=said_yes(plan(), answer="reject", reason="no")))
    assert case.after(OVER, minutes=30).asked == ()
    assert case.incident.acked_by == "ana"
