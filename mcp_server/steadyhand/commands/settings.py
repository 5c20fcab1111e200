"""`steadyhand config`: is it right, and who would be paged when."""

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from steadyhand.adapters.channels.pagerduty import PagerDutySettings
from steadyhand.adapters.machine import SystemClock, secret
from steadyhand.commands.store import changed_by_hand, nobody_approves
from steadyhand.config import IncidentConfig, load
from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.handmade import ShiftChange
from steadyhand.journey.escalation.ladder import Ladder, SeverityTreatment
from steadyhand.journey.escalation.policy import SEVERITIES
from steadyhand.journey.escalation.readiness import Telling, lost_changes, problems, timeline, unused
from steadyhand.journey.rule import show_duration
from steadyhand.ports import ConfigError, SteadyhandError

_MANY = 2  # rounds alike that are told in one line


def show(path: Path) -> int:
    """Print the configuration whole, defaults included."""
    import yaml  # noqa: PLC0415

    sys.stdout.write(yaml.safe_dump(load(path).model_dump(mode="json"), sort_keys=False))
    return 0


def check(path: Path, severity: Severity, service: str = "", at: str = "") -> int:
    """Say who would be told when nobody answers such an incident, and what would keep a page from somebody.

    Raises ConfigError. Returns 1 when there is a problem.
    """
    config = load(path)
    start = instant_of(at)
    sys.stdout.write(f"{path} is well formed: {len(config.services)} services.\n")
    of = f" of {service}" if service else ""
    changes = _changes(config, start)
    sys.stdout.write(f"When nobody answers a {severity}{of} that opens at {start:%Y-%m-%d %H:%M} UTC:\n")
    for line in timeline_lines(config, severity, service, start, changes):
        sys.stdout.write(f"  {line}\n")
    _note_approvers(config)
    found = list(_problems(config, service, start, changes))
    for one in found:
        sys.stdout.write(f"  PROBLEM: {one}\n")
    return 1 if found else 0


def _note_approvers(config: IncidentConfig) -> None:
    try:
        if nobody_approves(config):
            roles = " or ".join(config.approval.approvers)
            sys.stdout.write(
                f"  NOTE: nobody can approve a fix yet: steadyhand people add NAME --role {roles}\n"
            )
    except SteadyhandError as error:
        sys.stdout.write(f"  NOTE: who may approve is not looked at: {error}\n")


def instant_of(text: str) -> datetime:
    """The instant that was written, or now. Raises ConfigError."""
    if not text:
        return SystemClock().now()
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no instant: write it like 2026-01-31T02:00:00Z") from error
    if at.tzinfo is None:
        raise ConfigError(f"{text!r} has no zone: write it like 2026-01-31T02:00:00Z or ..+01:00")
    return at.astimezone(UTC)


def _changes(config: IncidentConfig, start: datetime) -> Sequence[ShiftChange]:
    """Shifts changed by hand; a store that cannot be read does not hinder a look at the file."""
    try:
        return changed_by_hand(config, min(start, SystemClock().now()))
    except SteadyhandError as error:
        sys.stdout.write(f"Shifts changed by hand are not looked at: {error}\n")
        return ()


def timeline_lines(
    config: IncidentConfig,
    severity: Severity,
    service: str,
    start: datetime,
    changes: Sequence[ShiftChange] = (),
) -> Iterator[str]:
    """Who would be told when nobody answers such an incident, a line each."""
    policy = config.policy(severity, service, changes)
    told = timeline(policy.ladder, severity, start, escalates=policy.treatment.auto_escalate)
    first, again = _rounds(policy.ladder, told)
    yield from _audiences(config, severity, policy.treatment)
    for one in first:
        yield f"after {show_duration(one.at - start)}: {one.tier} {_whom(one)}"
    if again:
        yield f"after {show_duration(again[0].at - start)}: all of it again, {policy.ladder.repeat} times"
        yield f"after {show_duration(again[-1].at - start)}: {again[-1].tier} {_whom(again[-1])}"
    pace = policy.ladder.silence(policy.ladder.rungs, severity)
    if policy.treatment.auto_escalate and pace:
        yield f"then every {show_duration(pace)}: {told[-1].tier} again, until somebody answers"
    if not policy.treatment.auto_escalate:
        yield "then nobody: this severity does not escalate by itself"


def _audiences(config: IncidentConfig, severity: Severity, treatment: SeverityTreatment) -> Iterator[str]:
    """The war room and the stakeholders, where this severity has them."""
    if treatment.create_war_room and config.war_room.channel:
        yield f"after 0s: a war room by {config.war_room.channel}, with whoever is told by it"
    if treatment.notify_stakeholders and config.stakeholders.contacts:
        whom = ", ".join(map(str, config.stakeholders.contacts))
        pace = show_duration(config.stakeholders.next_after(severity))
        yield f"after 0s, then every {pace}: stakeholders by {whom}"


def _unset(config: IncidentConfig) -> Iterator[str]:
    """Secrets of channels and of the watchdog that this environment does not hold."""
    wanted = [("watchdog", "url_env", config.watchdog.url_env)]
    for one in config.connections.channels:
        for field, value in one:
            if field.endswith(("_env", "_envs")):
                names = value.values() if isinstance(value, dict) else [value]
                wanted += [(f"connections.channels {one.called}", field, str(name)) for name in names]
    for where, field, name in wanted:
        try:
            secret(name)
        except ConfigError as error:
            yield f"{where}: {field}: {error}"


def _rounds(ladder: Ladder, told: Sequence[Telling]) -> tuple[Sequence[Telling], Sequence[Telling]]:
    """The first round, and the rest where it tells the same people in the same way; else all of it."""
    count = len(ladder.tiers)
    alike = [(one.tier, one.whom) for one in told[:count]]
    later = [(one.tier, one.whom) for one in told[count:-1]]
    if ladder.repeat < _MANY or not later or later != alike * ladder.repeat:
        return told, ()
    if any(one.heard != one.at for one in told):
        return told, ()
    return told[:count], told[count:]


def _whom(one: Telling) -> str:
    if not one.whom:
        return "reaches nobody: an error, the next tier is told at once"
    later = "" if one.heard == one.at else f" (quiet hours: heard at {one.heard:%Y-%m-%d %H:%M} UTC)"
    ways = (
        f"{reach.who} ({', then '.join(str(way) for way in reach.contacts)})"
        if reach.who != str(reach.contacts[0])
        else reach.who
        for reach in one.whom
    )
    within = f" (answer within {show_duration(one.within)})" if one.whom else ""
    return f"by {', '.join(ways)}{within}{later}"


def _problems(
    config: IncidentConfig, service: str, start: datetime, changes: Sequence[ShiftChange]
) -> Iterator[str]:
    links = config.connections.channels
    usable = {"console", *(one.called for one in links), *(one.kind for one in links)}
    named = {name for one in config.escalation.assign for name in one.services}
    ladders = {
        ladder.name: ladder
        for severity in SEVERITIES
        for name in sorted({"", *named})
        for ladder in (config.policy(severity, name, changes).ladder,)
    }
    schedules = config.on_call(changes)
    yield from problems(ladders.values(), config.people, schedules, usable, start)
    yield from lost_changes(schedules, changes)
    yield from unused(config.escalation)
    yield from _around(config, usable)
    yield from _unset(config)
    yield from _unknown_pagers(config, ladders.values())
    known = {one.name for one in config.services}
    for name in (one for one in config.goals if one not in known):
        yield f"goals.{name}: no such service"
    yield from _unmeasured(config)
    for name in sorted(named - known):
        yield f"escalation.assign names the service {name!r}, which is not under services"
    if service and service not in known:
        yield f"--service {service}: no such service under services"


def _unmeasured(config: IncidentConfig) -> Iterator[str]:
    """Goals whose source of numbers is not connected."""
    metrics = {one.name for one in config.connections.metrics}
    for service, rules in config.goals.items():
        for one in (rule for rule in rules if rule.source and rule.source not in metrics):
            yield f"goals.{service}: {one.name}: connections.metrics has no {one.source!r}"


def _around(config: IncidentConfig, usable: Collection[str]) -> Iterator[str]:
    """The war room and the stakeholders."""
    chats = [one for one in config.connections.channels if one.kind == "slack"]
    room = config.war_room.channel
    if room and room not in {name for one in chats for name in (one.called, one.kind)}:
        yield f"war_room.channel: connections.channels has no Slack channel {room!r}"
    if "severity_rules" in config.model_fields_set:  # the defaults ask for both, and for nothing of anybody
        yield from _asked_in_vain(config)
    for one in config.stakeholders.contacts:
        if one.type not in usable:
            yield f"stakeholders: connections.channels has no {one.type}"


def _asked_in_vain(config: IncidentConfig) -> Iterator[str]:
    """What severity_rules asks for and nothing else makes possible."""
    for severity, one in config.severity_rules.items():
        if one.create_war_room and not config.war_room.channel:
            yield f"severity_rules.{severity}: create_war_room, but war_room.channel names none"
        if one.notify_stakeholders and not config.stakeholders.contacts:
            yield f"severity_rules.{severity}: notify_stakeholders, but stakeholders.contacts names nobody"


def _unknown_pagers(config: IncidentConfig, ladders: Iterable[Ladder]) -> Iterator[str]:
    """Services that a tier names and no routing key is for."""
    pagers = [one for one in config.connections.channels if isinstance(one, PagerDutySettings)]
    keys = {name: one.routing_key_envs for one in reversed(pagers) for name in (one.kind, one.called)}
    named = (
        target
        for ladder in ladders
        for tier in ladder.tiers
        for target in tier.contacts
        if isinstance(target, Contact)
    )
    for one in named:
        if one.type in keys and one.whom not in keys[one.type]:
            yield f"escalation: {one.type} has no routing key for {one.whom!r} in routing_key_envs"
