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
    "alert.flapping": ("alert", "{alerts} changes too often: {meaning}."),
    "incident.recovered": ("alert", "All its alerts are over; it closes if that lasts {closes_after}."),
    "incident.back": ("alert", "It fires again before it closed."),
    "incident.acknowledged": ("page", "Acknowledged; escalation stops."),
    "incident.unacknowledged": ("page", "Nobody has it any more: {why}"),
    "incident.snoozed": ("page", "Put off until {until}."),
    "incident.reassigned": ("page", "Given to {to}."),
    "incident.escalated": ("page", "Escalated to {to}: {why}"),
    "escalation.next_way": ("page", "{who} did not answer and is tried by {by}."),
    "escalation.next_person": ("page", "{who} is told instead: {why}"),
    "escalation.empty_tier": ("page", "Nobody can be told at {tier}; on to the next."),
    "escalation.reminded": ("page", "Everybody is told again: {why}"),
    "person.unreachable": ("page", "{who} cannot be reached by any way."),
    "help.called": ("page", "Help is called by {by}: {why}"),
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
    "plan.chosen": ("consent", "{plan} is the plan in question now."),
    "approval.delegated": ("consent", "The question about {plan} is handed to {to}."),
    "delegation.refused": ("consent", "{plan} was not handed to {to}: {why}."),
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
    "war_room.opened": ("page", "War room {room}."),
    "stakeholders.updated": ("page", "Stakeholders are told: {words}"),
    "stakeholders.none": ("page", "An update was written, and there is nobody to read it."),
    "check.recorded": ("diagnosis", "{check}: {outcome}. {seen} {did}"),
    "originals.shown": ("other", "Looked at what {placeholders} placeholders stand for."),
    "timer.dead": ("other", "{timer} failed too often and is tried no more: {why}"),
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
