"""Which of the claimed messages leave now, which of them as one, and which wait."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from steadyhand.journey.escalation.throttle import ThrottleRule
from steadyhand.ports import Letter
from steadyhand.store import Message, Ring, Way

Bundle = tuple[Message, ...]
"""Pages to one person by one channel that leave as one message; or one message alone."""
WITH = "&with:"  # after the key of the first of several that left together
_SUBJECT = 200
_BODY = 1400  # a short message holds 1600


@dataclass(frozen=True, slots=True)
class Held:
    """A page that must wait until an instant."""

    message: Message
    until: datetime


def rings(message: Message, rule: ThrottleRule) -> bool:
    """Whether it rings where rings are counted."""
    return message.act == "page" and message.channel in rule.limits


def way_of(message: Message) -> Way:
    """By which channel to whom."""
    return message.channel, message.target


def ring(bundle: Bundle, now: datetime) -> Ring:
    """It leaves now."""
    first, incidents = bundle[0], frozenset(one.incident for one in bundle)
    way = way_of(first)
    return Ring(message=first.key, attempt=first.attempts, way=way, at=now, incidents=incidents)


def sort_out(
    messages: Sequence[Message], rung: Sequence[Ring], rule: ThrottleRule, now: datetime
) -> tuple[Sequence[Bundle], Sequence[Held]]:
    """Those that leave now, oldest first, and those that wait."""
    groups: dict[Way | str, list[Message]] = {}
    for one in sorted(messages, key=lambda one: (one.queued_at, one.key)):
        groups.setdefault(way_of(one) if _waits(one, rule) else one.key, []).append(one)
    leaving, held = [], []
    for name, group in groups.items():
        until = _until(group, rung, rule, now) if isinstance(name, tuple) else now
        if until > now:
            held += [Held(one, until) for one in group]
        else:
            leaving.append(tuple(group))
    return leaving, held


def letters(messages: Sequence[Message], rule: ThrottleRule) -> int:
    """How many leave at most: pages that may wait leave as one."""
    return len({way_of(one) if _waits(one, rule) else one.key for one in messages})


def _waits(message: Message, rule: ThrottleRule) -> bool:
    """Only pages do: none of a SEV1, and none without an incident, for then Steadyhand itself needs help."""
    return rings(message, rule) and message.severity not in ("", "SEV1") and bool(message.incident)


def _until(group: Sequence[Message], rung: Sequence[Ring], rule: ThrottleRule, now: datetime) -> datetime:
    """The whole group leaves as soon as any of it may: it is one ring all the same.

    What rang before the clock was set back does not count, nor what was noted for a page of this group whose
    process died with it.
    """
    way, cut_off = way_of(group[0]), {one.key for one in group if not one.error}
    heard = [one for one in rung if one.way == way and one.at <= now and one.message not in cut_off]
    known = frozenset[str]().union(*(one.incidents for one in heard))
    times = [one.at for one in heard]
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
