"""The states of an incident and every way from one to another, as one table.

An incident stands in two ways at once: how far the work on it is, its status, and who has it, its attention.
The reducer obeys this table: a test lets every event happen in every state, and compares what it sees with
these rows both ways.
"""

from typing import Literal, NamedTuple

from steadyhand.journey.incident.state import (
    Acknowledged,
    AlertsSeen,
    ClosedByHuman,
    Decided,
    Event,
    Incident,
    Investigated,
    InvestigationFailed,
    PlanChosen,
    QuietLongEnough,
    QuietOver,
    Reassigned,
    RolloutEnded,
    Snoozed,
    Status,
)

Attention = Literal["triggered", "acknowledged", "snoozed", "recovered", "over"]

STATUSES: dict[Status, str] = {
    "investigating": "evidence is being read",
    "awaiting_approval": "a fix waits for a human's yes",
    "rolling_out": "the fix is on its way, or being verified",
    "needs_human": "no safe next step without a person",
    "resolved": "the numbers that hurt have recovered, it was quiet for long enough, or a person closed it",
}
ATTENTIONS: dict[Attention, str] = {
    "triggered": "nobody has it yet: the ladder climbs",
    "acknowledged": "somebody has it: nobody else is woken",
    "snoozed": "somebody has it and put it off: the ladder waits until then",
    "recovered": "all its alerts are over: nobody is woken, and it closes by itself",
    "over": "it is resolved: no clock runs",
}


class Move(NamedTuple):
    """One way from a state to another: on which event, and in which case of it."""

    before: str
    event: type[Event]
    when: str
    after: str


MOVES: tuple[Move, ...] = (
    Move("investigating", Investigated, "a fix is known and a human must agree", "awaiting_approval"),
    Move("investigating", Investigated, "a fix is known and the policy consents", "rolling_out"),
    Move("investigating", Investigated, "no safe fix is known, or the guardrails refuse it", "needs_human"),
    Move("investigating", InvestigationFailed, "no evidence could be read", "needs_human"),
    Move("awaiting_approval", Decided, "the answer is yes", "rolling_out"),
    Move("awaiting_approval", Decided, "the answer is no", "needs_human"),
    Move("awaiting_approval", PlanChosen, "another plan, and the policy consents", "rolling_out"),
    Move("awaiting_approval", PlanChosen, "another plan, and the guardrails refuse it", "needs_human"),
    Move("needs_human", PlanChosen, "a plan, and a human must agree", "awaiting_approval"),
    Move("needs_human", PlanChosen, "a plan, and the policy consents", "rolling_out"),
    Move("needs_human", AlertsSeen, "something new fires and no fix was proposed yet", "investigating"),
    Move("rolling_out", RolloutEnded, "verified", "resolved"),
    Move("rolling_out", RolloutEnded, "taken back, or stuck", "needs_human"),
    *(
        Move(one, QuietLongEnough, "all its alerts stayed over", "resolved")
        for one in ("investigating", "awaiting_approval", "needs_human")
    ),
    Move("investigating", ClosedByHuman, "", "resolved"),
    Move("awaiting_approval", ClosedByHuman, "", "resolved"),
    Move("needs_human", ClosedByHuman, "", "resolved"),
    Move("resolved", AlertsSeen, "it fires again within the time of relapse", "investigating"),
)

_OVER = "all its alerts are over, and no rollout is under way"

ATTENTION_MOVES: tuple[Move, ...] = (
    Move("triggered", Acknowledged, "by as many as the tier wants", "acknowledged"),
    Move("triggered", Decided, "a person answers the question", "acknowledged"),
    Move("triggered", ClosedByHuman, "", "over"),
    Move("triggered", RolloutEnded, "verified", "over"),
    Move("triggered", Reassigned, "somebody takes it for themselves", "acknowledged"),
    Move("triggered", Snoozed, "", "snoozed"),
    Move("acknowledged", Snoozed, "", "snoozed"),
    Move("acknowledged", Reassigned, "to somebody else, who is told", "triggered"),
    Move("acknowledged", QuietOver, "nothing was heard for the time of `unack_after`", "triggered"),
    Move("snoozed", QuietOver, "its instant has come", "triggered"),
    Move("snoozed", Reassigned, "to somebody else, who is told", "triggered"),
    Move("snoozed", Reassigned, "somebody takes it for themselves", "acknowledged"),
    Move("snoozed", Decided, "a person answers the question", "acknowledged"),
    Move("snoozed", ClosedByHuman, "", "over"),
    Move("snoozed", RolloutEnded, "verified", "over"),
    Move("triggered", AlertsSeen, _OVER, "recovered"),
    Move("acknowledged", AlertsSeen, _OVER, "recovered"),
    Move("snoozed", AlertsSeen, _OVER, "recovered"),
    Move("recovered", AlertsSeen, "one fires again, and nobody had it", "triggered"),
    Move("recovered", AlertsSeen, "one fires again, and somebody had it", "acknowledged"),
    Move("recovered", QuietLongEnough, "", "over"),
    Move("recovered", ClosedByHuman, "", "over"),
    Move("acknowledged", ClosedByHuman, "", "over"),
    Move("acknowledged", RolloutEnded, "verified", "over"),
    Move("over", AlertsSeen, "it fires again within the time of relapse", "triggered"),
)


def attention(incident: Incident) -> Attention:
    """Who has it."""
    if incident.status == "resolved":
        return "over"
    if incident.recovered_at is not None:
        return "recovered"
    if not incident.acked_by:
        return "triggered"
    return "snoozed" if incident.snoozed else "acknowledged"


def as_markdown() -> str:
    """The tables as a page of the documentation shows them."""
    parts = (
        _meanings("status", STATUSES),
        _moves("from", MOVES),
        "Who has it, beside the status:",
        _meanings("attention", ATTENTIONS),
        _moves("from", ATTENTION_MOVES),
        "Every other event leaves the state as it is: it is counted, recorded, or comes too late.",
    )
    return "\n\n".join(parts)


def _meanings(head: str, words: dict[Status, str] | dict[Attention, str]) -> str:
    rows = "\n".join(f"| `{name}` | {means} |" for name, means in words.items())
    return f"| {head} | means |\n|---|---|\n{rows}"


def _moves(head: str, moves: tuple[Move, ...]) -> str:
    rows = "\n".join(
        f"| `{one.before}` | {one.event.__name__} | {one.when} | `{one.after}` |" for one in moves
    )
    return f"| {head} | event | when | to |\n|---|---|---|---|\n{rows}"
