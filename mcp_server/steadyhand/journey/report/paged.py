"""Why each message of an incident was written, whom it was for and why, and what held it back."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import Field

from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.commands import ROOM_STEPS
from steadyhand.journey.escalation.delivery import Receipt
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.report.held import at_of, held
from steadyhand.journey.report.whom import chosen, owner, step_of, who_is
from steadyhand.journey.rule import Instant, Value

_CALLS = {
    "incident.opened": "{alert} fired",
    "incident.reopened": "it came back: {alert} fires again",
    "incident.back": "it came back before it was closed",
    "incident.escalated": "{why}",
    "escalation.reminded": "a reminder: {why}",
    "incident.reassigned": "{actor} gave it to {to}",
    "incident.unacknowledged": "{why}",
    "severity.changed": "{actor} raised it from {from} to {to}: {why}",
    "approval.unanswered": "nobody answered plan {plan} in time",
}
_PAGE = re.compile(r"[^:]+:(?P<episode>\d+):page:(?P<rung>\d+)(?:\.(?P<calls>\d+))?:")
_ASIDE = {"acknowledged": "whoever was woken hears that somebody has it", "resolved": "and that it is over"}


class Step(NamedTuple):
    """A rung that was called; in this order, within one incident, they followed each other."""

    episode: int
    calls: int
    rung: int


class Told(Value):
    """One message, explained."""

    at: Instant = Field(description="When it was written, or was to leave.")
    sent_at: Instant | None = Field(default=None, description="When a channel took it.")
    pages: int = Field(default=1, description="So many pages left as this one message.")
    act: str
    who: str
    channel: str
    target: str
    subject: str
    because: str = Field(description="What happened, so that it was written.")
    step: str = Field(default="", description="The step of the ladder; empty for what no step tells.")
    policy: str = Field(default="", description="The policy the step is of.")
    chosen: str = Field(default="", description="Why this person.")
    held: tuple[str, ...] = Field(default=(), description="What kept it back.")
    state: str
    attempts: int
    error: str = ""


def explain(incident: Incident, receipts: Sequence[Receipt], trail: Sequence[Entry]) -> tuple[Told, ...]:
    """Every message of the incident, in the order in which they were to leave."""
    ordered = sorted(receipts, key=_order)
    calls = _calls(receipts, trail)
    sent = {one.body.get("message", ""): one for one in trail if one.action == "message.sent"}
    letters = ((one, _Letter(incident, one, trail, calls.get(_step(one)))) for one in ordered)
    return tuple(letter.told(sent.get(one.key)) for one, letter in letters)


def _calls(receipts: Sequence[Receipt], trail: Sequence[Entry]) -> Mapping[Step | None, Entry]:
    """The line of the trail by which each step was called.

    Seen from the last step back: the latest line before its first message, and before the step that followed.
    A held message leaves after lines that have nothing to do with it.
    """
    first: dict[Step, datetime] = {}
    for one in receipts:
        step = _step(one)
        if step is not None:
            first[step] = min(one.queued_at, first.get(step, one.queued_at))
    found: dict[Step | None, Entry] = {}
    rows = [one for one in trail if one.action in _CALLS]
    for step in sorted(first, reverse=True):
        rows = [one for one in rows if at_of(one) <= first[step]]
        if rows:
            found[step] = rows.pop()
    return found


def _order(receipt: Receipt) -> tuple[datetime, bool, Step]:
    """Of one instant: the steps as they followed each other, then what no step tells."""
    step = _step(receipt)
    return receipt.queued_at, step is None, step or Step(0, 0, 0)


def _step(receipt: Receipt) -> Step | None:
    match = _PAGE.match(receipt.key)
    return Step(int(match["episode"]), int(match["calls"] or 0), int(match["rung"])) if match else None


class _Letter:
    """One message beside what is known of it."""

    def __init__(
        self, incident: Incident, receipt: Receipt, trail: Sequence[Entry], call: Entry | None
    ) -> None:
        self._incident, self._receipt, self._trail, self._call = incident, receipt, trail, call
        self._step = _step(receipt)
        self._who = who_is(incident, receipt.channel, receipt.target)
        self._other = self._other_way()

    def told(self, sent: Entry | None) -> Told:
        shared = self._receipt.model_dump(
            include={"act", "channel", "target", "subject", "state", "attempts", "error"}
        )
        reasons = {"because": self._because(), "held": held(self._incident, self._receipt, self._start())}
        whom = {"who": self._who, "at": self._receipt.queued_at}
        if sent is not None:
            whom |= {"sent_at": at_of(sent), "pages": int(sent.body.get("pages", "1"))}
        return Told.model_validate({**shared, **whom, **reasons, **self._where()})

    def _start(self) -> Entry | None:
        """The line that called its step, where this is one of the step's first messages."""
        return None if self._other else self._call

    def _where(self) -> dict[str, str]:
        """The step, its policy, and why it led to this person. A replaced policy can only be named."""
        call, step, ladder = self._call, self._step, self._incident.policy.ladder
        if call is None or step is None:
            return {}
        regraded = [one for one in self._trail if one.action == "severity.changed"]
        if regraded and call.seq < regraded[-1].seq:
            return {"policy": f"the policy of {self._receipt.severity}, replaced when the severity changed"}
        given = call.action == "incident.reassigned"
        why = "it was given to them" if given else chosen(self._incident, step.rung, self._who, at_of(call))
        return {"step": step_of(self._incident, step.rung), "policy": ladder.name, "chosen": why}

    def _because(self) -> str:
        if self._other:
            return self._other
        if self._call is not None:
            facts = defaultdict(str, {**self._call.body, "actor": self._call.actor})
            return _CALLS[self._call.action].format_map(facts).rstrip(".")
        return self._aside()

    def _other_way(self) -> str:
        """What came of those rung before in the same step, where that is why this was written."""
        found = (self._led(one) for one in self._trail if self._is_of_this(one))
        return next((words for words in found if words), "")

    def _led(self, row: Entry) -> str:
        """In words, how this line led to this message; empty where it did not."""
        body, way = row.body, f"{self._receipt.channel} {self._receipt.target}"
        match row.action:
            case "escalation.next_way" if body["by"] == way:
                return f"{self._who} did not answer by the way before"
            case "escalation.next_person" if body["who"] == self._who and self._first_way():
                return body["why"].rstrip(".")
            case "message.lost" if self._comes_after(body["channel"], body["target"]):
                return f"{body['channel']} {body['target']} failed: {body['why']}"
            case _:
                return ""

    def _comes_after(self, channel: str, target: str) -> bool:
        """Whether this is the way of the same person that is taken when that one has failed."""
        reach = owner(self._incident, channel, target)
        way = reach.after(channel, target) if reach else None
        return way is not None and (way.type, way.whom) == (self._receipt.channel, self._receipt.target)

    def _first_way(self) -> bool:
        reach = owner(self._incident, self._receipt.channel, self._receipt.target)
        first = reach.contacts[0] if reach else None
        return first is None or (first.type, first.whom) == (self._receipt.channel, self._receipt.target)

    def _is_of_this(self, row: Entry) -> bool:
        """Written after the step was called, and when this message was."""
        called = self._call is not None and row.seq > self._call.seq
        return called and abs(at_of(row) - self._receipt.queued_at) < timedelta(seconds=1)

    def _delegating(self) -> str:
        """Who asked them: the latest approver who did, when this was written."""
        found = [
            one.actor
            for one in self._trail
            if one.action == "approval.delegated"
            and one.body["to"] == self._who
            and at_of(one) <= self._receipt.queued_at
        ]
        return found[-1] if found else "an approver"

    def _aside(self) -> str:
        receipt = self._receipt
        if ":delegated:" in receipt.key:
            return f"{self._delegating()} handed them the question"
        if receipt.act == "ask":
            return "a plan waits for a yes or no"
        if receipt.act in ROOM_STEPS:
            return "the war room of its severity"
        if receipt.act == "note":
            return "stakeholders of its severity are kept informed"
        return _ASIDE.get(receipt.act, "everybody told so far hears how it stands")
