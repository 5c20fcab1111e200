"""Which of the claimed messages leave now, which of them as one, and which wait."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from steadyhand.journey.escalation.throttle import ThrottleRule
from steadyhand.ports import Letter
from steadyhand.store import Message

Bundle = tuple[Message, ...]
"""Pages to one person by one channel that leave as one message; or one message alone."""
Way = tuple[str, str]
WITH = "&with:"  # after the key of the first of several that left together
_SUBJECT = 200
_BODY = 1400  # a short message holds 1600


@dataclass(frozen=True, slots=True)
class Held:
    """A page that must wait until an instant."""

    message: Message
    until: datetime


@dataclass(frozen=True, slots=True)
class Ring:
    """A telephone rang, about these incidents."""

    at: datetime
    incidents: frozenset[str]


@dataclass(slots=True)
class Rings:
    """When which telephone rang. Each process knows what it sent itself, so limits hold for each of them."""

    by_way: dict[Way, list[Ring]] = field(default_factory=dict)

    def add(self, bundle: Bundle, now: datetime, rule: ThrottleRule) -> None:
        """It leaves now; what no limit asks about any more is forgotten."""
        way = _way(bundle[0])
        recent = [one for one in self.by_way.get(way, ()) if abs(now - one.at) < rule.longest]
        self.by_way[way] = [*recent, Ring(now, frozenset(one.incident for one in bundle))]

    def silent(self, bundle: Bundle) -> None:
        """It was refused: nothing rang."""
        about = frozenset(one.incident for one in bundle)
        rung = self.by_way.get(_way(bundle[0]), [])
        last = next((one for one in reversed(rung) if one.incidents == about), None)
        if last is not None:
            rung.remove(last)


def _way(message: Message) -> Way:
    return message.channel, message.target


def sort_out(
    messages: Sequence[Message], rings: Rings, rule: ThrottleRule, now: datetime
) -> tuple[Sequence[Bundle], Sequence[Held]]:
    """Those that leave now, oldest first, and those that wait."""
    groups: dict[Way | str, list[Message]] = {}
    for one in sorted(messages, key=lambda one: (one.queued_at, one.key)):
        groups.setdefault(_way(one) if _waits(one, rule) else one.key, []).append(one)
    leaving, held = [], []
    for name, group in groups.items():
        until = _until(group, rings, rule, now) if isinstance(name, tuple) else now
        if until > now:
            held += [Held(one, until) for one in group]
        else:
            leaving.append(tuple(group))
    for bundle in leaving:
        if bundle[0].act == "page" and bundle[0].channel in rule.limits:
            rings.add(bundle, now, rule)
    return leaving, held


def letters(messages: Sequence[Message], rule: ThrottleRule) -> int:
    """How many leave at most: pages that may wait leave as one."""
    return len({_way(one) if _waits(one, rule) else one.key for one in messages})


def _waits(message: Message, rule: ThrottleRule) -> bool:
    """Only pages do: none of a SEV1, and none without an incident, for then Steadyhand itself needs help."""
    lesser = message.act == "page" and message.severity not in ("", "SEV1")
    return lesser and bool(message.incident) and message.channel in rule.limits


def _until(group: Sequence[Message], rings: Rings, rule: ThrottleRule, now: datetime) -> datetime:
    """The whole group leaves as soon as any of it may: it is one ring all the same."""
    way = _way(group[0])
    rung = [one for one in rings.by_way.get(way, ()) if one.at <= now]  # not before the clock was set back
    known = frozenset[str]().union(*(one.incidents for one in rung))
    times = [one.at for one in rung]
    return min(rule.earliest(way[0], times, now, first=one.incident not in known) for one in group)


def together(letter: Letter, others: Bundle) -> Letter:
    """Several pages in one, all incidents named. With another one among them it is another message."""
    if not others:
        return letter
    names = "\n".join(one.key for one in others)
    told = [f"{letter.subject}. {letter.body}", *(f"{one.subject} ({one.incident})" for one in others)]
    update = {
        "key": f"{letter.key}{WITH}{hashlib.sha256(names.encode()).hexdigest()[:12]}",
        "subject": f"{len(told)} pages, the first: {letter.subject}"[:_SUBJECT],
        "body": _fitting(told),
    }
    return letter.model_copy(update=update)


def _fitting(told: Sequence[str]) -> str:
    lines = [told[0][: _BODY // 2]]
    for number, one in enumerate(told[1:], start=1):
        if sum(map(len, lines)) + len(one) > _BODY:
            return "\n".join([*lines, f"and {len(told) - number} more: all are on the console"])
        lines.append(one)
    return "\n".join(lines)
