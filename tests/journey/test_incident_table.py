"""The table of states is the reducer: each event in every state moves as a row says, and each row happens."""

from collections.abc import Callable
from datetime import timedelta
from typing import get_args

import pytest
from journey.incident_case import LADDER, NOW, Case, alert, investigated, plan, said_yes

from steadyhand.journey.approval.guardrails import Allow, AskHuman, Refuse
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.people import Reach
from steadyhand.journey.incident.lifecycle import (
    ATTENTION_MOVES,
    ATTENTIONS,
    MOVES,
    STATUSES,
    Move,
    as_markdown,
    attention,
)
from steadyhand.journey.incident.state import (
    Acknowledged,
    AlertsSeen,
    ApprovalSilent,
    ClosedByHuman,
    ContactSilent,
    Decided,
    Delegated,
    Escalated,
    Event,
    Incident,
    InvestigationFailed,
    MessageArrived,
    MessageFailed,
    PlanChosen,
    QuietLongEnough,
    QuietOver,
    Reassigned,
    RolloutEnded,
    RolloutMoved,
    RolloutStarted,
    SeverityChanged,
    ShiftsChanged,
    Snoozed,
    Status,
    TierSilent,
    UpdateDue,
    UpdateWritten,
)

ASK, ALLOW, REFUSE = (kind(reasons=("why",)) for kind in (AskHuman, Allow, Refuse))
ACK = Acknowledged(by="ana", via="console")
STARTED = RolloutStarted(rollout="roll-1")
ENDED = {
    outcome: RolloutEnded(rollout="roll-1", outcome=outcome, reason="why")
    for outcome in ("verified", "reverted", "stuck")
}
MESSAGE = {"key": "inc-1:0:page:0::phone:ana", "channel": "phone", "target": "ana"}


def asked() -> Case:
    return Case().after(investigated(plan()))


def rolling() -> Case:
    return Case().after(investigated(plan(), verdict=ALLOW)).after(STARTED)


STATES: dict[str, Callable[[], Case]] = {
    "investigating": Case,
    "awaiting_approval": asked,
    "rolling_out": rolling,
    "needs_human, nothing proposed": lambda: Case().after(investigated()),
    "needs_human, after a no": lambda: asked().after(
        Decided(decision=said_yes(plan(), answer="reject", reason="no"))
    ),
    "resolved": lambda: rolling().after(ENDED["verified"], minutes=1),
}
OVER = AlertsSeen(alerts=(alert(status="resolved"),))
HAD: dict[str, Callable[[], Case]] = STATES | {
    f"{name}, acknowledged": lambda made=made: made().after(ACK) for name, made in STATES.items()
}
CASES: dict[str, Callable[[], Case]] = HAD | {
    f"{name}, its alerts over": lambda made=made: made().after(OVER) for name, made in HAD.items()
}


SNOOZE = Snoozed(by="ana", via="console", until=NOW + timedelta(minutes=3))
SHORT = LADDER.model_copy(update={"unack_after": timedelta(minutes=3)})
CASES |= {f"{name}, snoozed": lambda made=made: made().after(SNOOZE) for name, made in STATES.items()}
CASES |= {"acknowledged for three minutes": lambda: Case(ladder=SHORT).after(ACK)}


def reassigned(to: str) -> Reassigned:
    reach = Reach(who=to, contacts=(Contact(type="phone", user=to),))
    return Reassigned(by="ana", via="console", to=reach)


def severity(case: Case) -> SeverityChanged:
    return SeverityChanged(
        severity="SEV1", why="w", by="ana", kind="human", via="c", policy=case.incident.policy
    )


def events(case: Case) -> list[Event]:
    """Every kind of event, in every case of it that the reducer tells apart."""
    incident, no = case.incident, said_yes(plan(), answer="reject", reason="no")
    other = plan(id="plan-2")
    return [
        AlertsSeen(alerts=(alert(),)),
        AlertsSeen(alerts=(alert(status="resolved"),)),
        AlertsSeen(alerts=(alert("Other", starts_at=NOW + timedelta(minutes=5)),)),
        QuietLongEnough(),
        severity(case),
        ACK,
        TierSilent(rung=incident.rung, due_at=NOW),
        Snoozed(by="ana", via="console", until=NOW + timedelta(hours=1)),
        reassigned("ana"),
        reassigned("cy"),
        QuietOver(due_at=NOW),
        ShiftsChanged(schedule="primary", changes=(), people=(), by="ana", via="console", what="w"),
        Delegated(plan=incident.plan, by="ana", via="console", to=reassigned("cy").to),
        ContactSilent(rung=incident.rung, who="phone ana", tried=1, due_at=NOW),
        MessageFailed(**MESSAGE, subject="s", body="b", why="w"),
        MessageArrived(**MESSAGE, how="seen"),
        investigated(),
        *(investigated(plan(), verdict=one) for one in (ASK, ALLOW, REFUSE)),
        InvestigationFailed(why="w"),
        *(PlanChosen(plan=one, verdict=v, by="ana") for one in (plan(), other) for v in (ASK, ALLOW, REFUSE)),
        Decided(decision=said_yes(plan())),
        Decided(decision=said_yes(plan(), by="policy", via="guardrails")),
        Decided(decision=no),
        ApprovalSilent(plan=incident.plan, due_at=NOW),
        STARTED,
        RolloutMoved(rollout="roll-1", phase="watching", note="n"),
        *ENDED.values(),
        Escalated(by="model", why="w"),
        ClosedByHuman(by="ana", via="console", why="w"),
        UpdateDue(number=incident.updates, due_at=NOW),
        UpdateWritten(by="ana", via="console", text="w"),
    ]


def seen(where: Callable[[Incident], str]) -> set[tuple[str, type, str]]:
    """Every move from one state to another that the reducer makes."""
    moves = set()
    for made in CASES.values():
        for event in events(made()):
            case = made()
            before = where(case.incident)
            after = where(case.after(event, minutes=5).incident)
            if before != after:
                moves.add((before, type(event), after))
    return moves


def written(moves: tuple[Move, ...]) -> set[tuple[str, type, str]]:
    return {(one.before, one.event, one.after) for one in moves}


def test_every_kind_of_event_and_every_state_is_driven() -> None:
    assert {type(one) for one in events(Case())} == set(get_args(Event))
    assert {made().incident.status for made in CASES.values()} == set(STATUSES) == set(get_args(Status))
    assert {attention(made().incident) for made in CASES.values()} == set(ATTENTIONS)


def test_the_reducer_moves_the_status_exactly_as_the_table_says() -> None:
    assert seen(lambda incident: incident.status) == written(MOVES)


def test_the_reducer_moves_the_attention_exactly_as_the_table_says() -> None:
    assert seen(attention) == written(ATTENTION_MOVES)


def test_no_row_stands_twice_and_each_names_known_states() -> None:
    assert len(set(MOVES)) == len(MOVES)
    assert {name for one in MOVES for name in (one.before, one.after)} == set(STATUSES)
    assert {name for one in ATTENTION_MOVES for name in (one.before, one.after)} == set(ATTENTIONS)


@pytest.mark.parametrize("name", [*STATUSES, *ATTENTIONS])
def test_every_state_stands_on_the_page(name: str) -> None:
    assert f"| `{name}` | " in as_markdown()


def test_a_rollout_that_ends_after_its_incident_went_on_changes_nothing() -> None:
    case = asked().after(ENDED["verified"])
    assert case.incident.status == "awaiting_approval"
    assert case.actions == ["rollout.ended"]
