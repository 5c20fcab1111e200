"""Transitions by what became of messages: the next way, the next person, the next rung."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import assert_never

from steadyhand.journey.commands import Act, Command, Record, Send
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
            return _arrived(incident, event)
        case ContactSilent():
            return _silent(incident, event, now)
        case _:
            assert_never(event)


def _arrived(incident: Incident, event: MessageArrived) -> Outcome:
    """Late is not never: this way did not fail."""
    body = {"channel": event.channel, "target": event.target, "message": event.key}
    record = Record(action=f"message.{event.how}", body=body)
    if not _of_this_step(incident, event.key):
        return incident, (record,)
    failed = tuple(way for way in incident.failed if way != (event.channel, event.target))
    return incident.model_copy(update={"failed": failed}), (record,)


def _failed(incident: Incident, event: MessageFailed, now: datetime) -> Outcome:
    """At once by the next way of the same person; nobody left to reach is as good as no answer."""
    body = {"channel": event.channel, "target": event.target, "message": event.key, "why": event.why}
    commands: list[Command] = [Record(action="message.lost", body=body)]
    paging = event.key.startswith(f"{incident.id}:{incident.episode}:page:")
    if incident.status == "resolved" or (paging and incident.acked_by):
        return incident, tuple(commands)
    owners = [one for one in _told(incident) if one.has(event.channel, event.target)]
    if not _of_this_step(incident, event.key):
        again = [_again(incident, event, one) for one in (owners[:1] if paging else owners)]
        return incident, (*commands, *chain.from_iterable(again))
    failed = tuple(dict.fromkeys((*incident.failed, (event.channel, event.target))))
    after = incident.model_copy(update={"failed": failed})
    for owner in _waited_for(incident, owners):
        after, more = _by_another(after, owner, event, now)
        commands += more
    return after, tuple(commands)


def _told(incident: Incident) -> tuple[Reach, ...]:
    return tuple(dict.fromkeys((*incident.called, *incident.told)))


def _of_this_step(incident: Incident, key: str) -> bool:
    return key.startswith(f"{incident.id}:{incident.episode}:{page_step(incident)}")


def _waited_for(incident: Incident, people: Sequence[Reach]) -> Sequence[Reach]:
    """Those who may still answer; an incident of before they were noted waits for everybody."""
    return [one for one in people if one.who in awaited(incident)] if incident.called else people


def _by_another(incident: Incident, owner: Reach, event: MessageFailed, now: datetime) -> Outcome:
    """By the next way, unless it was tried: its time runs on. Whoever any way may have reached has theirs."""
    again = _again(incident, event, owner)
    number = owner.place(event.channel, event.target) + 1
    if again and number >= incident.tried.get(owner.who, 1):
        after, patience = _tried(incident, owner, number + 1, now)
        return after, (*again, *patience)
    if owner not in incident.called or not set(incident.failed).issuperset(owner.ways):
        return incident, again
    after, commands = _unreachable(incident, owner, event.why, now)
    return after, (*again, *commands)


def _again(incident: Incident, event: MessageFailed, owner: Reach) -> tuple[Send, ...]:
    """The same words by their next way, if there is one."""
    step = event.key.removesuffix(f":{event.channel}:{event.target}").removeprefix(f"{thread(incident)}:")
    act: Act = "ask" if step.startswith("ask:") else "page"
    way = owner.after(event.channel, event.target)
    return (message(incident, step, way, event.subject, event.body, act),) if way else ()


def _unreachable(incident: Incident, who: Reach, why: str, now: datetime) -> Outcome:
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
