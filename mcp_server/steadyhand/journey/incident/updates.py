"""What stakeholders are told: impact, status, and when they hear more. No names, no jargon, no guesses."""

from datetime import datetime, timedelta
from typing import assert_never

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.commands import Arm, Command, Disarm, Record, Send
from steadyhand.journey.incident.paging import lateness, thread
from steadyhand.journey.incident.state import Incident, Outcome, UpdateDue, UpdateWritten
from steadyhand.journey.rule import show_duration

_STATUS = {
    "investigating": "We are looking for the cause.",
    "awaiting_approval": "We know a likely cause. A fix is prepared and waits for a decision.",
    "rolling_out": "A fix is being brought in step by step, and checked at each step.",
    "needs_human": "People are working on it.",
    "resolved": "It is over.",
}


_IMPACT: dict[Severity, str] = {
    "SEV1": "it is down, or data or security is at stake",
    "SEV2": "an important part of it fails or is very slow",
    "SEV3": "a part of it fails; there is a way around",
    "SEV4": "a blemish that keeps nobody from working",
}
UpdateEvent = UpdateDue | UpdateWritten


def reduce(incident: Incident, event: UpdateEvent, now: datetime) -> Outcome:
    """What follows when an update is due, or a person wrote one."""
    match event:
        case UpdateDue():
            return _due(incident, event, now)
        case UpdateWritten():
            return _written(incident, event, now)
        case _:
            assert_never(event)


def wanted(incident: Incident) -> bool:
    """Whether anybody is to be kept informed of this incident."""
    return incident.policy.treatment.notify_stakeholders and bool(incident.policy.stakeholders.contacts)


def begin(incident: Incident, now: datetime) -> Outcome:
    """The first update, and the clock of the next."""
    return _tell(incident, _STATUS[incident.status], now)


def _due(incident: Incident, event: UpdateDue, now: datetime) -> Outcome:
    """The next one. It says that it is late, where it is."""
    if incident.status == "resolved" or event.number != incident.updates:
        return incident, ()
    late = lateness(event.due_at, now).strip()
    status = _STATUS[incident.status]
    return _tell(incident, f"{status} This update is {late[1:-1]}." if late else status, now)


def _written(incident: Incident, event: UpdateWritten, now: datetime) -> Outcome:
    """A person's own words go out at once, in place of the next one."""
    record = Record(
        action="stakeholders.updated",
        actor=event.by,
        actor_kind="human",
        via=event.via,
        body={"words": event.text},
    )
    if not incident.policy.stakeholders.contacts:
        return incident, (Record(action="stakeholders.none", actor=event.by, actor_kind="human"),)
    after, commands = _tell(incident, event.text, now)
    return after, (record, *commands)


def end(incident: Incident, now: datetime) -> Outcome:
    """The last update, for those who got any."""
    after = incident.model_copy(update={"updates": 0})
    if not incident.updates:
        return after, ()
    body = f"{_impact(incident)}\nStatus: {_ended(incident, now)}\nThis is the last update."
    return after, (Disarm(kinds=("update",)), *_send(incident, "end", "Resolved", body))


def draft(incident: Incident, now: datetime) -> str:
    """What the next update would say if nobody writes another."""
    return _body(incident, _STATUS[incident.status], now)


def status_words(incident: Incident) -> str:
    """The part of it that a person's own words replace."""
    return _STATUS[incident.status]


def _tell(incident: Incident, status: str, now: datetime) -> Outcome:
    body = _body(incident, status, now)
    if incident.status == "resolved":
        return incident, _send(incident, f"after:{incident.version}", "Resolved", body)
    number = incident.updates + 1
    after = incident.model_copy(update={"updates": number})
    sends = _send(incident, str(number), "Update" if incident.updates else "Incident", body)
    arm = Arm(
        kind="update",
        key=f"{incident.id}:update",
        due_at=now + _pause(incident),
        payload={"number": str(number)},
    )
    return after, (*sends, arm)


def _body(incident: Incident, status: str, now: datetime) -> str:
    lines = [_impact(incident), f"Status: {status}"]
    if incident.status != "resolved":
        lines.append(f"Next update at {now + _pause(incident):%H:%M} UTC, or when it is over.")
    return "\n".join(lines)


def _impact(incident: Incident) -> str:
    since = incident.milestones.get("started", incident.opened_at)
    return (
        f"Impact: {incident.service}: {_IMPACT[incident.severity]} ({incident.severity}).\n"
        f"Since: {since:%Y-%m-%d %H:%M} UTC."
    )


def _ended(incident: Incident, now: datetime) -> str:
    since = incident.milestones.get("started", incident.opened_at)
    minutes = timedelta(minutes=max(1, round((now - since) / timedelta(minutes=1))))
    return f"It is over since {now:%H:%M} UTC. It lasted {show_duration(minutes)}."


def _pause(incident: Incident) -> timedelta:
    return incident.policy.stakeholders.next_after(incident.severity)


def _send(incident: Incident, step: str, label: str, body: str) -> tuple[Command, ...]:
    about = f"{thread(incident)}:update"
    return tuple(
        Send(
            key=f"{about}:{step}:{one.type}:{one.whom}",
            channel=one.type,
            target=one.whom,
            subject=f"{label}: {incident.service} ({incident.severity})",
            body=body,
            act="note",
            severity=incident.severity,
            thread=about,
        )
        for one in incident.policy.stakeholders.contacts
    )
