"""The states of an incident and every way from one to another, as one table.

An incident stands in two ways at once: how far the work on it is, its status, and who has it, its attention.
The reducer obeys this table: a test lets every event happen in every state, and compares what it sees with
these rows both ways.
"""

from typing import Literal, NamedTuple

from steadyhand.journey.incident.state import (
    Acknowledged,
    AlertSeen,
    ClosedByHuman,
    Decided,
    Event,
    Incident,
    Investigated,
    InvestigationFailed,
    PlanChosen,
    QuietOver,
    Reassigned,
    RolloutEnded,
    Snoozed,
    Status,
)

Attention = Literal["triggered", "acknowledged", "snoozed", "over"]

STATUSES: dict[Status, str] = {
    "investigating": "evidence is being read",
    "awaiting_approval": "a fix waits for a human's yes",
    "rolling_out": "the fix is on its way, or being verified",
    "needs_human": "no safe next step without a person",
    "resolved": "the numbers that hurt have recovered, or a person closed it",
}
ATTENTIONS: dict[Attention, str] = {
    "triggered": "nobody has it yet: the ladder climbs",
    "acknowledged": "somebody has it: nobody else is woken",
    "snoozed": "somebody has it and put it off: the ladder waits until then",
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
    Move("needs_human", AlertSeen, "something new fires and no fix was proposed yet", "investigating"),
    Move("rolling_out", RolloutEnded, "verified", "resolved"),
    Move("rolling_out", RolloutEnded, "taken back, or stuck", "needs_human"),
    Move("investigating", ClosedByHuman, "", "resolved"),
    Move("awaiting_approval", ClosedByHuman, "", "resolved"),
    Move("needs_human", ClosedByHuman, "", "resolved"),
    Move("resolved", AlertSeen, "it fires again within the time of relapse", "investigating"),
)

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
    Move("acknowledged", ClosedByHuman, "", "over"),
    Move("acknowledged", RolloutEnded, "verified", "over"),
    Move("over", AlertSeen, "it fires again within the time of relapse", "triggered"),
)


def attention(incident: Incident) -> Attention:
    """Who has it."""
    if incident.status == "resolved":
        return "over"
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
