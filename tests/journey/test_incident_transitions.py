"""The table of transitions, event by event. An event that comes too late changes nothing."""

from datetime import timedelta

import pytest
from journey.incident_case import ASK, NOW, Case, alert, investigated, plan, said_yes

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.approval.guardrails import Allow, Refuse
from steadyhand.journey.commands import Consent, Disarm, FollowUp, Unsend
from steadyhand.journey.incident.paging import EVERY, LADDER
from steadyhand.journey.incident.state import (
    Acknowledged,
    AlertsSeen,
    ApprovalSilent,
    ClosedByHuman,
    Decided,
    Escalated,
    Event,
    InvestigationFailed,
    PlanChosen,
    RolloutEnded,
    RolloutMoved,
    RolloutStarted,
    TierSilent,
)

ALLOW = Allow(reasons=("guarded",))
REFUSE = Refuse(reasons=("frozen: shop", "more"))
ACK = Acknowledged(by="ana", via="console")
CLOSE = ClosedByHuman(by="ana", via="console", why="a drill")
VERIFIED = RolloutEnded(rollout="roll-1", outcome="verified", reason="Recovered.")


def asked() -> Case:
    """An incident with an open question."""
    return Case().after(investigated(plan()), seconds=20)


def approved() -> Case:
    return asked().after(Decided(decision=said_yes(plan())), seconds=10)


def resolved() -> Case:
    return approved().after(RolloutStarted(rollout="roll-1")).after(VERIFIED, seconds=60)


def silent(rung: int = 0) -> TierSilent:
    return TierSilent(rung=rung, due_at=NOW + timedelta(minutes=15))


def seen(name: str = "HighErrorRate", **changes: object) -> AlertsSeen:
    return AlertsSeen(alerts=(alert(name, **changes),))


# opening


def test_an_incident_opens_with_a_page_a_clock_and_a_look() -> None:
    case = Case()
    assert case.actions == ["incident.opened"]
    assert case.pages == ["ana"]
    assert case.armed == {"escalate": NOW + timedelta(minutes=15), "investigate": NOW}
    assert case.incident.milestones == {"started": NOW, "detected": NOW}
    assert case.incident.firing


def test_a_severity_that_does_not_escalate_sets_no_clock() -> None:
    assert set(Case(escalates=False).armed) == {"investigate"}


# alerts


def test_a_repeat_is_counted_and_restarts_no_clock() -> None:
    case = Case().after(seen(), minutes=1)
    assert case.incident.repeats == 1
    assert case.asked == ()


def test_another_alert_of_the_service_joins_and_is_recorded() -> None:
    case = Case().after(seen("SlowAnswers"))
    assert case.actions == ["alert.seen"]
    assert len(case.incident.alerts) == 2
    assert case.told == []


def test_an_alert_that_resolves_is_noted_and_settles_nothing_by_itself() -> None:
    case = Case().after(seen(status="resolved"))
    assert (case.incident.firing, case.incident.status) == (False, "investigating")


def test_something_new_makes_us_look_again_while_nothing_is_proposed() -> None:
    stuck = Case().after(investigated())
    assert stuck.incident.status == "needs_human"
    assert stuck.after(seen("SlowAnswers")).incident.status == "investigating"
    assert set(stuck.armed) == {"investigate"}


def test_in_a_storm_the_evidence_is_not_read_again_for_each_new_alert() -> None:
    stuck = Case().after(investigated())
    read_at = stuck.incident.milestones["evidence_ready"]
    stuck.after(seen("SlowAnswers"))
    assert stuck.armed["investigate"] == read_at + timedelta(seconds=15)


def test_something_new_beside_a_proposal_is_only_recorded() -> None:
    refused = Case().after(investigated(plan(), verdict=REFUSE))
    assert refused.after(seen("SlowAnswers")).armed == {}


def test_a_relapse_reopens_pages_anew_and_forgets_the_acknowledgement() -> None:
    case = resolved().after(seen(status="resolved")).after(seen(starts_at=NOW + timedelta(minutes=5)))
    assert (case.incident.status, case.incident.episode, case.incident.rung) == ("investigating", 1, 0)
    assert case.incident.acked_by == ""
    assert case.pages == ["ana"]
    assert set(case.armed) == {"escalate", "investigate"}
    assert "resolved" not in case.incident.milestones


def test_the_same_episode_said_again_after_the_end_wakes_nobody() -> None:
    """A monitor needs a while to see that it is over; until then it repeats itself."""
    case = resolved().after(seen(), seconds=30)
    assert case.incident.status == "resolved"
    assert case.asked == ()
    assert case.incident.repeats == 1


def test_an_episode_that_began_after_the_end_is_a_relapse_although_no_resolution_was_seen() -> None:
    case = resolved().after(seen(starts_at=NOW + timedelta(minutes=3)), minutes=3)
    assert case.incident.episode == 1


# acknowledging and escalating


def test_an_acknowledgement_stops_the_ladder_and_takes_pages_back() -> None:
    case = Case().after(ACK)
    assert case.of(Disarm)[0].kinds == LADDER
    assert case.of(Unsend) == [Unsend()]
    assert case.incident.acked_by == "ana"
    assert case.after(silent(), minutes=15).asked == ()


def test_a_second_acknowledgement_changes_nothing() -> None:
    case = Case().after(ACK).after(Acknowledged(by="bo", via="console"))
    assert (case.incident.acked_by, case.asked) == ("ana", ())


def test_silence_wakes_the_next_rung_and_says_how_late() -> None:
    case = Case().after(silent(), minutes=16)
    assert case.pages == ["bo"]
    assert "on_call did not answer (late by 60 s)." in case.asked[1].body
    assert case.armed["escalate"] == case.now + timedelta(minutes=30)


def test_a_clock_of_a_rung_that_is_past_changes_nothing() -> None:
    case = Case().after(silent(), minutes=15)
    assert case.after(silent(), minutes=1).asked == ()


def test_all_rungs_are_told_again_then_everybody_and_then_the_ladder_ends() -> None:
    case = Case().after(silent(0)).after(silent(1))
    assert case.pages == ["ana"]
    assert case.after(silent(2)).pages == ["bo"]
    assert case.after(silent(3)).pages == ["ana", "bo"]
    assert case.armed == {}
    assert case.after(silent(4)).actions == ["escalation.exhausted"]


def test_somebody_may_ask_for_help_at_once_even_after_an_acknowledgement() -> None:
    case = Case().after(ACK).after(Escalated(by="ana", why="the disk is full"))
    assert case.pages == ["bo"]
    assert case.asked[0].actor_kind == "human"


def test_help_that_the_model_asks_for_is_recorded_as_its_own() -> None:
    case = Case().after(Escalated(by="model", why="no fix is known"))
    assert (case.asked[0].actor, case.asked[0].actor_kind) == ("model", "agent")
    assert Case().after(silent()).asked[0].actor_kind == "system"


def test_nobody_is_called_for_an_incident_that_is_over() -> None:
    case = resolved().after(Escalated(by="ana", why="?"))
    assert case.pages == []
    assert resolved().after(silent()).asked == ()
    assert resolved().after(ACK).asked == ()


# evidence, plans and answers


def test_the_best_plan_becomes_a_question_with_a_deadline() -> None:
    case = asked()
    assert case.incident.status == "awaiting_approval"
    assert case.armed == {"approval": case.now + timedelta(minutes=5)}
    assert case.told == ["ana"]
    assert case.actions == ["incident.diagnosed", "guardrail.verdict"]


def test_the_onset_in_the_evidence_is_the_start() -> None:
    earlier = NOW - timedelta(seconds=90)
    assert Case().after(investigated(started_at=earlier)).incident.milestones["started"] == earlier


@pytest.mark.parametrize("event", [investigated(), InvestigationFailed(why="the store was away")])
def test_without_a_plan_a_human_is_told(event: Event) -> None:
    case = Case().after(event)
    assert case.incident.status == "needs_human"
    assert case.told == ["ana"]


@pytest.mark.parametrize("event", [investigated(plan()), InvestigationFailed(why="late")])
def test_evidence_that_comes_too_late_changes_nothing(event: Event) -> None:
    assert Case().after(CLOSE).after(event).asked == ()


def test_a_refused_plan_goes_to_a_human_with_the_first_reason() -> None:
    case = Case().after(investigated(plan(), verdict=REFUSE))
    assert (case.incident.status, case.incident.note) == ("needs_human", "Refused: frozen: shop.")


def test_a_plan_the_policy_consents_to_starts_and_its_consent_is_kept() -> None:
    case = Case().after(investigated(plan(), verdict=ALLOW))
    assert case.incident.status == "rolling_out"
    assert set(case.armed) == {"rollout"}
    assert case.of(Consent)[0].decision.plan == "plan-1"


def test_the_policy_acknowledges_nothing_the_clock_runs_on() -> None:
    case = Case().after(investigated(plan(), verdict=ALLOW))
    assert case.incident.acked_by == ""
    assert case.of(Unsend) == []
    assert [one.kinds for one in case.of(Disarm)] == [("approval",)]
    assert case.after(silent(), minutes=15).pages == ["bo"]


def test_an_approval_starts_the_rollout_acknowledges_and_quiets() -> None:
    case = approved()
    assert case.incident.status == "rolling_out"
    assert case.incident.acked_by == "ana"
    assert case.actions == ["plan.approved"]
    assert case.of(Disarm)[0].kinds == ("approval", *LADDER)
    assert set(case.armed) == {"rollout"}


def test_a_rejection_gives_the_reason_to_the_humans() -> None:
    case = asked().after(Decided(decision=said_yes(plan(), answer="reject", reason="not tonight")))
    assert case.incident.note == "ana said no: not tonight"
    assert case.actions == ["plan.rejected", "plan.set_aside"]


def test_an_answer_to_another_question_changes_nothing() -> None:
    assert asked().after(Decided(decision=said_yes(plan(id="plan-2")))).asked == ()
    assert approved().after(Decided(decision=said_yes(plan()))).asked == ()


def test_another_plan_may_be_put_once_and_is_listed_once() -> None:
    other = PlanChosen(plan=plan(id="plan-2"), verdict=ASK, by="model")
    case = asked().after(other).after(other)
    assert case.incident.plans == ("plan-1", "plan-2")
    assert case.incident.plan == "plan-2"


def test_no_other_plan_is_put_while_one_is_carried_out() -> None:
    case = approved().after(PlanChosen(plan=plan(id="plan-2"), verdict=ASK, by="model"))
    assert case.actions == ["plan.refused"]
    assert case.incident.plan == "plan-1"


def test_an_unanswered_question_is_put_to_the_next_rung_and_stays_open() -> None:
    due = NOW + timedelta(minutes=5)
    case = asked().after(ApprovalSilent(plan="plan-1", due_at=due), minutes=5)
    assert case.incident.status == "awaiting_approval"
    assert case.pages == ["bo"]
    assert case.armed["approval"] == case.now + timedelta(minutes=5)


def test_a_rung_called_by_a_question_has_its_own_clock_for_when_the_question_is_gone() -> None:
    case = asked().after(ApprovalSilent(plan="plan-1", due_at=NOW), minutes=5)
    assert case.armed["escalate"] == case.now + timedelta(minutes=30)
    case.after(PlanChosen(plan=plan(id="plan-2"), verdict=REFUSE, by="model"))
    assert case.after(silent(1), minutes=30).pages == ["ana"]


def test_a_question_nobody_is_left_for_is_recorded() -> None:
    case = asked()
    for _ in range(4):
        case.after(ApprovalSilent(plan="plan-1", due_at=NOW), minutes=5)
    assert case.after(ApprovalSilent(plan="plan-1", due_at=NOW)).actions == ["approval.unanswered"]
    assert case.armed == {}


def test_a_question_that_is_past_asks_nobody() -> None:
    assert approved().after(ApprovalSilent(plan="plan-1", due_at=NOW)).asked == ()
    assert asked().after(ApprovalSilent(plan="plan-0", due_at=NOW)).asked == ()


# the rollout


def test_a_rollout_counts_as_an_attempt_and_its_steps_are_noted() -> None:
    case = approved().after(RolloutStarted(rollout="roll-1"))
    assert case.incident.attempts == 1
    case.after(RolloutMoved(rollout="roll-1", phase="watching", note="5 %"))
    assert "fully_out" not in case.incident.milestones
    case.after(RolloutMoved(rollout="roll-1", phase="verifying", note="all"))
    assert case.incident.milestones["fully_out"] == case.now
    assert case.incident.note == "all"


def test_a_verified_fix_resolves_tells_and_takes_pages_back() -> None:
    case = resolved()
    assert case.incident.status == "resolved"
    assert [one.act for one in case.of(FollowUp)] == ["resolved"]
    assert case.of(Disarm)[0].kinds == EVERY
    assert case.of(Unsend) == [Unsend()]


def test_a_fix_taken_back_is_told_and_one_that_is_stuck_wakes_somebody() -> None:
    back = approved().after(RolloutEnded(rollout="roll-1", outcome="reverted", reason="Worse."))
    assert (back.incident.status, back.told, back.pages) == ("needs_human", ["ana"], [])
    stuck = approved().after(RolloutEnded(rollout="roll-1", outcome="stuck", reason="No answer."))
    assert stuck.pages == ["ana"]


# closing


def test_a_human_may_close_and_every_clock_and_waiting_page_goes_with_it() -> None:
    case = asked().after(CLOSE)
    assert case.incident.status == "resolved"
    assert case.of(Disarm)[0].kinds == EVERY
    assert case.of(Unsend) == [Unsend()]


@pytest.mark.parametrize("case", [approved(), resolved()], ids=["rolling out", "resolved"])
def test_nobody_closes_what_is_rolling_out_or_over(case: Case) -> None:
    status = case.incident.status
    assert case.after(CLOSE).actions == ["incident.close_refused"]
    assert case.incident.status == status


def test_the_keys_of_two_episodes_differ() -> None:
    first = Case().asked
    again = resolved().after(seen("Other")).asked
    keys = [one.key for asked in (first, again) for one in asked if hasattr(one, "subject")]
    assert len(set(keys)) == len(keys) == 2


def test_an_alert_is_cut_to_size_by_refusal_not_in_silence() -> None:
    with pytest.raises(ValueError, match="at most 255"):
        Alert.model_validate(alert().model_dump() | {"dedup_key": "k" * 256})
