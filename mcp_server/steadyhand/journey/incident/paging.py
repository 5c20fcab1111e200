"""Who is told what: messages for a rung of the ladder."""

from datetime import datetime, timedelta

from steadyhand.journey.commands import Arm, Command, Send
from steadyhand.journey.escalation.ladder import Contact
from steadyhand.journey.incident.state import Incident


def tell(incident: Incident, step: str, subject: str, body: str) -> tuple[Send, ...]:
    """One message to each contact of every rung told so far. `step` makes it one message for good."""
    contacts: list[Contact] = []
    for rung in range(incident.rung + 1):
        contacts += [one for one in incident.policy.ladder.tier(rung).contacts if one not in contacts]
    return tuple(_message(incident, step, one, subject, body) for one in contacts)


def page(incident: Incident, why: str, about: str = "") -> tuple[Command, ...]:
    """Wake the present rung; once for each rung, and once more for each thing to be woken about."""
    tier = incident.policy.ladder.tier(incident.rung)
    subject = f"{incident.severity} {incident.service}: {incident.title}"
    body = f"{why} You are {tier.name}. Incident {incident.id}."
    step = f"page:{incident.rung}:{about}"
    return tuple(_message(incident, step, one, subject, body) for one in tier.contacts)


def next_page(incident: Incident, now: datetime) -> tuple[Command, ...]:
    """The timer for the next rung, if this severity escalates by itself and anybody is left."""
    ladder = incident.policy.ladder
    if not (incident.policy.treatment.auto_escalate and ladder.has_next(incident.rung)):
        return ()
    due = now + ladder.tier(incident.rung).escalate_after
    payload = {"rung": str(incident.rung)}
    return (Arm(kind="escalate", key=f"{incident.id}:escalate", due_at=due, payload=payload),)


def lateness(due_at: datetime, now: datetime) -> str:
    """How late a step comes, in words; empty within five seconds."""
    late = now - due_at
    return f" (late by {late.total_seconds():.0f} s)" if late > timedelta(seconds=5) else ""


def _message(incident: Incident, step: str, contact: Contact, subject: str, body: str) -> Send:
    key = f"{incident.id}:{incident.episode}:{step}:{contact.type}:{contact.whom}"
    return Send(key=key, channel=contact.type, target=contact.whom, subject=subject[:200], body=body)
