"""Who is told what: messages for a rung of the ladder, and for everybody told so far."""

from datetime import datetime, timedelta

from steadyhand.journey.commands import Act, Arm, Command, Record, Send, TimerKind
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.people import Reach
from steadyhand.journey.incident.state import Incident, Outcome
from steadyhand.journey.rule import show_duration

LADDER: tuple[TimerKind, ...] = ("escalate", "reach", "help")  # the clocks that somebody's answer stops
# Those that end with the incident.
EVERY: tuple[TimerKind, ...] = (*LADDER, "resume", "approval", "investigate", "update")


def tell(incident: Incident, step: str, subject: str, body: str, act: Act = "page") -> tuple[Send, ...]:
    """One message to everybody told so far, by their first way. `step` makes it one message for good."""
    return tuple(
        message(incident, step, way, subject, body, act)
        for one in _known(incident)
        for way in one.contacts[:1]
    )


def _known(incident: Incident) -> tuple[Reach, ...]:
    """Everybody told so far; an incident of before they were noted asks its ladder."""
    if incident.told:
        return incident.told
    ladder, severity, at = incident.policy.ladder, incident.severity, incident.opened_at
    tiers = (ladder.tier(rung) for rung in range(incident.rung + 1))
    return tuple(dict.fromkeys(one for tier in tiers for one in ladder.reach(tier, severity, at)))


def call(incident: Incident, now: datetime, why: str) -> Outcome:
    """Tell the present rung and start its clock. A rung with nobody on it is an error: on to the next."""
    ladder = incident.policy.ladder
    empty: list[Command] = []
    while True:
        tier = ladder.tier(incident.rung)
        found = ladder.reach(tier, incident.severity, now)
        if found or not ladder.has_next(incident.rung):
            break
        empty.append(Record(action="escalation.empty_tier", body={"tier": tier.name}))
        incident = incident.model_copy(update={"rung": incident.rung + 1})
    if not found:
        why_not = "Nobody of it has a way to be reached."
        empty += Record(action="escalation.exhausted", body={"why": why_not}), cry(incident, why_not, now)
    called, reserve = _split(found, tier.notify, incident.turn)
    after = with_called(incident, called, reserve)
    return after, (*empty, *page(after, why), *patience(after, now), *next_page(after, now))


def _split(found: tuple[Reach, ...], notify: str, turn: int) -> tuple[tuple[Reach, ...], tuple[Reach, ...]]:
    """Those told now, and those who are told when these cannot be reached or stay silent."""
    if notify == "all" or not found:
        return found, ()
    first = turn % len(found) if notify == "round_robin" else 0
    ordered = (*found[first:], *found[:first])
    return ordered[:1], ordered[1:]


def with_called(incident: Incident, called: tuple[Reach, ...], reserve: tuple[Reach, ...]) -> Incident:
    """The incident with these called now, none of them lost yet."""
    before = _known(incident) if incident.told or incident.rung else ()
    told = tuple(dict.fromkeys((*before, *called)))
    afresh: dict[str, object] = {"lost": (), "failed": (), "answered": (), "tried": {}}
    return incident.model_copy(update={"called": called, "reserve": reserve, "told": told, **afresh})


def page(incident: Incident, why: str, about: str = "") -> tuple[Send, ...]:
    """Wake those called now; once for each rung, and once more for each thing to be woken about."""
    called = incident.called or _known(incident)
    return tuple(page_one(incident, one.contacts[0], why, about) for one in called)


def page_one(incident: Incident, way: Contact, why: str, about: str = "") -> Send:
    """Wake one of them by one way."""
    tier = incident.policy.ladder.tier(incident.rung)
    subject = f"{incident.severity} {incident.service}: {incident.title}"
    within = show_duration(tier.response_time_minutes)
    body = f"{why} You are {tier.name}: answer within {within}. Incident {incident.id}."
    return message(incident, f"{page_step(incident)}{about}", way, subject, body)


def page_step(incident: Incident) -> str:
    """What the keys of this rung's pages have in common; another for each time it is called anew."""
    again = f"{incident.rung}.{incident.calls}" if incident.calls else f"{incident.rung}"
    return f"page:{again}:"


def patience(incident: Incident, now: datetime) -> tuple[Arm, ...]:
    """The timers after which each of those called now is tried by another way."""
    return tuple(arm for one in incident.called if (arm := next_way(incident, one, 1, now)))


def next_way(incident: Incident, one: Reach, tried: int, now: datetime) -> Arm | None:
    """The timer after which a silent person is tried by another way, or another is called instead."""
    if tried >= len(one.contacts) and not incident.reserve:
        return None
    payload = {"rung": str(incident.rung), "who": one.who, "tried": str(tried)}
    key = f"{incident.id}:reach:{one.who}"
    due = incident.policy.ladder.heard(incident.severity, now) + one.next_after
    return Arm(kind="reach", key=key, due_at=due, payload=payload)


def next_page(incident: Incident, now: datetime) -> tuple[Command, ...]:
    """The timer for the next rung, or for a reminder after the last, if this severity escalates by itself."""
    ladder = incident.policy.ladder
    wait = ladder.silence(incident.rung, incident.severity)
    if wait is None or not incident.policy.treatment.auto_escalate:
        return ()
    due = ladder.deadline(incident.severity, now, wait)
    payload = {"rung": str(incident.rung)}
    return (Arm(kind="escalate", key=f"{incident.id}:escalate", due_at=due, payload=payload),)


def cry(incident: Incident, why: str, now: datetime) -> Arm:
    """Nobody is left on the ladder who can be reached: whoever else can be is to be told."""
    payload = {"step": page_step(incident).rstrip(":"), "why": why}
    due = incident.policy.ladder.heard(incident.severity, now)
    return Arm(kind="help", key=f"{incident.id}:help", due_at=due, payload=payload)


def lateness(due_at: datetime, now: datetime) -> str:
    """How late a step comes, in words; empty within five seconds."""
    late = now - due_at
    return f" (late by {late.total_seconds():.0f} s)" if late > timedelta(seconds=5) else ""


def message(incident: Incident, step: str, way: Contact, subject: str, body: str, act: Act = "page") -> Send:
    """One message by one way; the same step by the same way is the same message."""
    return Send(
        key=f"{thread(incident)}:{step}:{way.type}:{way.whom}",
        channel=way.type,
        target=way.whom,
        subject=subject[:200],
        body=body,
        act=act,
        severity=incident.severity,
        thread=thread(incident),
    )


def thread(incident: Incident) -> str:
    """What the messages about one episode have in common."""
    return f"{incident.id}:{incident.episode}"


def hushed(outcome: Outcome, now: datetime) -> Outcome:
    """Messages of lesser things wait until quiet hours are over."""
    incident, commands = outcome
    heard = incident.policy.ladder.heard(incident.severity, now)
    if heard == now:
        return outcome
    return incident, tuple(
        one.model_copy(update={"not_before": heard}) if isinstance(one, Send) else one for one in commands
    )
