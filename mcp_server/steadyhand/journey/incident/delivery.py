"""Transitions by what became of messages: the next way, the next person, the next rung."""

from datetime import datetime
from typing import assert_never

from steadyhand.journey.commands import Act, Record, Send
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.people import Reach
from steadyhand.journey.incident.climbing import awaited, next_rung, stand_in
from steadyhand.journey.incident.paging import cry, lateness, message, next_way, page_one, page_step, thread
from steadyhand.journey.incident.state import (
    ContactSilent,
    Incident,
    MessageArrived,
    MessageFailed,
    Outcome,
)

DeliveryEvent = ContactSilent | MessageFailed | MessageArrived


def reduce(incident: Incident, event: DeliveryEvent, now: datetime) -> Outcome:
    """What follows from a message's end, or from a person's silence."""
    match event:
        case MessageFailed():
            return _failed(incident, event, now)
        case MessageArrived():
            body = {"channel": event.channel, "target": event.target, "message": event.key}
            return incident, (Record(action=f"message.{event.how}", body=body),)
        case ContactSilent():
            return _silent(incident, event, now)
        case _:
            assert_never(event)


def _failed(incident: Incident, event: MessageFailed, now: datetime) -> Outcome:
    """At once by the next way of the same person; nobody left to reach is as good as no answer."""
    body = {"channel": event.channel, "target": event.target, "message": event.key, "why": event.why}
    record = Record(action="message.lost", body=body)
    paging = event.key.startswith(f"{incident.id}:{incident.episode}:page:")
    owner = _owner(incident, event)
    if incident.status == "resolved" or (paging and incident.acked_by) or owner is None:
        return incident, (record,)
    way = owner.after(event.channel, event.target)
    current = event.key.startswith(f"{incident.id}:{incident.episode}:{page_step(incident)}")
    if current and owner.who in incident.answered:
        return incident, (record,)
    if way is None and current and owner in incident.called:
        after, commands = _unreachable(incident, owner, event.why, now)
        return after, (record, *commands)
    if way is None:
        return incident, (record,)
    again = _again(incident, event, way)
    number = owner.contacts.index(way)
    if not current or number < incident.tried.get(owner.who, 1):  # it was tried already: its time runs on
        return incident, (record, again)
    after, patience = _tried(incident, owner, number + 1, now)
    return after, (record, again, *patience)


def _owner(incident: Incident, event: MessageFailed) -> Reach | None:
    people = (*incident.called, *incident.told)
    return next((one for one in people if one.has(event.channel, event.target)), None)


def _again(incident: Incident, event: MessageFailed, way: Contact) -> Send:
    """The same words by another way."""
    step = event.key.removesuffix(f":{event.channel}:{event.target}").removeprefix(f"{thread(incident)}:")
    act: Act = "ask" if step.startswith("ask:") else "page"
    return message(incident, step, way, event.subject, event.body, act)


def _unreachable(incident: Incident, who: Reach, why: str, now: datetime) -> Outcome:
    if who.who in incident.lost:
        return incident, ()
    after = incident.model_copy(update={"lost": (*incident.lost, who.who)})
    record = Record(action="person.unreachable", body={"who": who.who})
    if incident.reserve:
        other, commands = stand_in(after, f"{who.who} cannot be reached.", now)
        return other, (record, *commands)
    if awaited(after):
        return after, (record,)
    tier = incident.policy.ladder.tier(incident.rung).name
    nobody = "Nobody else" if after.answered else "Nobody"
    higher, commands = next_rung(after, now, f"{nobody} of {tier} can be reached.")
    if not after.policy.ladder.has_next(after.rung):
        commands = (*commands, cry(after, f"The last way failed: {why}.", now))
    return higher, (record, *commands)


def _silent(incident: Incident, event: ContactSilent, now: datetime) -> Outcome:
    """By their next way, or whoever stands in; their rung's own clock runs on beside it."""
    one = next((one for one in incident.called if one.who == event.who), None)
    over = bool(incident.acked_by) or incident.status == "resolved" or event.rung != incident.rung
    if one is None or over or event.who not in awaited(incident):
        return incident, ()
    why = f"{event.who} did not answer{lateness(event.due_at, now)}."
    if event.tried < len(one.contacts):
        way = one.contacts[event.tried]
        record = Record(action="escalation.next_way", body={"who": one.who, "by": str(way)})
        after, patience = _tried(incident, one, event.tried + 1, now)
        return after, (record, page_one(incident, way, why), *patience)
    if not incident.reserve:
        return incident, ()
    return stand_in(incident, why, now)


def _tried(incident: Incident, one: Reach, ways: int, now: datetime) -> Outcome:
    """So many of their ways were tried by now; the time of the last one runs from now."""
    arm = next_way(incident, one, ways, now)
    after = incident.model_copy(update={"tried": {**incident.tried, one.who: ways}})
    return after, ((arm,) if arm else ())
