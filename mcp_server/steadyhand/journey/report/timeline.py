"""What happened, in order: signals and changes from the evidence, deeds from the audit trail."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.evidence.model import Item, Page
from steadyhand.journey.report.model import Event, EventKind

_WORDS: dict[str, tuple[EventKind, str]] = {
    "incident.opened": ("alert", "{alert} fired on {service}; opened as {severity}: {severity_why}."),
    "incident.reopened": ("alert", "{alert} fires again after a fix; reopened."),
    "severity.changed": ("other", "Severity {from} is now {to}: {why}"),
    "severity.refused": ("other", "Severity stays {from}, not {to}: {refused}."),
    "alert.seen": ("alert", "{alert} is {status}."),
    "incident.acknowledged": ("page", "Acknowledged; escalation stops."),
    "incident.escalated": ("page", "Escalated to {to}: {why}"),
    "escalation.exhausted": ("page", "Nobody is left to tell: {why}"),
    "incident.diagnosed": ("diagnosis", "{headline}"),
    "investigation.failed": ("diagnosis", "{note}"),
    "plan.none": ("diagnosis", "{note}"),
    "guardrail.verdict": ("consent", "Guardrails on {plan}: {verdict} ({reasons})."),
    "guardrail.refused": ("consent", "{note}"),
    "plan.refused": ("consent", "Another plan was not put: the incident was {status}."),
    "plan.approved": ("consent", "Approved {plan}, digest {digest:.12}. {reason}"),
    "plan.rejected": ("consent", "Rejected {plan}: {reason}"),
    "plan.set_aside": ("consent", "{note}"),
    "decision.refused": ("consent", "An answer to {plan} was refused: {why}."),
    "approval.unanswered": ("consent", "Nobody answered {plan} in time."),
    "execution.refused": ("rollout", "The fence refused {plan}: {why}."),
    "rollout.started": ("rollout", "Rollout {rollout} started."),
    "rollout.moved": ("rollout", "{phase}: {note}"),
    "rollout.taken_over": ("rollout", "Another process took {rollout} over in {phase}."),
    "rollout.aborted": ("rollout", "Aborted: {why}"),
    "rollout.widened": ("rollout", "More traffic for the canary: {share}"),
    "rollout.promoted_without_proof": ("rollout", "Promoted without proof: {why}"),
    "rollout.ended": ("rollout", "Rollout {outcome}: {reason}"),
    "message.sent": ("page", "{channel} took a message for {target}: {subject}"),
    "message.retried": ("page", "{channel} did not take a message for {target}, it is tried again: {why}"),
    "message.given_up": ("page", "{channel} did not take a message for {target}: {why}"),
    "message.taken_back": ("page", "A message by {channel} for {target} was taken back before it left."),
    "message.late": ("page", "A message by {channel} to {target} got through after all."),
    "message.delivered": ("page", "A message by {channel} reached {target}."),
    "message.seen": ("page", "{target} saw a message by {channel}."),
    "message.failed": ("page", "A message by {channel} did not reach {target}: {why}"),
    "message.lost": ("page", "A message by {channel} for {target} is lost: {why}"),
    "schedule.changed": ("page", "A shift changed hands: {what}."),
    "deed.refused": ("other", "Refused ({deed}): {why}."),
    "incident.resolved": ("other", "Resolved. {reason}{why}"),
    "incident.close_refused": ("other", "Not closed: the incident was {status}."),
}

# For auditors: each says again what another row says in words, or what a model only looked at.
_SILENT = frozenset({"incident.moved", "message.left_out", "tool.called", "tool.failed"})


def timeline(trail: Sequence[Entry], page: Page | None) -> tuple[Event, ...]:
    """Every event by its time; of two at the same instant, the evidence comes first."""
    seen = [_signal(one) for one in page.items if one.onset] if page else []
    return tuple(
        sorted([*seen, *(_deed(one) for one in trail if one.action not in _SILENT)], key=lambda one: one.at)
    )


def _signal(item: Item) -> Event:
    assert item.onset is not None, "only items with an onset are events"
    kind: EventKind = "change" if item.kind == "change" else "signal"
    return Event(at=item.onset.at, kind=kind, text=f"{item.entity}: {item.title}", source=item.id)


def _deed(entry: Entry) -> Event:
    facts = defaultdict(str, entry.body)
    facts["verdict"] = facts["verdict"].replace("_", " ")
    kind, words = _WORDS.get(entry.action, ("other", ""))
    # The template is ours; what it is filled with is never read as one.
    text = words.format_map(facts).strip() if words else _bare(entry)
    return Event(
        at=datetime.fromtimestamp(entry.ts / 1000, tz=UTC),
        kind=kind,
        who=entry.actor,
        text=text,
        source=f"row {entry.seq}",
    )


def _bare(entry: Entry) -> str:
    """A row no words are known for, as it is."""
    facts = "; ".join(f"{key} {value}" for key, value in entry.body.items())
    return f"{entry.action} ({facts})" if facts else entry.action
