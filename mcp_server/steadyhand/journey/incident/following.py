"""What follows from any transition for those around it: whoever was paged, the war room, stakeholders.

It looks at the incident before and after, so that no transition can forget it.
"""

from collections.abc import Iterator
from datetime import datetime

from steadyhand.journey.commands import Act, Command, FollowUp, Record, Send
from steadyhand.journey.escalation.audience import room_name
from steadyhand.journey.incident import updates
from steadyhand.journey.incident.paging import thread
from steadyhand.journey.incident.state import Incident, Outcome


def follow(before: Incident | None, after: Incident, now: datetime) -> Outcome:
    """The incident with what was begun for its audiences, and the commands that do it."""
    incident, commands = after, list(_told(before, after))
    for step in (_room, _stakeholders):
        incident, more = step(before, incident, now)
        commands += more
    return incident, tuple(commands)


def _told(before: Incident | None, after: Incident) -> Iterator[Command]:
    """Whoever was paged hears that somebody has it, and that it is over."""
    if before is None:
        return
    if _resolved(before, after):
        yield _follow_up(after, "resolved", after.note or "It is over.")
    elif after.acked_by and after.acked_by != before.acked_by:
        yield _follow_up(after, "acknowledged", f"{after.acked_by} has it.")


def _follow_up(incident: Incident, act: Act, body: str) -> FollowUp:
    return FollowUp(
        act=act,
        thread=thread(incident),
        step=f"{act}:{incident.version}",
        subject=f"{incident.severity} {incident.service}: {act}",
        body=f"{incident.title}: {body}",
        severity=incident.severity,
    )


def _resolved(before: Incident, after: Incident) -> bool:
    return after.status == "resolved" and before.status != "resolved"


def _stakeholders(before: Incident | None, after: Incident, now: datetime) -> Outcome:
    if after.status == "resolved":
        return updates.end(after, now) if before and _resolved(before, after) else (after, ())
    if updates.wanted(after) and not after.updates:
        return updates.begin(after, now)
    return after, ()


def _room(before: Incident | None, after: Incident, now: datetime) -> Outcome:  # noqa: ARG001 - as its siblings
    rule = after.policy.war_room
    if not rule.channel:
        return after, ()
    if not after.room:
        if after.status == "resolved" or not after.policy.treatment.create_war_room:
            return after, ()
        opened = after.model_copy(update={"room": room_name(after.id, after.service)})
        return opened, tuple(_open_room(opened))
    if before is None:
        return after, ()
    return after, tuple(_keep_room(before, after))


def _open_room(incident: Incident) -> Iterator[Command]:
    """Each step stands alone: whatever fails is tried again by itself, and none holds up a page."""
    yield Record(action="war_room.opened", body={"room": incident.room})
    yield _step(incident, "room", "open", incident.title)
    yield _step(incident, "topic", f"topic:{incident.version}", _topic(incident))
    summary = f"{incident.title}\n{incident.severity_why}\nIncident {incident.id}."
    yield _step(incident, "pin", "summary", summary)
    yield from (_step(incident, "invite", f"invite:{one}", one) for one in _people(incident))


def _keep_room(before: Incident, after: Incident) -> Iterator[Command]:
    """Whoever is paged later comes in later; the topic says how things stand."""
    known = _people(before)
    yield from (_step(after, "invite", f"invite:{one}", one) for one in _people(after) if one not in known)
    if _topic(before) != _topic(after):
        yield _step(after, "topic", f"topic:{after.version}", _topic(after))


def _people(incident: Incident) -> tuple[str, ...]:
    """Ids in the chat of the room: those of the rule, and of everybody who was told by it."""
    rule = incident.policy.war_room
    ways = (way for one in incident.told for way in one.contacts)
    told = (way.user for way in ways if way.type == rule.channel and way.user)
    return tuple(dict.fromkeys((*rule.invite, *told)))


def _topic(incident: Incident) -> str:
    who = f" · {incident.acked_by} has it" if incident.acked_by else ""
    return f"{incident.severity} · {incident.status.replace('_', ' ')}{who} · {incident.title}"


def _step(incident: Incident, act: Act, step: str, body: str) -> Send:
    about = f"{incident.id}:room"
    return Send(
        key=f"{about}:{step}",
        channel=incident.policy.war_room.channel,
        target=incident.room,
        subject=f"{incident.severity} {incident.service}: {incident.title}"[:200],
        body=body,
        act=act,
        severity=incident.severity,
        thread=about,
    )
