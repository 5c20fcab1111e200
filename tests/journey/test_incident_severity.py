"""A severity that changes: by whom it may, who is told, and which clock runs afterwards."""

from datetime import timedelta

import pytest
from journey.incident_case import NOW, Case, alert

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.commands import ActorKind, Disarm
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Ladder, SeverityTreatment, Tier
from steadyhand.journey.incident.paging import LADDER
from steadyhand.journey.incident.state import Acknowledged, AlertsSeen, ClosedByHuman, Policy, SeverityChanged

LADDERS: dict[str, Ladder] = {
    "SEV1": Ladder(
        tiers=(
            Tier(
                name="on-call and manager",
                contacts=(Contact(type="phone", target="ana"), Contact(type="phone", target="max")),
                escalate_after=timedelta(minutes=30),
            ),
        )
    ),
    "SEV3": Ladder(
        tiers=(
            Tier(
                name="team-channel",
                contacts=(Contact(type="slack", channel="#team"),),
                escalate_after=timedelta(hours=8),
            ),
        )
    ),
}
WORDS: dict[ActorKind, tuple[str, str]] = {
    "human": ("ana", "console"),
    "agent": ("model", "mcp"),
    "system": ("steadyhand", "service"),
}


def said(
    case: Case, severity: Severity, kind: ActorKind = "human", why: str = "half of all orders fail"
) -> SeverityChanged:
    by, via = WORDS[kind]
    treatment = SeverityTreatment(auto_escalate=severity != "SEV3")
    old = case.incident.policy
    policy = Policy(
        ladder=LADDERS.get(severity, old.ladder),
        treatment=treatment,
        approval=old.approval.model_copy(update={"answer_within": timedelta(hours=9)}),
        relapse=old.relapse,
    )
    return SeverityChanged(severity=severity, why=why, by=by, kind=kind, via=via, policy=policy)


def changed(severity: Severity, kind: ActorKind = "human", case: Case | None = None) -> Case:
    case = case or Case()
    return case.after(said(case, severity, kind), minutes=5)


@pytest.mark.parametrize("kind", list(WORDS))
def test_raising_calls_whom_the_graver_one_is_for_and_restarts_its_clock(kind: ActorKind) -> None:
    case = changed("SEV1", kind)
    assert (case.incident.severity, case.incident.severity_by, case.incident.rung) == ("SEV1", kind, 0)
    assert case.pages == ["ana", "max"]
    assert case.armed["escalate"] == NOW + timedelta(minutes=35)
    assert case.of(Disarm)[0].kinds == LADDER
    assert case.actions == ["severity.changed"]


def test_lowering_wakes_nobody_and_is_shown_to_everybody_told_so_far() -> None:
    case = changed("SEV3", "agent")
    assert (case.pages, case.told) == ([], ["ana"])
    assert case.armed == {}  # this one does not escalate by itself
    assert case.of(Disarm)[0].kinds == LADDER
    assert case.incident.severity_why == "half of all orders fail (by model)"


def test_the_record_says_from_what_to_what_why_and_by_whom() -> None:
    case = changed("SEV1", "agent")
    record = next(one for one in case.asked if getattr(one, "action", "") == "severity.changed")
    assert record.model_dump(exclude_defaults=True) == {
        "action": "severity.changed",
        "actor": "model",
        "actor_kind": "agent",
        "via": "mcp",
        "body": {"from": "SEV2", "to": "SEV1", "why": "half of all orders fail"},
    }


def test_an_open_question_keeps_the_rules_it_was_asked_under() -> None:
    case = Case()
    before = case.incident.policy.approval
    assert changed("SEV1", case=case).incident.policy.approval == before


def test_once_somebody_has_it_a_graver_severity_tells_and_wakes_nobody() -> None:
    case = changed("SEV1", case=Case().after(Acknowledged(by="ana", via="console")))
    assert (case.pages, case.told, case.armed) == ([], ["ana", "max"], {})
    assert case.incident.acked_by == "ana"


@pytest.mark.parametrize(
    ("first", "then", "kind", "why"),
    [
        ("SEV1", "SEV3", "system", "a person has set it"),
        ("SEV1", "SEV3", "agent", "a person has set it"),
        ("SEV3", "SEV1", "system", "a person has set it"),
    ],
)
def test_a_persons_word_is_not_lowered_by_a_model_nor_overruled_by_a_figure(
    first: Severity, then: Severity, kind: ActorKind, why: str
) -> None:
    case = changed(first)
    case = changed(then, kind, case)
    assert case.incident.severity == first
    record = case.asked[0]
    assert (record.action, record.body["refused"]) == ("severity.refused", why)
    assert len(case.asked) == 1


def test_a_model_may_raise_even_what_a_person_has_set() -> None:
    assert changed("SEV1", "agent", changed("SEV3")).incident.severity == "SEV1"


def test_a_measurement_raises_and_never_lowers() -> None:
    assert changed("SEV1", "system").incident.severity == "SEV1"
    assert changed("SEV3", "system").actions == ["severity.refused"]


def test_without_a_reason_or_after_the_end_nothing_changes() -> None:
    case = Case()
    assert case.after(said(case, "SEV1", why=" ")).actions == ["severity.refused"]
    over = Case().after(ClosedByHuman(by="ana", via="console", why="a drill"))
    assert changed("SEV1", case=over).actions == ["severity.refused"]
    assert over.incident.severity == "SEV2"


def test_the_same_severity_again_is_no_change() -> None:
    assert changed("SEV2").asked == ()


def test_a_page_after_a_change_is_another_page() -> None:
    keys = [one.key for one in changed("SEV1").asked if hasattr(one, "subject")]
    again = [one.key for one in changed("SEV1", case=changed("SEV3")).asked if hasattr(one, "subject")]
    assert not set(keys) & set(again)


def test_a_relapse_keeps_the_severity_that_was_set() -> None:
    case = changed("SEV1").after(ClosedByHuman(by="ana", via="console", why="fixed"))
    back = case.after(AlertsSeen(alerts=(alert("Other"),)), minutes=1)
    assert (back.incident.status, back.incident.severity, back.pages) == (
        "investigating",
        "SEV1",
        ["ana", "max"],
    )
